"""A sample by hash: the rows with the smallest lots out of all that were offered, in whatever order they came."""

import numpy as np
import numpy.typing as npt

from fraudwatch.records import FloatArray, IntArray

LotArray = npt.NDArray[np.uint64]

SLACK = 4
"""One row in so many is held beyond the limit, so that the largest lots are looked for once in a while only."""


class Reservoir:
    """At most `limit` rows of float64[c] each, with their lots uint64. Rows of equal lots are told apart by content.

    A row is copied when it comes in and once more at most when it is moved to a place that became free: nothing is
    sorted before it is asked for.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._room = limit + max(1, limit // SLACK)
        self._lots: LotArray = np.empty(0, dtype=np.uint64)
        self._rows: FloatArray = np.empty((0, 0))
        self._held = 0
        self._bar = np.uint64(2**64 - 1)

    @property
    def bar(self) -> np.uint64:
        """Of what has a larger lot nothing is taken in."""
        return self._bar

    def offer(self, lots: LotArray, table: FloatArray, rows: IntArray) -> None:
        """Some rows int64[k] of a table float64[n, c], and their lots uint64[k]."""
        low = lots <= self._bar
        lots, rows = lots[low], rows[low]
        while len(lots):
            self._make_room(self._held + len(lots), table.shape[1])
            taken = min(len(lots), len(self._lots) - self._held)
            end = self._held + taken
            self._lots[self._held : end] = lots[:taken]
            self._rows[self._held : end] = table[rows[:taken]]
            self._held, lots, rows = end, lots[taken:], rows[taken:]
            if self._held == self._room:
                self._let_go()

    def take_in(self, other: "Reservoir") -> None:
        """All that another one holds is offered to this one."""
        self.offer(other._lots[: other._held], other._rows, np.arange(other._held))

    def held(self) -> tuple[LotArray, FloatArray]:
        """A copy of lots and rows, in no order: what offered to another one makes it the same."""
        return self._lots[: self._held].copy(), self._rows[: self._held].copy()

    def rows(self) -> FloatArray:
        """The sample float64[k, c], k ≤ limit, in the order of the lots."""
        lots, rows = self._lots[: self._held], self._rows[: self._held]
        return rows[_order(lots, rows)[: self._limit]]

    def __getstate__(self) -> dict[str, object]:
        """Without the places that are empty."""
        return self.__dict__ | {"_lots": self._lots[: self._held], "_rows": self._rows[: self._held]}

    def _make_room(self, wanted: int, width: int) -> None:
        places = len(self._lots)
        if wanted <= places or places == self._room:
            return
        places = min(max(wanted, 2 * places), self._room)
        lots, rows = np.empty(places, dtype=np.uint64), np.empty((places, width))
        if self._held:
            lots[: self._held] = self._lots[: self._held]
            rows[: self._held] = self._rows[: self._held]
        self._lots, self._rows = lots, rows

    def _let_go(self) -> None:
        """Down to the limit. Those that stay from beyond it move to the places of those that go."""
        stays = np.zeros(self._held, dtype=np.bool_)
        stays[self._smallest()] = True
        free = np.flatnonzero(~stays[: self._limit])
        movers = self._limit + np.flatnonzero(stays[self._limit :])
        self._lots[free], self._rows[free] = self._lots[movers], self._rows[movers]
        self._held = self._limit
        self._bar = self._lots[: self._held].max()

    def _smallest(self) -> IntArray:
        """The places of the `limit` smallest."""
        lots = self._lots[: self._held]
        bar = np.partition(lots, self._limit - 1)[self._limit - 1]
        among = np.flatnonzero(lots <= bar)
        if len(among) > self._limit:
            among = among[_order(lots[among], self._rows[among])[: self._limit]]
        return among


def _order(lots: LotArray, rows: FloatArray) -> IntArray:
    """By lot; of equal lots (the same id on two accounts), by content."""
    order = np.argsort(lots, kind="stable")
    ordered = lots[order]
    if (ordered[1:] == ordered[:-1]).any():
        return np.lexsort((*rows.T[::-1], lots))
    return order
