"""What an alert says of a model that no longer describes the stream."""

from fraudwatch.alerts import written
from fraudwatch.alerts.written import Language
from fraudwatch.records import Text

_CHANGED: dict[str, dict[Language, str]] = {
    "score": {"en": "the scores", "fr": "les scores"},
    "amount": {"en": "amounts", "fr": "les montants"},
    "rhythm": {"en": "the rhythm of transactions", "fr": "le rythme des opérations"},
    "network": {"en": "counterparties", "fr": "les contreparties"},
    "place_and_device": {"en": "places and devices", "fr": "les lieux et appareils"},
    "profile": {"en": "the profile of accounts", "fr": "le profil des comptes"},
    "feedback": {"en": "verdicts", "fr": "les avis"},
}
_NOTE: dict[Language, str] = {
    "en": "The stream has changed since the model was fitted, {what} most (PSI {psi}): scores and ranks are less sure.",
    "fr": "Le flux a changé depuis que le modèle fut ajusté, surtout {what} (PSI {psi}) : scores et rangs sont moins "
    "sûrs.",
}


def model_note(changed: str, psi: float) -> Text:
    """`changed` is `score` or a theme, the one whose population stability index `psi` is the highest."""

    def say(language: Language) -> str:
        return _NOTE[language].format(what=_CHANGED[changed][language], psi=written.number(psi, language, 2))

    return Text(en=say("en"), fr=say("fr"))
