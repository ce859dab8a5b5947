"""The plain aggregates of the configured sliding windows, shown and weighing nothing by themselves.

A window of length w, evaluated at a transaction of event time t, holds the account's transactions with event
time in (t − w, t] that have arrived, the judged one inside.
"""

from fraudwatch.config.durations import Duration
from fraudwatch.features.columns import Aggregate, window_column
from fraudwatch.features.feature import Feature, WindowValue, shown
from fraudwatch.records import FeatureSpec, FloatArray, Role, Shown, Side, Text, Theme, Unit

_WORDS = {
    Aggregate.COUNT: (
        Theme.RHYTHM,
        Unit.COUNT,
        Text(en="{value} transactions in {window}.", fr="{value} opérations en {window}."),
        "Number of transactions",
    ),
    Aggregate.SUM: (
        Theme.RHYTHM,
        Unit.MONEY,
        Text(en="{value} moved in {window}.", fr="{value} en mouvement en {window}."),
        "Sum of amounts",
    ),
    Aggregate.MEAN: (
        Theme.AMOUNT,
        Unit.MONEY,
        Text(en="{value} on average in {window}.", fr="{value} en moyenne en {window}."),
        "Mean amount",
    ),
    Aggregate.STD: (
        Theme.AMOUNT,
        Unit.MONEY,
        Text(
            en="Amounts spread by {value} in {window}.", fr="Dispersion des montants de {value} en {window}."
        ),
        "Population standard deviation of amounts",
    ),
    Aggregate.MAX: (
        Theme.AMOUNT,
        Unit.MONEY,
        Text(en="{value} at most in {window}.", fr="{value} au plus en {window}."),
        "Largest amount",
    ),
}

_INNOCENT = Text(en="Travel, holiday shopping.", fr="Un voyage, les achats de fêtes.")


def window_features(kept: tuple[Duration, ...], configured: tuple[Duration, ...]) -> tuple[Feature, ...]:
    """Five features for each configured window; `kept` gives their places in the columns."""
    return tuple(
        _feature(kept.index(window), window, aggregate) for window in configured for aggregate in Aggregate
    )


def _feature(index: int, window: Duration, aggregate: Aggregate) -> Feature:
    theme, unit, sentence, what = _WORDS[aggregate]
    at = window_column(index, aggregate)
    name = f"{aggregate.name.lower()}_{window}"

    def show(row: FloatArray, population: FloatArray) -> Shown:
        return shown(row[at])

    spec = FeatureSpec(
        name=name,
        code=name.upper(),
        theme=theme,
        side=Side.HIGH,
        role=Role.DESCRIPTIVE,
        unit=unit,
        sentence=sentence,
        innocent=_INNOCENT,
        window_ms=int(window),
        doc=f"{what} in {window} up to and with the judged transaction.",
    )
    return Feature(spec, WindowValue(index, aggregate), show)
