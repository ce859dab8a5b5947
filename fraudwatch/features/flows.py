"""What came in and left again: money that only passes through an account."""

from collections.abc import Iterator

import numpy as np

from fraudwatch.config.durations import Duration
from fraudwatch.features.columns import DAY, TWO_DAYS, WEEK, Aggregate, window_column
from fraudwatch.features.feature import Feature, FlowShare, shown
from fraudwatch.records import FeatureSpec, FloatArray, Role, Shown, Side, Text, Theme, Unit

WINDOWS = {"24h": DAY, "48h": TWO_DAYS, "7d": WEEK}


def flow_features(kept: tuple[Duration, ...]) -> Iterator[Feature]:
    """One feature for each of the windows money is seen passing through in; `kept` gives their places."""
    for name, length in WINDOWS.items():
        yield _feature(kept.index(length), name, length)


def flow_share(columns: FloatArray, index: int) -> FloatArray:
    """float64[n] of history columns [n, c], at most 1; NaN where nothing came in within the index-th window."""
    inflow = columns[:, window_column(index, Aggregate.INFLOW)]
    outflow = columns[:, window_column(index, Aggregate.OUTFLOW)]
    share = np.full(len(columns), np.nan)
    np.divide(outflow, inflow, out=share, where=inflow > 0)
    return np.minimum(share, 1.0)


def _feature(index: int, name: str, length: Duration) -> Feature:
    def show(row: FloatArray, population: FloatArray) -> Shown:
        return shown(flow_share(row[np.newaxis], index)[0])

    spec = FeatureSpec(
        name=f"out_in_ratio_{name}",
        code=f"PASS_{name.upper()}",
        theme=Theme.RHYTHM,
        side=Side.HIGH,
        role=Role.DESCRIPTIVE,
        unit=Unit.SHARE,
        sentence=Text(
            en="Of the money received within {window}, {value} left again.",
            fr="De l’argent reçu en {window}, {value} est reparti.",
        ),
        innocent=Text(
            en="Wages paid out, a collection for a common purchase.",
            fr="Des salaires versés, une cagnotte commune.",
        ),
        window_ms=int(length),
        fields=("direction",),
        doc=f"Debits over credits in {name} up to and with the judged transaction, at most 1 because what was there "
        "before does not pass through; missing when nothing came in.",
    )
    return Feature(spec, FlowShare(index), show)
