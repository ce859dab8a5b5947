"""What a usual account of the population is like: frozen with the model, the prior of every account's own habit.

And what amount is usual of each cohort, the transactions with the same direction, channel and category: it is known
with the first transaction of an account, and says more of that than the whole population does.
"""

import re

import numpy as np

from fraudwatch.errors import ArtefactError
from fraudwatch.features.columns import Column
from fraudwatch.records import FloatArray

DAY_MS = 86_400_000.0

TRUSTED_SHARE = 0.995
"""Amounts above this quantile are cut to it: a handful of giants must not set everybody's prior."""

HOURS, WEEKDAYS = 24, 7

MOMENTS = ("mean", "variance")
RATES = ("rate", "paid_rate")
SHARES = (
    "new_share",
    *(f"hour_{hour}" for hour in range(HOURS)),
    *(f"weekday_{day}" for day in range(WEEKDAYS)),
)
NAMES = (*MOMENTS, *RATES, *SHARES)
_NAMES = frozenset(NAMES)
_PREFIX = "cohort_"
_COHORT = re.compile(_PREFIX + "[0-9a-f]{13}")

COHORTS = 64
"""The commonest; a transaction of any other, or of none, is compared with the population."""
COHORT_WEIGHT = 50.0
"""Transactions of the population that a cohort is shrunk towards: one of five says little, one of a thousand is its
own."""

LARGEST = 1e30
"""Of each number: more than any stream has (a variance of 2^80), and squares of it are far from infinity."""
LEAST = 1e-12
"""Of rates, by which the kernels divide (one transaction in three thousand million years), and of shares."""


def population(columns: FloatArray) -> dict[str, float]:
    """Of a training sample [n, columns]: what the numbers of `NAMES` are.

    `mean` and `variance` are of the amounts that moved (minor units), `rate` and `paid_rate` transactions and those
    that moved money, a day per account, `new_share` the share of counterparties that were new to the account,
    `hour_…` and `weekday_…` shares of local hours and days of the week. No share is 0.

    Rates are pooled, all transactions over all account-days: accounts enter by how often they were sampled.

    `cohort_<key>` is the mean amount of a cohort, the key 13 hexadecimal digits of `Column.COHORT`. One that all are of
    is none.
    """
    amounts = _without_giants(columns[:, Column.MONEY])
    lived = columns[:, Column.AGE] > 0
    days = float(columns[lived, Column.AGE].sum()) / DAY_MS
    return {
        "mean": float(amounts.mean()),
        "variance": float(amounts.var()),
        "rate": _rate(float(columns[lived, Column.OWN_COUNT].sum()), days),
        "paid_rate": _rate(float(columns[lived, Column.OWN_PAID].sum()), days),
        "new_share": _new_share(columns[:, Column.NEW_COUNTERPARTY]),
        **_shares("hour", columns[:, Column.HOUR], HOURS),
        **_shares("weekday", columns[:, Column.WEEKDAY], WEEKDAYS),
        **_cohorts(columns, float(amounts.mean())),
    }


def check(values: dict[str, float]) -> None:
    """Raises ArtefactError for a population that no training sample has, which a kernel could not divide by."""
    bounds = dict.fromkeys(MOMENTS, (0.0, LARGEST))
    bounds |= dict.fromkeys(RATES, (LEAST, LARGEST)) | dict.fromkeys(SHARES, (LEAST, 1.0))
    cohorts = values.keys() - _NAMES
    bounds |= dict.fromkeys(cohorts, (0.0, LARGEST))
    is_whole = set(values) >= _NAMES and len(cohorts) <= COHORTS and all(map(_COHORT.fullmatch, cohorts))
    if not is_whole or not all(least <= values[name] <= most for name, (least, most) in bounds.items()):
        raise ArtefactError(
            f"Expected a model with the population's mean, variance, rates and shares (numbers from 0 to "
            f"{LARGEST:g}, rates and shares from {LEAST:g}, shares up to 1) and the mean of at most "
            f"{COHORTS} cohorts, found {str(values)[:200]}; train it again."
        )


def as_array(values: dict[str, float]) -> FloatArray:
    """In the order of `NAMES`, for the kernels, then key and mean of each cohort, by ascending key.

    Raises KeyError when one of the names is missing.
    """
    numbers = [values[name] for name in NAMES]
    for cohort in sorted(values.keys() - _NAMES):
        numbers += int(cohort.removeprefix(_PREFIX), 16), values[cohort]
    return np.array(numbers)


def _without_giants(amounts: FloatArray) -> FloatArray:
    """Those that are not missing, cut; a 0 where there is none."""
    amounts = amounts[~np.isnan(amounts)]
    return np.minimum(amounts, np.quantile(amounts, TRUSTED_SHARE)) if len(amounts) else np.zeros(1)


def _cohorts(columns: FloatArray, mean: float) -> dict[str, float]:
    """Of the commonest the mean, shrunk towards the population's, which is given."""
    moved = columns[~np.isnan(columns[:, Column.MONEY])]
    cohorts, counts = np.unique(moved[:, Column.COHORT], return_counts=True)
    is_one = ~np.isnan(cohorts) & (counts < len(moved))
    cohorts, counts = cohorts[is_one], counts[is_one]
    found = {}
    for cohort, count in sorted(zip(cohorts.tolist(), counts.tolist(), strict=True), key=_commonest)[
        :COHORTS
    ]:
        amounts = _without_giants(moved[moved[:, Column.COHORT] == cohort, Column.MONEY])
        share = count / (count + COHORT_WEIGHT)
        found[f"{_PREFIX}{int(cohort):013x}"] = share * float(amounts.mean()) + (1.0 - share) * mean
    return found


def _commonest(cohort: tuple[float, int]) -> tuple[int, float]:
    return -cohort[1], cohort[0]


def _rate(transactions: float, days: float) -> float:
    """A day; 1 where nothing is known of it."""
    return transactions / days if days > 0 and transactions > 0 else 1.0


def _new_share(is_new: FloatArray) -> float:
    """With one more that is new and one that is not: neither 0 nor 1."""
    known = is_new[~np.isnan(is_new)]
    return (float(known.sum()) + 1.0) / (len(known) + 2.0)


def _shares(name: str, column: FloatArray, bins: int) -> dict[str, float]:
    """Shares of the bins, one transaction more in each."""
    counts = np.bincount(column[~np.isnan(column)].astype(np.int64), minlength=bins) + 1.0
    return {f"{name}_{index}": float(share) for index, share in enumerate(counts / counts.sum())}
