"""What the history says of one transaction: the columns of `Observations.columns`, float64, NaN = missing.

Everything here is a function of one account's history alone; values that need the population (frozen in the
model artefact) are derived from these columns in `catalogue`. Money is in minor units, time in milliseconds.

What moves no money, a transaction that was declined or that reverses another, counts as a transaction: in counts,
hours, gaps, places and counterparties. Its amount enters no sum, mean, deviation, maximum or pressure, its own
windows included; a reversed amount is not subtracted either. It is *judged* by the amount asked for (`AMOUNT`)
against the money that really moved.

An account that was let go of (beyond `features.max_accounts`) and is back starts from nothing, but it is not new: its
columns are those of what it did since, and what could only be told from the lost part is NaN until the longest window
has passed since it came back: `AGE`, `MONTH_COUNT`, `MONTH_SUM`, `PRIOR_NEW_24H`, and `NEW_COUNTERPARTY` of a
counterparty not met since. Whatever is derived from these is missing too, and alarms nobody. `OWN_…` and the windows
count what came since the return.

The columns of the windows come last, and only where they are asked for: no judged feature reads them. One that needs
an aggregate gets a `Column`, as those of the 24 h before have.
"""

from enum import IntEnum

from fraudwatch.config.durations import Duration

DAY, TWO_DAYS, WEEK = Duration(86_400_000), Duration(172_800_000), Duration(604_800_000)


class Column(IntEnum):
    """Columns of the account's whole history; those named `prior` or `own` exclude the judged transaction."""

    AMOUNT = 0
    """As asked for, whatever became of it."""
    MONEY = 1
    """The same where it moved, missing where not."""
    OWN_COUNT = 2
    OWN_PAID = 3
    """Those that moved money."""
    OWN_SUM = 4
    """Sum of the winsorised amounts (`kernels.winsorised`)."""
    OWN_STD = 5
    """Their population standard deviation."""
    OWN_MAX = 6
    AGE = 7
    """Since the account's first transaction."""
    GAP = 8
    """Since the account's last transaction."""
    PRESSURE = 9
    """Own earlier log ratios to the own mean, decaying over two days."""
    PRIOR_COUNT_24H = 10
    PRIOR_SUM_24H = 11
    PRIOR_KNOWN_24H = 12
    """Those with a counterparty."""
    PRIOR_NEW_24H = 13
    """Those whose counterparty was new to the account when they came."""
    HOUR = 14
    """Local hour of the day, 0–23 or NaN, which is all that `History.fold` writes: kernels look up by it unchecked."""
    WEEKDAY = 15
    """Local day of the week, 0 (Monday) to 6 or NaN; the same holds."""
    OWN_HOUR = 16
    """Earlier transactions in this hour of the day."""
    OWN_WEEKDAY = 17
    """Earlier transactions on this day of the week."""
    NEW_COUNTERPARTY = 18
    MONTH_COUNT = 19
    """Transactions of the local calendar month so far, the judged one inside."""
    MONTH_SUM = 20
    """Money of the local calendar month so far, the judged one inside."""
    PLACE_DISTANCE = 21
    """Kilometres from the account's previous transaction with a place."""
    PLACE_GAP = 22
    """Time since that transaction."""
    COHORT = 23
    """Which direction, channel and category the transaction has together (`Transactions.cohorts`); no quantity."""


class Aggregate(IntEnum):
    """Columns of each window, after those of `Column`; the judged transaction is inside."""

    COUNT = 0
    SUM = 1
    MEAN = 2
    """Of the amounts that moved, as are the next two; missing where none did."""
    STD = 3
    """Population standard deviation (divided by the count)."""
    MAX = 4
    INFLOW = 5
    """Sum of credits; a transaction without direction is in neither flow."""
    OUTFLOW = 6
    """Sum of debits."""
    DECLINED = 7
    """Number of declined transactions."""
    REVERSED = 8
    """Number of reversals."""
    COUNTERPARTIES = 9
    """Distinct counterparties."""
    NEW_SHARE = 10
    """Of the transactions with a counterparty: those whose counterparty was new to the account when they came."""


def width(windows: int) -> int:
    """How many columns there are for so many windows."""
    return len(Column) + windows * len(Aggregate)


def window_column(index: int, aggregate: Aggregate) -> int:
    """Where an aggregate of the index-th kept window stands."""
    return len(Column) + index * len(Aggregate) + aggregate


def kept_windows(configured: tuple[Duration, ...]) -> tuple[Duration, ...]:
    """The windows kept, ascending: the configured ones, and those that features of a fixed window look at."""
    return tuple(sorted({*configured, DAY, TWO_DAYS, WEEK}))
