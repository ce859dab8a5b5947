"""What the history says of one transaction: the columns of `Observations.columns`, float64, NaN = missing.

Everything here is a function of one account's history alone; values that need the population (frozen in the
model artefact) are derived from these columns in `catalogue`. Money is in minor units, time in milliseconds.
"""

from enum import IntEnum

from fraudwatch.config.durations import Duration


class Column(IntEnum):
    """Columns of the account's whole history; those named `prior` or `own` exclude the judged transaction."""

    AMOUNT = 0
    OWN_COUNT = 1
    OWN_SUM = 2
    """Sum of the winsorised amounts (`kernels.winsorised`)."""
    OWN_STD = 3
    """Their population standard deviation."""
    OWN_MAX = 4
    AGE = 5
    """Since the account's first transaction."""
    GAP = 6
    """Since the account's last transaction."""
    PRESSURE = 7
    """Own earlier log ratios to the own mean, decaying over two days."""
    PRIOR_COUNT_24H = 8
    PRIOR_SUM_24H = 9
    HOUR = 10
    """Local hour of the day, 0–23."""
    NEW_COUNTERPARTY = 11


class Aggregate(IntEnum):
    """Columns of each window, after those of `Column`; the judged transaction is inside."""

    COUNT = 0
    SUM = 1
    MEAN = 2
    STD = 3
    """Population standard deviation (divided by the count)."""
    MAX = 4


def width(windows: int) -> int:
    """How many columns there are for so many windows."""
    return len(Column) + windows * len(Aggregate)


def window_column(index: int, aggregate: Aggregate) -> int:
    """Where an aggregate of the index-th kept window stands."""
    return len(Column) + index * len(Aggregate) + aggregate


def kept_windows(configured: tuple[Duration, ...]) -> tuple[Duration, ...]:
    """The windows kept, ascending: the configured ones, and the day the excess features judge against."""
    return tuple(sorted({*configured, Duration(86_400_000)}))
