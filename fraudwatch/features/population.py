"""What a usual account of the population is like: frozen with the model, the prior of every account's own habit."""

import numpy as np

from fraudwatch.errors import ArtefactError
from fraudwatch.features.columns import Column
from fraudwatch.records import FloatArray

DAY_MS = 86_400_000.0

TRUSTED_SHARE = 0.995
"""Amounts above this quantile are cut to it: a handful of giants must not set everybody's prior."""

NAMES = ("mean", "variance", "rate")

LARGEST = 1e30
"""Of each number: more than any stream has (a variance of 2^80), and squares of it are far from infinity."""
LEAST_RATE = 1e-12
"""One transaction in three thousand million years; the kernels divide by it."""


def population(columns: FloatArray) -> dict[str, float]:
    """Of a training sample [n, columns]: `mean` and `variance` of amounts (minor units), `rate` a day per account.

    The rate is pooled, all transactions over all account-days: accounts enter by how often they were sampled.
    """
    amounts = columns[:, Column.AMOUNT]
    amounts = np.minimum(amounts, np.quantile(amounts, TRUSTED_SHARE))
    lived = columns[:, Column.AGE] > 0
    days = float(columns[lived, Column.AGE].sum()) / DAY_MS
    transactions = float(columns[lived, Column.OWN_COUNT].sum())
    return {
        "mean": float(amounts.mean()),
        "variance": float(amounts.var()),
        "rate": transactions / days if days > 0 else 1.0,
    }


def check(values: dict[str, float]) -> None:
    """Raises ArtefactError for a population that no training sample has, which a kernel could not divide by."""
    is_whole = set(values) == set(NAMES) and all(0.0 <= values[name] <= LARGEST for name in NAMES)
    if not is_whole or values["rate"] < LEAST_RATE:
        raise ArtefactError(
            f"Expected a model with the population's {', '.join(NAMES)} (numbers from 0 to {LARGEST:g}, the rate "
            f"from {LEAST_RATE:g}), found {str(values)[:200]}; train it again."
        )


def as_array(values: dict[str, float]) -> FloatArray:
    """In the order of `NAMES`, for the kernels. Raises KeyError when one is missing."""
    return np.array([values[name] for name in NAMES])
