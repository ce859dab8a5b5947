"""The plain aggregates of the configured sliding windows, shown and weighing nothing by themselves.

A window of length w, evaluated at a transaction of event time t, holds the account's transactions with event
time in (t − w, t] that have arrived, the judged one inside.
"""

from typing import NamedTuple

from fraudwatch.config.durations import Duration
from fraudwatch.features.columns import Aggregate, window_column
from fraudwatch.features.feature import Feature, WindowValue, shown
from fraudwatch.records import FeatureSpec, FloatArray, Role, Shown, Side, Text, Theme, Unit

BUSY = Text(en="Travel, holiday shopping.", fr="Un voyage, les achats de fêtes.")

_MOVED = "of amounts that moved (not of declined transactions or reversals)"


class _Words(NamedTuple):
    """What the features of one aggregate say. `what` begins the documentation."""

    theme: Theme
    unit: Unit
    sentence: Text
    what: str
    innocent: Text = BUSY
    fields: tuple[str, ...] = ()


_WORDS = {
    Aggregate.COUNT: _Words(
        Theme.RHYTHM,
        Unit.COUNT,
        Text(en="Transactions in {window}: {value}.", fr="Opérations en {window} : {value}."),
        "Number of transactions",
    ),
    Aggregate.SUM: _Words(
        Theme.RHYTHM,
        Unit.MONEY,
        Text(en="{value} moved in {window}.", fr="{value} en mouvement en {window}."),
        f"Sum {_MOVED}",
    ),
    Aggregate.MEAN: _Words(
        Theme.AMOUNT,
        Unit.MONEY,
        Text(en="{value} on average in {window}.", fr="{value} en moyenne en {window}."),
        f"Mean {_MOVED}",
    ),
    Aggregate.STD: _Words(
        Theme.AMOUNT,
        Unit.MONEY,
        Text(
            en="Amounts spread by {value} in {window}.", fr="Dispersion des montants de {value} en {window}."
        ),
        f"Population standard deviation {_MOVED}",
    ),
    Aggregate.MAX: _Words(
        Theme.AMOUNT,
        Unit.MONEY,
        Text(en="{value} at most in {window}.", fr="{value} au plus en {window}."),
        f"Largest {_MOVED}",
    ),
    Aggregate.INFLOW: _Words(
        Theme.RHYTHM,
        Unit.MONEY,
        Text(en="Received in {window}: {value}.", fr="Reçu en {window} : {value}."),
        "Sum of credits that moved",
        Text(en="Wages, a sale, a loan paid out.", fr="Un salaire, une vente, un prêt versé."),
        ("direction",),
    ),
    Aggregate.OUTFLOW: _Words(
        Theme.RHYTHM,
        Unit.MONEY,
        Text(en="Left in {window}: {value}.", fr="Sorti en {window} : {value}."),
        "Sum of debits that moved",
        Text(en="Rent, bills, a large purchase.", fr="Un loyer, des factures, un achat important."),
        ("direction",),
    ),
    Aggregate.DECLINED: _Words(
        Theme.RHYTHM,
        Unit.COUNT,
        Text(
            en="Transactions declined in {window}: {value}.", fr="Opérations refusées en {window} : {value}."
        ),
        "Number of declined transactions",
        Text(en="A mistyped code, a card at its limit.", fr="Un code mal saisi, une carte à son plafond."),
        ("status",),
    ),
    Aggregate.REVERSED: _Words(
        Theme.RHYTHM,
        Unit.COUNT,
        Text(en="Reversals in {window}: {value}.", fr="Annulations en {window} : {value}."),
        "Number of reversals",
        Text(en="Goods sent back, a booking undone.", fr="Un retour d’achat, une réservation annulée."),
        ("status",),
    ),
    Aggregate.COUNTERPARTIES: _Words(
        Theme.NETWORK,
        Unit.COUNT,
        Text(
            en="Different counterparties in {window}: {value}.",
            fr="Contreparties différentes en {window} : {value}.",
        ),
        "Number of distinct counterparties",
        fields=("counterparty_id",),
    ),
    Aggregate.NEW_SHARE: _Words(
        Theme.NETWORK,
        Unit.SHARE,
        Text(
            en="{value} of the transactions in {window} were with counterparties new to the account.",
            fr="{value} des opérations en {window} l’ont été avec des contreparties nouvelles pour le compte.",
        ),
        "Share, of the transactions with a counterparty, of those whose counterparty the account had never dealt with "
        "when they came (the first transaction of an account is one),",
        fields=("counterparty_id",),
    ),
}


def window_features(kept: tuple[Duration, ...], configured: tuple[Duration, ...]) -> tuple[Feature, ...]:
    """One feature an aggregate for each configured window; `kept` gives their places in the columns."""
    return tuple(
        _feature(kept.index(window), window, aggregate) for window in configured for aggregate in Aggregate
    )


def _feature(index: int, window: Duration, aggregate: Aggregate) -> Feature:
    words = _WORDS[aggregate]
    at = window_column(index, aggregate)
    name = f"{aggregate.name.lower()}_{window}"

    def show(row: FloatArray, population: FloatArray) -> Shown:
        return shown(row[at])

    spec = FeatureSpec(
        name=name,
        code=name.upper(),
        theme=words.theme,
        side=Side.HIGH,
        role=Role.DESCRIPTIVE,
        unit=words.unit,
        sentence=words.sentence,
        innocent=words.innocent,
        window_ms=int(window),
        fields=words.fields,
        doc=f"{words.what} in {window} up to and with the judged transaction.",
    )
    return Feature(spec, WindowValue(index, aggregate), show)
