"""Reasons and alerts as sentences in English and French.

A reason's template (`FeatureSpec.sentence`) may use {value}, {usual} and {window}. A part in square brackets
is optional: it is dropped when a placeholder inside it has no value, so that

    "{value} spent in {window}[, usually {usual}]"

reads "812.40 € spent in 24 h, usually 31.00 €", and "812.40 € spent in 24 h" of an account without a usual. A
placeholder without a value outside brackets reads "unknown". Brackets do not nest.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from fraudwatch.alerts import written
from fraudwatch.alerts.episodes import Episode
from fraudwatch.alerts.written import SPACE, Language
from fraudwatch.records import Reason, Text

_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_PLACEHOLDER = re.compile(r"\{(value|usual|window)\}")
_UNKNOWN = {"en": "unknown", "fr": "inconnu"}
_LONGEST_NAME = 40
"""Characters of an account id in a headline; the whole id is the alert's entity."""


def sentence(reason: Reason, currency: str) -> Text:
    """The reason in words; money is written in the state's currency."""
    return _both(lambda language: _fill(reason, currency, language))


def headline(episode: Episode, reasons: tuple[Reason, ...], currency: str, *, is_sample: bool) -> Text:
    """`Account 596: 3 unusual transactions, 812.40 € in 2 h; ` and the strongest reason."""

    def say(language: Language) -> str:
        because = _continued(_fill(reasons[0], currency, language)) if reasons else ""
        semicolon = f"{SPACE};" if language == "fr" else ";"
        return _summary(episode, currency, language, is_sample) + (
            f"{semicolon} {because}" if because else ""
        )

    return _both(say)


def edge_note(
    edge: float,
    observed_days: float,
    cut_today: int,
    *,
    is_low: bool = False,
    is_sample: bool,
    lane: str | None = None,
) -> Text:
    """Where the edge lies, what it rests on, and what the ceiling has cut off today."""

    def say(language: Language) -> str:
        score = written.number(edge, language, 2)
        days = written.days(observed_days, language)
        note = _NOTES["edge" if lane is None else "lane"][language]
        parts = [note.format(score=score, days=days, lane=lane)]
        if is_low:
            parts.append(_NOTES["low"][language])
        if is_sample:
            parts.append(_NOTES["sample"][language])
        if cut_today:
            parts.append(_NOTES["cut"][language].format(cut=written.number(cut_today, language)))
        return " ".join(parts)

    return _both(say)


_NOTES: dict[str, dict[Language, str]] = {
    "edge": {
        "en": "The alert budget raises alerts from score {score}, estimated on {days} of transactions.",
        "fr": "Le budget d’alertes fixe le seuil au score {score}, estimé sur {days} d’opérations.",
    },
    "lane": {
        "en": "The budget of the lane {lane} raises alerts from surprise {score}, estimated on {days} of transactions.",
        "fr": "Le budget de la voie {lane} fixe le seuil à la surprise {score}, estimé sur {days} d’opérations.",
    },
    "low": {
        "en": "This edge is low: most of what reaches it would do so in a stream without anything unusual.",
        "fr": "Ce seuil est bas : l’essentiel de ce qui l’atteint le ferait dans un flux sans rien d’inhabituel.",
    },
    "sample": {
        "en": "Below the edge: drawn at random, so that verdicts also cover what is not unusual.",
        "fr": "Sous le seuil : tirée au hasard, pour que les avis portent aussi sur ce qui n’est pas inhabituel.",
    },
    "cut": {
        "en": "The day’s ceiling is reached: transactions above the edge that raised no alert today: {cut}.",
        "fr": "Le plafond du jour est atteint : opérations au-dessus du seuil sans alerte aujourd’hui : {cut}.",
    },
}


def _both(say: Callable[[Language], str]) -> Text:
    return Text(en=say("en"), fr=say("fr"))


def _fill(reason: Reason, currency: str, language: Language) -> str:
    spec = reason.spec
    values = {
        "value": written.by_unit(reason.value, spec.unit, currency, language),
        "usual": written.by_unit(reason.usual, spec.unit, currency, language),
        "window": None if spec.window_ms is None else written.window(spec.window_ms, language),
    }
    text, template = "", spec.sentence
    if not reason.is_own and spec.young_sentence is not None:
        template = spec.young_sentence
    for part in _parts(template.en if language == "en" else template.fr):
        if part.is_optional and any(values[name] is None for name in part.names):
            continue
        for before, name in zip(part.texts, part.names, strict=False):
            text += before + (values[name] or _UNKNOWN[language])
        text += part.texts[-1]
    return text


class _Part(NamedTuple):
    """Of a template: its texts, one more than there are names of placeholders between them."""

    is_optional: bool
    texts: tuple[str, ...]
    names: tuple[str, ...]


@cache
def _parts(template: str) -> tuple[_Part, ...]:
    """There are as many templates as features, and thousands of sentences of each."""
    pieces = [_PLACEHOLDER.split(piece) for piece in _OPTIONAL.split(template)]
    return tuple(
        _Part(place % 2 == 1, tuple(piece[::2]), tuple(piece[1::2])) for place, piece in enumerate(pieces)
    )


def _summary(episode: Episode, currency: str, language: Language, is_sample: bool) -> str:
    name = printable(episode.account_id)
    total = written.money(episode.total_minor, currency, language)
    count = written.number(episode.count, language)
    if episode.count == 1:
        when = written.moment(episode.first_ms, language)
        if language == "en":
            what = "1 transaction drawn at random" if is_sample else "1 unusual transaction"
            return f"Account {name}: {what}, {total} on {when}"
        what = "1 opération tirée au hasard" if is_sample else "1 opération inhabituelle"
        return f"Compte {name}{SPACE}: {what}, {total} le {when}"
    span = written.duration(episode.last_ms - episode.first_ms, language)
    if language == "en":
        return f"Account {name}: {count} unusual transactions, {total} in {span}"
    return f"Compte {name}{SPACE}: {count} opérations inhabituelles, {total} en {span}"


def printable(account_id: str) -> str:
    """Ids come from outside: no control character or bidirectional mark may reach a terminal in a sentence."""
    shown = "".join(character if character.isprintable() else "·" for character in account_id[:_LONGEST_NAME])
    return shown + "…" if len(account_id) > _LONGEST_NAME else shown


def _continued(sentence: str) -> str:
    """After a semicolon: without the capital (unless it is a name or an abbreviation) and the full stop."""
    sentence = sentence.removesuffix(".")
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence
