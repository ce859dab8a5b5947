"""A shock that many accounts share is nobody's surprise: what the partition's accounts do at this hour.

On a day of pay a fifth of all accounts are as high within an hour as one account in a thousand is on other days. So the
edge stands above its usual place by the *shift*: by how much more the highest accounts of the hour reach than as many
of as many transactions usually do. The highest account of all is left out, it may be a case. Of the next k the lowest
is compared with what k usually exceed, for each k from two on: what they say counts by 1 − 1/k³, for two may be cases
too, and only where chance does not explain it.

An hour begins with what was found in the one before it, which fades as the transactions of its own take over. All of it
follows from the sequence of judged transactions alone.
"""

import numpy as np
import numpy.typing as npt

from fraudwatch.alerts.histogram import BINS, BINS_PER_UNIT, HIGHEST, LOWEST
from fraudwatch.compiled import compiled
from fraudwatch.errors import SnapshotError
from fraudwatch.records import FloatArray, IntArray

MOST = 32
"""Accounts of an hour that are looked at. Three show the shock, thirty measure it; a case has one."""
QUARTERS = 4
_BY_CHANCE = 1.0
"""The lowest of k varies by 0.43/√k where scores fall by the factor 10 a unit: 1/√k above the usual is no chance."""
_HIGH = 0.3
"""The part of all account-days that is looked at: below, an account counts in several hours of its day."""
_HOURS_A_DAY = 24.0
_WIDEST, _MOST_SEEN = HIGHEST - LOWEST, 2**53
"""Of a saved hour: shifts, and transactions."""

HIGH_ACCOUNT = np.dtype([("account", np.int64), ("score", np.float64)])
"""An account and its highest score of the hour; -inf where there is none."""

SHOCK = np.dtype(
    [
        # By how much the edges stand above their usual places, and what the hour before had come to.
        ("shift", np.float64),
        ("former", np.float64),
        # Transactions of this hour and of the one before.
        ("seen", np.int64),
        ("former_seen", np.int64),
        # The lowest score of a full list.
        ("lowest", np.float64),
    ]
)

Table = npt.NDArray[np.void]


def nothing() -> tuple[Table, Table]:
    """The highest accounts of an hour, none yet, and the shock, there being none."""
    highest = np.zeros(MOST, dtype=HIGH_ACCOUNT)
    highest["score"] = -np.inf
    shock = np.zeros(1, dtype=SHOCK)
    shock["lowest"] = -np.inf
    return highest, shock


def of(accounts: IntArray, scores: FloatArray, known: FloatArray) -> tuple[Table, Table]:
    """What `state` gave these arrays of. Raises SnapshotError for what no hour has."""
    highest, shock = nothing()
    for array, kind, length in (
        (accounts, np.int64, MOST),
        (scores, np.float64, MOST),
        (known, np.float64, len(SHOCK.names or ())),
    ):
        if array.dtype != kind or array.shape != (length,):
            raise SnapshotError("expected in the saved edge the accounts of an hour, found something else")
    shift, former, seen, former_seen, lowest = known.tolist()
    if not (
        0.0 <= shift <= _WIDEST
        and 0.0 <= former <= _WIDEST
        and 0 <= seen <= _MOST_SEEN
        and 0 <= former_seen <= _MOST_SEEN
        and lowest == scores.min()
        and np.isfinite(known[:4]).all()
        and (scores[1:] <= scores[:-1]).all()
    ):
        raise SnapshotError("expected in the saved edge an hour as one can be, found other numbers")
    highest["account"], highest["score"] = accounts, scores
    shock[0] = tuple(known.tolist())
    return highest, shock


def state(highest: Table, shock: Table) -> tuple[IntArray, FloatArray, FloatArray]:
    """All that `of` needs: accounts int64[MOST], their scores, and the record of the hour as numbers."""
    return highest["account"].copy(), highest["score"].copy(), np.array(shock[0].tolist(), dtype=np.float64)


@compiled
def usually_exceeded(ranked: FloatArray, days: float) -> FloatArray:
    """By quarters of an account, from none on, the score that so many usually exceed in an hour of usual length.

    `ranked` is float64[BINS], account-days of so many days; infinity where that is not high.
    """
    usual = np.full(QUARTERS * MOST + 1, np.inf)
    everybody = total = 0.0
    for place in range(BINS - 1, -1, -1):
        everybody += ranked[place]
    above = BINS
    for quarter in range(len(usual)):
        accounts = quarter / QUARTERS * (days * _HOURS_A_DAY)
        if accounts > _HIGH * everybody:
            break
        while above > 0 and total <= accounts:
            above -= 1
            total += ranked[above]
        usual[quarter] = LOWEST + above / BINS_PER_UNIT
    return usual


def next_hour(highest: Table, shock: Table, usual: FloatArray, an_hour: float, *, follows: bool) -> None:
    """Another hour begins; unless it `follows` the one before, that says nothing about it."""
    found = measured(highest, shock, usual, an_hour)
    fresh, empty = nothing()
    highest[:] = fresh
    if follows:
        empty["former"], empty["former_seen"] = found, shock["seen"]
    shock[:] = empty


@compiled
def note(highest: Table, shock: Table, account: int, score: float) -> bool:
    """Consider a score above the lowest of the list, which is kept in falling order; whether the list has changed."""
    place = 0
    while place < MOST - 1 and highest[place]["account"] != account and highest[place]["score"] > -np.inf:
        place += 1
    if score <= highest[place]["score"]:
        return False
    while place > 0 and highest[place - 1]["score"] < score:
        highest[place]["account"] = highest[place - 1]["account"]
        highest[place]["score"] = highest[place - 1]["score"]
        place -= 1
    highest[place]["account"], highest[place]["score"] = account, score
    shock[0]["lowest"] = highest[MOST - 1]["score"]
    return True


@compiled
def measured(highest: Table, shock: Table, usual: FloatArray, an_hour: float) -> float:
    """The shift; `usual` is `usually_exceeded`, and `an_hour` how many transactions an hour has on average.

    An hour of fewer is compared with one of as many.
    """
    now = shock[0]
    quarters = QUARTERS * min(1.0, an_hour / max(float(now["seen"]), 1.0))
    shift = now["former"] * max(0.0, 1.0 - now["seen"] / max(now["former_seen"], 1))
    for index in range(2, MOST):
        height = highest[index]["score"]
        if height == -np.inf:
            break
        accounts = float(index)
        above = min(height, HIGHEST) - usual[int(accounts * quarters)]
        if above * above * accounts > _BY_CHANCE:
            shift = max(shift, (1.0 - 1.0 / (accounts * accounts * accounts)) * above)
    return float(shift)
