"""How well a score ranks labelled cases. Labels measure; nothing here reaches a feature or a model."""

import math

import msgspec
import numpy as np
import numpy.typing as npt

from fraudwatch.records import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]

DAY_MS = 86_400_000

_Z95 = 1.959963984540054

REVIEW_DELAY_DAYS = 7
"""Days until a case is known: the Fraud Detection Handbook's protocol."""


class Ranking(msgspec.Struct, frozen=True):
    """How well scores put cases before the rest; None where one of the two is missing."""

    transactions: int
    cases: int
    average_precision: float | None
    auroc: float | None


class Share(msgspec.Struct, frozen=True):
    """`hits` of `of`, and where a share seen so often may truly lie (95 %); None of nothing."""

    hits: int
    of: int
    value: float | None
    low: float | None
    high: float | None


def share(hits: int, of: int) -> Share:
    """With Wilson's score interval (Wilson 1927), which holds for few and for extreme shares too."""
    if not of:
        return Share(hits, of, None, None, None)
    found, z2 = hits / of, _Z95 * _Z95
    middle = (found + z2 / (2 * of)) / (1 + z2 / of)
    reach = _Z95 / (1 + z2 / of) * math.sqrt(found * (1 - found) / of + z2 / (4 * of * of))
    # Rounding may not leave the share itself outside, nor go past what a share can be.
    low, high = max(0.0, min(found, middle - reach)), min(1.0, max(found, middle + reach))
    return Share(hits, of, found, low, high)


def sign_test(first: int, second: int) -> float:
    """How often two equally good ones would differ at least as unevenly: the exact, two-sided sign test."""
    differing, fewer = first + second, min(first, second)
    chances = sum(math.comb(differing, count) for count in range(fewer + 1))
    return min(1.0, float(2 * chances / 2**differing))


def stability_index(expected: IntArray, found: IntArray) -> float | None:
    """PSI of two histograms over the same bins, int64[n]; None of nothing. Below 0.1 is called stable.

    What one of them has nothing of counts as half an entry: its logarithm must be finite.
    """
    if not (expected.sum() and found.sum()):
        return None
    left, right = (np.maximum(counts, 0.5) / counts.sum() for counts in (expected, found))
    return float(np.sum((right - left) * np.log(right / left)))


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
