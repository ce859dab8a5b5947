"""What is said of one transaction, in English and French."""

from collections.abc import Callable

from fraudwatch.alerts import written
from fraudwatch.alerts.sentences import printable
from fraudwatch.alerts.written import SPACE, Language
from fraudwatch.explain.crossing import Crossing, Form
from fraudwatch.explain.explanation import Decided, Standing
from fraudwatch.explain.rounding import exactly, read
from fraudwatch.features import Column
from fraudwatch.records import Outcome, Text, Transaction, Unit

_VALUES = {
    Column.AMOUNT: Text("the amount", "le montant"),
    Column.PRIOR_SUM_24H: Text("the total of the 24 h before", "le total des 24 h précédentes"),
    Column.PRIOR_COUNT_24H: Text(
        "the number of transactions in the 24 h before", "le nombre d’opérations des 24 h précédentes"
    ),
    Column.PRIOR_NEW_24H: Text(
        "the number of transactions with new counterparties in the 24 h before",
        "le nombre d’opérations avec de nouvelles contreparties dans les 24 h précédentes",
    ),
    Column.PRESSURE: Text(
        "the pressure of the amounts of the last days", "la pression des montants des derniers jours"
    ),
    Column.HOUR: Text("the local hour", "l’heure locale"),
    Column.GAP: Text(
        "the time since the account’s last transaction", "le temps depuis l’opération précédente"
    ),
    Column.PLACE_DISTANCE: Text("the distance from the previous place", "la distance du lieu précédent"),
}
"""Of what a person reads; another value is called by its name."""

_KNOWN = {
    0.0: Text(
        "if the account had dealt with this counterparty before",
        "si le compte avait déjà eu affaire à cette contrepartie",
    ),
    1.0: Text(
        "if the counterparty had been new to the account",
        "si la contrepartie avait été nouvelle pour le compte",
    ),
}
_LANE = Text("the measure of the lane {lane}", "la mesure de la voie {lane}")
_CONDITION = Text(
    "if {what} had been {figure} (was {was})", "si {what} avait été {figure} (au lieu de {was})"
)
_SIGNS = {Form.AT_MOST: f"≤{SPACE}", Form.AT_LEAST: f"≥{SPACE}", Form.EXACTLY: ""}

_OTHERWISE = {
    "no alert": Text("No alert {condition}.", "Pas d’alerte {condition}."),
    "an alert": Text("An alert {condition}.", "Une alerte {condition}."),
    "below": Text("Below the edge {condition}.", "Sous le seuil {condition}."),
    "reached": Text("At the edge {condition}.", "Au seuil {condition}."),
}

_HEADLINE = Text(
    "Account {account}, transaction {transaction}: {amount} on {moment}",
    "Compte {account}, opération {transaction}" + SPACE + ": {amount} le {moment}",
)
_VERDICTS = {
    Decided.OPENED: Text("It opened alert {alert}.", "Elle a ouvert l’alerte {alert}."),
    Decided.UPDATED: Text(
        "It joined alert {alert}, which was published anew.",
        "Elle a rejoint l’alerte {alert}, publiée à nouveau.",
    ),
    Decided.JOINED: Text("It joined alert {alert}.", "Elle a rejoint l’alerte {alert}."),
    Decided.SAMPLE: Text(
        "Below every edge: alert {alert} was drawn at random.",
        "Sous tous les seuils" + SPACE + ": l’alerte {alert} a été tirée au hasard.",
    ),
    Decided.CUT: Text(
        "At an edge or above, without an alert: the day’s ceiling was reached.",
        "Au seuil ou au-dessus, sans alerte" + SPACE + ": le plafond du jour était atteint.",
    ),
    Decided.UNREADABLE: Text(
        "At an edge or above, without an alert: no reason that a person could check.",
        "Au seuil ou au-dessus, sans alerte" + SPACE + ": aucun motif qu’une personne puisse vérifier.",
    ),
    Decided.BELOW: Text("No alert: below every edge.", "Pas d’alerte" + SPACE + ": sous tous les seuils."),
}
_UNSCORED = {
    Outcome.UNSCORED_NO_MODEL: Text(
        "No score: there was no model yet.", "Pas de score" + SPACE + ": il n’y avait pas encore de modèle."
    ),
    Outcome.UNSCORED_YOUNG_ACCOUNT: Text(
        "No score: the account had too few transactions before (features.young_account).",
        "Pas de score"
        + SPACE
        + ": le compte avait trop peu d’opérations antérieures (features.young_account).",
    ),
    Outcome.DUPLICATE: Text(
        "No score: a transaction of this id was there before.",
        "Pas de score" + SPACE + ": une opération de cet identifiant était déjà là.",
    ),
}
_STANDING = Text(
    "Score {score}, {distance} {side} the edge of {edge}; {rank} alerts of a usual day score higher.",
    "Score {score}, {distance} {side} du seuil de {edge}"
    + SPACE
    + "; {rank} alertes d’un jour habituel ont un score "
    "plus élevé.",
)
_LANE_STANDING = Text(
    "Lane {lane}: surprise {score}, {distance} {side} the edge of {edge}; {rank} lane alerts of a usual day are more "
    "surprising.",
    "Voie {lane}"
    + SPACE
    + ": surprise {score}, {distance} {side} du seuil de {edge}"
    + SPACE
    + "; {rank} alertes de "
    "voies d’un jour habituel sont plus surprenantes.",
)
_SIDES = {True: Text("above", "au-dessus"), False: Text("below", "au-dessous")}
NO_CHANGE = Text(
    "No change of a single value would have been enough.", "Changer une seule valeur n’aurait pas suffi."
)


def of(text: Text, language: Language) -> str:
    """One of both."""
    return text.en if language == "en" else text.fr


def headline(transaction: Transaction, currency: str) -> Text:
    """Which transaction."""
    return _both(
        _HEADLINE,
        lambda language: {
            "account": printable(transaction.account_id),
            "transaction": printable(transaction.transaction_id),
            "amount": written.money(transaction.amount_minor, currency, language),
            "moment": written.moment(transaction.event_time_ms, language),
        },
    )


def verdict(decided: Decided, outcome: Outcome, alert_id: str | None) -> Text:
    """What became of it."""
    text = _UNSCORED[outcome] if decided is Decided.UNSCORED else _VERDICTS[decided]
    return _both(text, lambda language: {"alert": alert_id or ""})


def standing(one: Standing) -> Text:
    """How far from the edge."""
    return _both(
        _STANDING if one.lane is None else _LANE_STANDING,
        lambda language: {
            "lane": one.lane or "",
            "score": written.number(one.score, language, 2),
            "distance": written.number(abs(one.distance), language, 2),
            "side": of(_SIDES[one.is_reached], language),
            "edge": written.number(one.edge, language, 2),
            "rank": written.number(one.rank, language, 1),
        },
    )


def change(one: Crossing, *, reached: bool, is_alert: bool, currency: str) -> Text:
    """`No alert if the total of the 24 h before had been ≤ 4,100 € (was 19,800 €).`"""
    if reached:
        what = "no alert" if is_alert and one.suffices else "below"
    else:
        what = "an alert" if one.suffices else "reached"
    return _both(_OTHERWISE[what], lambda language: {"condition": _condition(one, currency, language)})


def figure(form: Form, stated: float, unit: Unit, currency: str, language: Language) -> str:
    """`≤ 4,100 €`."""
    return _SIGNS[form] + exactly(stated, unit, currency, language)


def _condition(one: Crossing, currency: str, language: Language) -> str:
    subject = one.subject
    if subject.name == Column.NEW_COUNTERPARTY.name.lower() and one.stated in _KNOWN:
        return of(_KNOWN[one.stated], language)
    return of(_CONDITION, language).format(
        what=_name(subject.name, is_lane=not subject.features, language=language),
        figure=figure(one.form, one.stated, subject.unit, currency, language),
        was=read(subject.was, one.stated, subject.unit, currency, language),
    )


def _name(name: str, *, is_lane: bool, language: Language) -> str:
    if is_lane:
        return of(_LANE, language).format(lane=name)
    known = _VALUES.get(Column[name.upper()])
    return name if known is None else of(known, language)


def _both(text: Text, told: Callable[[Language], dict[str, str]]) -> Text:
    return Text(en=text.en.format(**told("en")), fr=text.fr.format(**told("fr")))
