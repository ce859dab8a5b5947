"""The largest composites of account-days, of a sample by hash: the same whoever draws it, in whatever batches."""

import numpy as np

from fraudwatch.pipeline.reservoir import LotArray
from fraudwatch.records import FloatArray, IntArray

LIMIT = 50_000
"""Account-days: enough for a tail of one in ten thousand, at some 3 MB in memory and in each snapshot."""


class DailyMaxima:
    """Of the account-days with the smallest lots, at most `limit`, each column's maximum over all rows of the day.

    Rows are kept as they come until there are twice as many as may stay; then those of one lot become one. A lot that
    was let go of is never taken in again, because the bar only falls: what stays has seen every row of its day.
    """

    def __init__(self, width: int, limit: int = LIMIT) -> None:
        self._limit = limit
        self._lots: LotArray = np.empty(0, dtype=np.uint64)
        self._rows: FloatArray = np.empty((0, width))
        self._held = 0
        self._bar = np.uint64(2**64 - 1)

    def offer(self, lots: LotArray, table: FloatArray, rows: IntArray) -> None:
        """Some rows int64[k] of a table float64[n, c], none of it NaN, and the lots uint64[k] of their account-days."""
        low = lots <= self._bar
        self._append(lots[low], table[rows[low]])

    def take_in(self, other: "DailyMaxima") -> None:
        """All that another one holds is offered to this one."""
        self.offer(other._lots[: other._held], other._rows, np.arange(other._held))

    def held(self) -> tuple[LotArray, FloatArray]:
        """A copy of lots, ascending, and of their maxima: what offered to another one makes it the same."""
        self._merge()
        return self._lots[: self._held].copy(), self._rows[: self._held].copy()

    def rows(self) -> FloatArray:
        """The maxima float64[k, c], k ≤ limit, in the order of the lots."""
        return self.held()[1]

    def __getstate__(self) -> dict[str, object]:
        """Without the places that are empty."""
        return self.__dict__ | {"_lots": self._lots[: self._held], "_rows": self._rows[: self._held]}

    def _append(self, lots: LotArray, rows: FloatArray) -> None:
        """The first rows say how many columns there are: as many as lanes are told."""
        if not len(lots):
            return
        if not self._held and rows.shape[1] != self._rows.shape[1]:
            self._rows = np.empty((len(self._lots), rows.shape[1]))
        if self._held + len(lots) > len(self._lots):
            self._merge()
            self._make_room(self._held + len(lots))
        self._lots[self._held : self._held + len(lots)] = lots
        self._rows[self._held : self._held + len(lots)] = rows
        self._held += len(lots)

    def _make_room(self, wanted: int) -> None:
        """Twice what is held, so that a merger is paid for by as many rows as it looks at."""
        places = max(2 * wanted, 1_024)
        if places <= len(self._lots):
            return
        lots, rows = np.empty(places, dtype=np.uint64), np.empty((places, self._rows.shape[1]))
        lots[: self._held], rows[: self._held] = self._lots[: self._held], self._rows[: self._held]
        self._lots, self._rows = lots, rows

    def _merge(self) -> None:
        """One row a lot, the smallest lots only."""
        order = np.argsort(self._lots[: self._held], kind="stable")
        lots = self._lots[order]
        first = np.flatnonzero(np.concatenate([np.ones(min(1, len(lots)), bool), lots[1:] != lots[:-1]]))
        if not len(first):
            return
        merged = np.maximum.reduceat(self._rows[order], first, axis=0)[: self._limit]
        self._held = len(merged)
        self._lots[: self._held], self._rows[: self._held] = lots[first[: self._limit]], merged
        if self._held == self._limit:
            self._bar = self._lots[self._held - 1]
