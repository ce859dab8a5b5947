"""Scores by day, in bins: what a million of them look like, and whether one week's are like another's."""

from collections import Counter

import msgspec
import numpy as np

from fraudwatch.backtest.folding import Folded
from fraudwatch.backtest.measures import BoolArray, stability_index
from fraudwatch.backtest.spans import DAY_MS
from fraudwatch.records import FloatArray, IntArray

LOWEST, HIGHEST, BINS_PER_UNIT = -5.0, 60.0, 4
BINS = int((HIGHEST - LOWEST) * BINS_PER_UNIT)
PARTS = 10
"""Bins of the stability index: tenths of the whole span's scores, as is usual for it."""


class ScoreFigures(msgspec.Struct, frozen=True):
    """Scored transactions and the labelled ones among them, by score: bin i begins at `lowest` + i · `width`.

    Bins from the first to the last that holds any. `edges` are the lowest and the highest edge of the span.
    """

    lowest: float
    width: float
    all: tuple[int, ...]
    cases: tuple[int, ...]
    edges: tuple[float, float] | None


class Distribution:
    """Counts the scored transactions of the measured span."""

    def __init__(self) -> None:
        self._by_day: dict[int, IntArray] = {}
        self._cases = np.zeros(BINS, dtype=np.int64)
        self._scored: Counter[int] = Counter()
        self._edges: dict[int, list[float]] = {}

    def add(self, folded: Folded, within: BoolArray, is_case: BoolArray) -> None:
        """Take in one batch; `within` bool[n] says which of its transactions are measured."""
        found = folded.batch.assessments
        rows = np.flatnonzero(within & ~np.isnan(found.score))
        bins = _bins(found.score[rows])
        days = found.transactions.event_time_ms[rows] // DAY_MS
        self._cases += np.bincount(bins[is_case[rows]], minlength=BINS)
        for day in np.unique(days).tolist():
            counts = np.bincount(bins[days == day], minlength=BINS)
            self._by_day[day] = self._by_day.get(day, np.zeros(BINS, dtype=np.int64)) + counts
            if folded.edge < float("inf"):
                self._edges.setdefault(day, []).append(folded.edge)

    @property
    def days(self) -> list[int]:
        """Days since 1970 with a scored transaction, ascending."""
        return sorted(self._by_day)

    def scored(self, day: int) -> int:
        """Transactions of the day that have a score."""
        return int(self._by_day[day].sum())

    def edge(self, days: list[int]) -> float | None:
        """The mean edge of these days, None where there was none."""
        edges = [edge for day in days for edge in self._edges.get(day, ())]
        return float(np.mean(edges)) if edges else None

    def instability(self, days: list[int]) -> float | None:
        """The stability index of these days' scores against those of all other days; None without others."""
        whole = sum(self._by_day.values(), np.zeros(BINS, dtype=np.int64))
        part = sum((self._by_day[day] for day in days), np.zeros(BINS, dtype=np.int64))
        rest = whole - part
        tenths = np.minimum(np.cumsum(rest) * PARTS // max(1, int(rest.sum())), PARTS - 1)
        expected, found = (
            np.bincount(tenths, weights=counts, minlength=PARTS).astype(np.int64) for counts in (rest, part)
        )
        return stability_index(expected, found)

    def figures(self) -> ScoreFigures:
        """Of the whole span."""
        whole = sum(self._by_day.values(), np.zeros(BINS, dtype=np.int64))
        held = np.flatnonzero(whole)
        first, last = (int(held[0]), int(held[-1]) + 1) if len(held) else (0, 0)
        edges = [edge for day in self._edges.values() for edge in day]
        return ScoreFigures(
            lowest=LOWEST + first / BINS_PER_UNIT,
            width=1 / BINS_PER_UNIT,
            all=tuple(whole[first:last].tolist()),
            cases=tuple(self._cases[first:last].tolist()),
            edges=(min(edges), max(edges)) if edges else None,
        )


def _bins(scores: FloatArray) -> IntArray:
    return np.clip((scores - LOWEST) * BINS_PER_UNIT, 0, BINS - 1).astype(np.int64)
