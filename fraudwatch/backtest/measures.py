"""How well a score ranks labelled cases. Labels measure; nothing here reaches a feature or a model."""

import msgspec
import numpy as np
import numpy.typing as npt

from fraudwatch.records import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

DAY_MS = 86_400_000

REVIEW_DELAY_DAYS = 7
"""Days until a case is known: the Fraud Detection Handbook's protocol."""


class Ranking(msgspec.Struct, frozen=True):
    """How well scores put cases before the rest; None where one of the two is missing."""

    transactions: int
    cases: int
    average_precision: float | None
    auroc: float | None


def ranking(score: FloatArray, is_case: BoolArray) -> Ranking:
    """Transactions without a score (NaN) rank last, together: not scoring a case is missing it."""
    return Ranking(
        transactions=len(score),
        cases=int(is_case.sum()),
        average_precision=average_precision(score, is_case),
        auroc=auroc(score, is_case),
    )


def average_precision(score: FloatArray, is_case: BoolArray) -> float | None:
    """Σ (R_k − R_{k−1})·P_k over the distinct scores in descending order; None without any case."""
    if not is_case.any():
        return None
    found, taken = _cumulated(score, is_case)
    recall = found / found[-1]
    return float(np.sum(np.diff(recall, prepend=0.0) * found / taken))


def auroc(score: FloatArray, is_case: BoolArray) -> float | None:
    """Chance that a case scores above a transaction that is none, ties counting half; None without both."""
    if not is_case.any() or is_case.all():
        return None
    found, taken = _cumulated(score, is_case)
    true_rate, false_rate = found / found[-1], (taken - found) / (taken[-1] - found[-1])
    return float(np.trapezoid(np.append(0.0, true_rate), np.append(0.0, false_rate)))


def _cumulated(score: FloatArray, is_case: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Cases found and transactions taken at each distinct score, from the highest down."""
    known = np.where(np.isnan(score), -np.inf, score)
    order = np.argsort(-known, kind="stable")
    descending = known[order]
    ends = np.append(np.flatnonzero(descending[1:] != descending[:-1]), len(order) - 1)
    return np.cumsum(is_case[order]).astype(np.float64)[ends], ends + 1.0


def precision_at_budget(
    score: FloatArray, is_case: BoolArray, accounts: IntArray, days: IntArray, budget: float
) -> float | None:
    """Share of accounts with a case among the `budget` highest-scoring accounts of each day, mean over the days.

    `accounts` and `days` are numbers per transaction, any that tell them apart. None when nothing was scored.
    """
    per_day = max(1, round(budget))
    shares = []
    for day in np.unique(days):
        rows = np.flatnonzero((days == day) & ~np.isnan(score))
        best = rows[np.argsort(-score[rows], kind="stable")]
        _, first = np.unique(accounts[best], return_index=True)
        picked = accounts[best[np.sort(first)[:per_day]]]
        compromised = accounts[(days == day) & is_case]
        if len(picked):
            shares.append(float(np.isin(picked, compromised).mean()))
    return float(np.mean(shares)) if shares else None


def already_known(
    is_case: BoolArray, accounts: IntArray, days: IntArray, train: tuple[int, int]
) -> BoolArray:
    """Transactions of accounts whose case was known before their day, by the Handbook's protocol.

    Known is an account with a case on a day of the training span (first, last), or on any day up to eight days
    before the transaction's. A review would not be spent on it again.
    """
    names, numbers = np.unique(accounts, return_inverse=True)
    first_case = np.full(len(names), np.iinfo(np.int64).max)
    counted = is_case & (days >= train[0])
    np.minimum.at(first_case, numbers[counted], days[counted])
    first = first_case[numbers]
    return (first <= train[1]) | (first <= days - REVIEW_DELAY_DAYS - 1)
