"""From history columns to feature values, row by row, given the frozen population.

A row's values depend on nothing but the row and the population, whatever else is in the batch.
"""

import math
from enum import IntEnum

from fraudwatch.features.columns import Column
from fraudwatch.features.compiled import compiled
from fraudwatch.records import FloatArray

DAY_MS = 86_400_000.0

PRIOR_WEIGHT = 3.0
"""Transactions of the population that an account's own history is shrunk towards (FACTS §4)."""

MONEY_FLOOR = 100.0
"""Minor units added inside logarithms: below one major unit, differences of amounts say nothing."""


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


COLUMN_AMOUNT, OWN_COUNT, OWN_SUM = Column.AMOUNT.value, Column.OWN_COUNT.value, Column.OWN_SUM.value
OWN_STD, OWN_MAX, AGE = Column.OWN_STD.value, Column.OWN_MAX.value, Column.AGE.value
COLUMN_GAP, PRESSURE, COLUMN_HOUR = Column.GAP.value, Column.PRESSURE.value, Column.HOUR.value
PRIOR_COUNT, PRIOR_SUM = Column.PRIOR_COUNT_24H.value, Column.PRIOR_SUM_24H.value
COLUMN_NEW = Column.NEW_COUNTERPARTY.value


@compiled
def own_mean(row: FloatArray, population: FloatArray) -> float:
    """The account's mean amount before the judged transaction (winsorised), shrunk towards the population's."""
    return (row[OWN_SUM] + PRIOR_WEIGHT * population[0]) / (row[OWN_COUNT] + PRIOR_WEIGHT)


@compiled
def own_rate(row: FloatArray, population: FloatArray) -> float:
    """The account's transactions a day before the judged one, shrunk towards the population's."""
    days = row[AGE] / DAY_MS if row[OWN_COUNT] > 0 else 0.0
    return (row[OWN_COUNT] + PRIOR_WEIGHT) / (days + PRIOR_WEIGHT / population[2])


@compiled
def spend_excess(row: FloatArray, population: FloatArray) -> float:
    """How far the money of the 24 h before lies above the account's own day, in standard deviations.

    A day is a compound Poisson sum with the own rate λ, mean μ and variance v of amounts: mean M = λμ, variance
    V = λ(v + μ²). It is close to a gamma with shape k = M²/V, which Wilson and Hilferty's cube root (1931) makes
    normal: z = ((s/M)^(1/3) − (1 − 1/(9k)))·√(9k).
    """
    count = row[OWN_COUNT]
    mean, rate = own_mean(row, population), own_rate(row, population)
    own_variance = count * row[OWN_STD] * row[OWN_STD] if count > 0 else 0.0
    variance = (own_variance + PRIOR_WEIGHT * population[1]) / (count + PRIOR_WEIGHT)
    expected = rate * mean
    if expected <= 0.0:
        return math.nan
    shape = rate * mean * mean / (variance + mean * mean)
    return ((row[PRIOR_SUM] / expected) ** (1.0 / 3.0) - (1.0 - 1.0 / (9.0 * shape))) * math.sqrt(9.0 * shape)


@compiled
def count_excess(row: FloatArray, population: FloatArray) -> float:
    """Number of transactions of the 24 h before against the own rate, on Anscombe's variance-stable scale."""
    return 2.0 * (math.sqrt(row[PRIOR_COUNT] + 0.375) - math.sqrt(own_rate(row, population) + 0.375))


@compiled
def derive(columns: FloatArray, population: FloatArray, values: FloatArray) -> None:
    """Fill `values` [n, len(Value)] from `columns` [n, c]; a missing column makes what needs it NaN."""
    for index in range(len(columns)):
        row, out = columns[index], values[index]
        size = math.log(row[COLUMN_AMOUNT] + MONEY_FLOOR)
        out[0] = size
        out[1] = size - math.log(own_mean(row, population) + MONEY_FLOOR)
        out[2] = size - math.log(row[OWN_MAX] + MONEY_FLOOR)
        out[3] = spend_excess(row, population)
        out[4] = count_excess(row, population)
        out[5] = row[PRESSURE]
        out[6] = row[COLUMN_HOUR]
        out[7] = row[COLUMN_NEW]
        out[8] = math.log(row[COLUMN_GAP] / DAY_MS * own_rate(row, population) + 0.001)
