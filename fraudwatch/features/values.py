"""From history columns to feature values, row by row, given the frozen population.

A row's values depend on nothing but the row and the population, whatever else is in the batch.
"""

import math
from enum import IntEnum

from fraudwatch.compiled import borrowing
from fraudwatch.features.columns import Column
from fraudwatch.features.population import NAMES
from fraudwatch.records import FloatArray, IntArray

DAY_MS = 86_400_000.0
HOUR_MS = 3_600_000.0

PRIOR_WEIGHT = 3.0
"""Transactions of the population that an account's own history is shrunk towards (FACTS §4)."""

MONEY_FLOOR = 100.0
"""Minor units added inside logarithms: below one major unit, differences of amounts say nothing."""


HABIT_WEIGHT = 10.0
"""Transactions by the population's clock and calendar that an account's own are shrunk towards."""

SHORTEST_TRIP_MS = 60_000.0
"""Many sources round event times to the minute: in less nobody is said to have travelled."""


class Value(IntEnum):
    """Values derived by `derive`; the windows' aggregates are read from the columns as they are."""

    AMOUNT = 0
    AMOUNT_RATIO = 1
    OWN_MAX_RATIO = 2
    SPEND_24H_EXCESS = 3
    COUNT_24H_EXCESS = 4
    PRESSURE_2D = 5
    HOUR = 6
    NEW_COUNTERPARTY = 7
    GAP = 8
    HOUR_HABIT = 9
    WEEKDAY_HABIT = 10
    MONTH_COUNT = 11
    MONTH_SUM = 12
    DISTANCE = 13
    SPEED = 14
    NEW_24H_EXCESS = 15


AMOUNT, AMOUNT_RATIO, OWN_MAX_RATIO = (
    Value.AMOUNT.value,
    Value.AMOUNT_RATIO.value,
    Value.OWN_MAX_RATIO.value,
)
SPEND_24H_EXCESS, COUNT_24H_EXCESS = Value.SPEND_24H_EXCESS.value, Value.COUNT_24H_EXCESS.value
PRESSURE_2D, HOUR, NEW_COUNTERPARTY = (
    Value.PRESSURE_2D.value,
    Value.HOUR.value,
    Value.NEW_COUNTERPARTY.value,
)
GAP, HOUR_HABIT, WEEKDAY_HABIT = Value.GAP.value, Value.HOUR_HABIT.value, Value.WEEKDAY_HABIT.value
MONTH_COUNT, MONTH_SUM = Value.MONTH_COUNT.value, Value.MONTH_SUM.value
DISTANCE, SPEED, NEW_24H_EXCESS = Value.DISTANCE.value, Value.SPEED.value, Value.NEW_24H_EXCESS.value

COLUMN_AMOUNT, OWN_COUNT, OWN_PAID = Column.AMOUNT.value, Column.OWN_COUNT.value, Column.OWN_PAID.value
OWN_SUM, OWN_STD, OWN_MAX = Column.OWN_SUM.value, Column.OWN_STD.value, Column.OWN_MAX.value
AGE, COLUMN_GAP, PRESSURE = Column.AGE.value, Column.GAP.value, Column.PRESSURE.value
PRIOR_COUNT, PRIOR_SUM = Column.PRIOR_COUNT_24H.value, Column.PRIOR_SUM_24H.value
PRIOR_KNOWN, PRIOR_NEW = Column.PRIOR_KNOWN_24H.value, Column.PRIOR_NEW_24H.value
COLUMN_HOUR, COLUMN_WEEKDAY = Column.HOUR.value, Column.WEEKDAY.value
OWN_HOUR, OWN_WEEKDAY = Column.OWN_HOUR.value, Column.OWN_WEEKDAY.value
COLUMN_NEW, COLUMN_COHORT = Column.NEW_COUNTERPARTY.value, Column.COHORT.value
COLUMN_MONTH_COUNT, COLUMN_MONTH_SUM = Column.MONTH_COUNT.value, Column.MONTH_SUM.value
PLACE_DISTANCE, PLACE_GAP = Column.PLACE_DISTANCE.value, Column.PLACE_GAP.value

MEAN, VARIANCE, RATE, PAID_RATE = (NAMES.index(name) for name in ("mean", "variance", "rate", "paid_rate"))
NEW_SHARE = NAMES.index("new_share")
HOUR_0, WEEKDAY_0 = NAMES.index("hour_0"), NAMES.index("weekday_0")
FIRST_COHORT = len(NAMES)


@borrowing
def usual_mean(row: FloatArray, population: FloatArray) -> float:
    """The mean amount of the transaction's cohort, or of the population where that is not known."""
    sought = row[COLUMN_COHORT]
    low, high = 0, (len(population) - FIRST_COHORT) // 2
    while low < high:
        middle = (low + high) // 2
        if population[FIRST_COHORT + 2 * middle] < sought:
            low = middle + 1
        else:
            high = middle
    place = FIRST_COHORT + 2 * low
    return (
        population[place + 1] if place < len(population) and population[place] == sought else population[MEAN]
    )


@borrowing
def own_mean(row: FloatArray, population: FloatArray) -> float:
    """The account's mean amount before the judged transaction (winsorised), shrunk towards the population's."""
    return (row[OWN_SUM] + PRIOR_WEIGHT * population[MEAN]) / (row[OWN_PAID] + PRIOR_WEIGHT)


@borrowing
def usual_amount(row: FloatArray, population: FloatArray) -> float:
    """The same, but shrunk towards the mean of the judged transaction's cohort as long as the account has little of
    its own: the cohort gives way to the population to the share in which both give way to the account.

    An account with a habit is not to be excused by its category: thieves like the expensive ones.
    """
    mean, weight = population[MEAN], row[OWN_PAID] + PRIOR_WEIGHT
    prior = mean + PRIOR_WEIGHT / weight * (usual_mean(row, population) - mean)
    return (row[OWN_SUM] + PRIOR_WEIGHT * prior) / weight


@borrowing
def _rate(count: float, row: FloatArray, of_population: float) -> float:
    days = row[AGE] / DAY_MS if row[OWN_COUNT] > 0 else 0.0
    return (count + PRIOR_WEIGHT) / (days + PRIOR_WEIGHT / of_population)


@borrowing
def own_rate(row: FloatArray, population: FloatArray) -> float:
    """The account's transactions a day before the judged one, shrunk towards the population's."""
    return _rate(row[OWN_COUNT], row, population[RATE])


@borrowing
def own_paid_rate(row: FloatArray, population: FloatArray) -> float:
    """The same of the transactions that moved money."""
    return _rate(row[OWN_PAID], row, population[PAID_RATE])


@borrowing
def expected_at_hour(row: FloatArray, population: FloatArray) -> float:
    """How many of the account's earlier transactions the population would have made in this hour of the day."""
    return row[OWN_COUNT] * _share(row[COLUMN_HOUR], population, HOUR_0)


@borrowing
def expected_on_weekday(row: FloatArray, population: FloatArray) -> float:
    """How many of the account's earlier transactions the population would have made on this day of the week."""
    return row[OWN_COUNT] * _share(row[COLUMN_WEEKDAY], population, WEEKDAY_0)


@borrowing
def _share(bin_: float, population: FloatArray, first: int) -> float:
    """The population's share of an hour or weekday. Not checked to be one: `Column.HOUR` and `WEEKDAY` are."""
    return population[first + int(bin_)] if bin_ >= 0 else math.nan


@borrowing
def improbability(own: float, count: float, share: float) -> float:
    """−log10 of the share of own transactions in a bin, shrunk towards the population's share of it."""
    return -math.log10((own + HABIT_WEIGHT * share) / (count + HABIT_WEIGHT))


@borrowing
def speed(row: FloatArray) -> float:
    """Kilometres an hour from the account's previous place, over at least a minute."""
    return row[PLACE_DISTANCE] / (max(row[PLACE_GAP], SHORTEST_TRIP_MS) / HOUR_MS)


@borrowing
def spend_excess(row: FloatArray, population: FloatArray) -> float:
    """How far the money of the 24 h before lies above the account's own day, in standard deviations.

    A day is a compound Poisson sum with the own rate λ, mean μ and variance v of amounts (of transactions that
    moved money): mean M = λμ, variance
    V = λ(v + μ²). It is close to a gamma with shape k = M²/V, which Wilson and Hilferty's cube root (1931) makes
    normal: z = ((s/M)^(1/3) − (1 − 1/(9k)))·√(9k).
    """
    count = row[OWN_PAID]
    mean, rate = own_mean(row, population), own_paid_rate(row, population)
    own_variance = count * row[OWN_STD] * row[OWN_STD] if count > 0 else 0.0
    variance = (own_variance + PRIOR_WEIGHT * population[VARIANCE]) / (count + PRIOR_WEIGHT)
    expected = rate * mean
    if expected <= 0.0:
        return math.nan
    shape = rate * mean * mean / (variance + mean * mean)
    return ((row[PRIOR_SUM] / expected) ** (1.0 / 3.0) - (1.0 - 1.0 / (9.0 * shape))) * math.sqrt(9.0 * shape)


@borrowing
def count_excess(row: FloatArray, population: FloatArray) -> float:
    """Number of transactions of the 24 h before against the own rate, on Anscombe's variance-stable scale."""
    return 2.0 * (math.sqrt(row[PRIOR_COUNT] + 0.375) - math.sqrt(own_rate(row, population) + 0.375))


@borrowing
def expected_new(row: FloatArray, population: FloatArray) -> float:
    """How many of the counterparties of the 24 h before would be new, by the population's share."""
    return row[PRIOR_KNOWN] * population[NEW_SHARE]


@borrowing
def new_excess(row: FloatArray, population: FloatArray) -> float:
    """New counterparties of the 24 h before, given how many transactions there were: binomial standard deviations.

    Against the population's share, because the own share of an account that was taken over is soon as high. The
    quarter keeps quiet days apart from busy ones.
    """
    expected = expected_new(row, population)
    return (row[PRIOR_NEW] - expected) / math.sqrt(expected * (1.0 - population[NEW_SHARE]) + 0.25)


@borrowing
def _value(which: int, row: FloatArray, population: FloatArray) -> float:
    """One of `Value`."""
    value = math.nan
    if which == AMOUNT:
        value = _size(row[COLUMN_AMOUNT])
    elif which == AMOUNT_RATIO:
        value = _size(row[COLUMN_AMOUNT]) - _size(usual_amount(row, population))
    elif which == OWN_MAX_RATIO:
        value = _size(row[COLUMN_AMOUNT]) - _size(row[OWN_MAX])
    elif which == SPEND_24H_EXCESS:
        value = spend_excess(row, population)
    elif which == COUNT_24H_EXCESS:
        value = count_excess(row, population)
    elif which == PRESSURE_2D:
        value = row[PRESSURE]
    elif which == HOUR:
        value = row[COLUMN_HOUR]
    elif which == NEW_COUNTERPARTY:
        value = row[COLUMN_NEW]
    elif which == GAP:
        value = math.log(row[COLUMN_GAP] / DAY_MS * own_rate(row, population) + 0.001)
    elif which == HOUR_HABIT:
        share = _share(row[COLUMN_HOUR], population, HOUR_0)
        value = improbability(row[OWN_HOUR], row[OWN_COUNT], share)
    elif which == WEEKDAY_HABIT:
        share = _share(row[COLUMN_WEEKDAY], population, WEEKDAY_0)
        value = improbability(row[OWN_WEEKDAY], row[OWN_COUNT], share)
    elif which == MONTH_COUNT:
        value = row[COLUMN_MONTH_COUNT]
    elif which == MONTH_SUM:
        value = _size(row[COLUMN_MONTH_SUM])
    elif which == DISTANCE:
        value = math.log1p(row[PLACE_DISTANCE])
    elif which == SPEED:
        value = math.log1p(speed(row))
    elif which == NEW_24H_EXCESS:
        value = new_excess(row, population)
    return value


@borrowing
def _size(money: float) -> float:
    return math.log(money + MONEY_FLOOR)


@borrowing
def derive(columns: FloatArray, population: FloatArray, wanted: IntArray, values: FloatArray) -> None:
    """Fill `values` [n, k] from `columns` [n, c] with the `wanted` [k] of `Value`, −1 being left as it is.

    A missing column makes what needs it NaN.
    """
    for index in range(len(columns)):
        row = columns[index]
        for place in range(len(wanted)):
            if wanted[place] >= 0:
                values[index, place] = _value(wanted[place], row, population)
