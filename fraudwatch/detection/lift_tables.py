"""Lift tables, fed: the counts that lifts follow from go on after the fit, and fade.

A sample of what is scored, by hash of the transaction id, is counted in the bands of the model in use, one page for
each `training.lifts_every` of event time. When a page is full it is laid to the table, which halves with each
`training.lifts_half_life`; lifts of the table are a small new version of the model, cuts and surprises being those of
its fit. A page is full where the newest event time enters the next one: a position in the log that does not depend on
how records were cut into batches. The table begins with the counts of the fit's own sample, as of its end, and holds
each transaction behind it once, also where a log is folded anew with a model that was fed from it before.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fraudwatch.config.settings import Training
from fraudwatch.detection.lifts import are_counts
from fraudwatch.detection.model import Model
from fraudwatch.errors import SnapshotError
from fraudwatch.mixing import mix
from fraudwatch.records import ByteArray, FloatArray, IntArray, Outcome

COUNTED_A_DAY = 5_000
"""Transactions of an ordinary event day that are counted, and what bounds the cost: some 3 µs each. In a half-life of
60 days that is three times the largest training sample."""

_LIFTS = np.uint64(int.from_bytes(b"lift tab", "little"))
_U32 = np.uint64(32)
_NEVER = -(2**62)
_LATEST = 2**62


class LiftTables:
    """The running counts of one stream, of which `share` is offered: one partition of four is 0.25.

    `until_ms` is the event time up to which the table is filled. One that is not `kept` counts nothing.
    """

    VERSION: ClassVar = 1
    """Of what `state` gives."""

    def __init__(self, training: Training, *, share: float = 1.0, kept: bool = True) -> None:
        self._every = training.lifts_every if kept else 0
        self._share = share
        self._left = 0.5 ** (self._every / training.lifts_half_life) if training.lifts_half_life else 1.0
        self._model: Model | None = None
        self._counted_below = np.uint64(0)
        self._fit = ""
        self._table = np.zeros((2, 0))
        self._page = np.zeros((2, 0), np.int64)
        self._from_ms = self._newest_ms = self.until_ms = _NEVER
        self._page_from_ms = _NEVER

    @property
    def is_in_use(self) -> bool:
        """Whether there is a model whose lifts can be fed."""
        return self._model is not None

    @property
    def fit(self) -> str:
        """The version that was fitted and whose bands are counted; empty without one."""
        return self._fit

    def use(self, model: Model) -> None:
        """Count in the bands of this model from the next transaction on.

        Of another fit than before, or of a later feeding than is known here, its own counts are taken over.
        """
        learned = model.combiner.learned
        self._model = None
        if not self._every or learned is None:
            self._fit = model.fit
            return
        is_known = self._fit == model.fit and self._table.shape == learned.counts.shape
        if not is_known or model.fed_until_ms > self.until_ms:
            self._table = np.array(learned.counts)
            self._page = np.zeros(learned.counts.shape, np.int64)
            self._from_ms = self.until_ms = self._newest_ms = model.fed_until_ms
            self._page_from_ms = self._page_of(model.fed_until_ms + 1)
        self._fit = model.fit
        self._model = model
        share = min(COUNTED_A_DAY / (model.transactions_per_day * self._share), 1.0)
        self._counted_below = np.uint64(int(share * 2**32))

    def add(
        self, times: IntArray, rows: IntArray, ids: IntArray, values: FloatArray, outcomes: ByteArray
    ) -> None:
        """A batch of n transactions by event time int64[n]; `rows` int64[k], ascending, are those that were judged.

        Of these come the `ids`, hashes int64[k], the model's features, float64[k, f], and the outcomes uint8[k]: what
        is late is no example of the usual.
        """
        if self._model is None or not len(times):
            return
        newest = np.maximum(np.maximum.accumulate(times), self._newest_ms)
        chosen = (mix(ids.view(np.uint64) ^ _LIFTS) >> _U32) < self._counted_below
        chosen &= outcomes == Outcome.SCORED.value
        chosen &= newest[rows] > self._from_ms  # what came before is in the table already
        places, values = rows[chosen], values[chosen]
        begin = 0
        while begin < len(times):
            self.reach(int(newest[begin]))
            end = int(np.searchsorted(newest, self._page_of(int(newest[begin])) + self._every))
            inside = slice(*np.searchsorted(places, [begin, end]))
            if inside.start < inside.stop:
                self._model.count(values[inside], self._page)
            begin = end
        self._newest_ms = int(newest[-1])

    def reach(self, event_time_ms: int) -> None:
        """A transaction of this time is about to be counted: where the page is full it is laid to the table."""
        if self._model is None or event_time_ms <= self._newest_ms:
            return
        begins_at = self._page_of(event_time_ms)
        if begins_at > self._page_from_ms:
            passed = (begins_at - self._page_from_ms) // self._every
            self._table = (self._table + self._page) * self._left**passed
            self._page[:] = 0
            self._page_from_ms = begins_at
            self.until_ms = begins_at - 1
        self._newest_ms = event_time_ms

    def full_at(self, times: IntArray) -> IntArray:
        """Places in event times int64[n] before which `reach` has to be told, should others be folded beside these."""
        if self._model is None or not len(times):
            return np.empty(0, np.int64)
        newest = np.maximum(np.maximum.accumulate(times), self._newest_ms)
        newest = np.concatenate([[self._newest_ms], newest])
        return np.flatnonzero(np.diff(newest // self._every) + np.diff(newest > self._from_ms))

    @property
    def is_due(self) -> bool:
        """Whether the table holds what the lifts of the model in use do not know."""
        return self._model is not None and self.until_ms > self._model.fed_until_ms

    def fed(self) -> Model | None:
        """The model in use with the lifts of the table; None where they are its own."""
        return (
            self._model.fed(self._table, self.until_ms) if self._model is not None and self.is_due else None
        )

    def _page_of(self, event_time_ms: int) -> int:
        """When its page begins."""
        return event_time_ms // self._every * self._every

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of all that `of` needs: table float64[2, b + 1], page of the same shape, times int64[5], fit uint8."""
        return {
            "table": self._table.copy(),
            "page": self._page.copy(),
            "times": np.array([self._every, *self._times], np.int64),
            "fit": np.frombuffer(self._fit.encode(), np.uint8),
        }

    @property
    def _times(self) -> tuple[int, int, int, int]:
        return self._from_ms, self._newest_ms, self.until_ms, self._page_from_ms

    @classmethod
    def of(
        cls,
        training: Training,
        state: Mapping[str, npt.NDArray[Any]],
        *,
        share: float = 1.0,
        kept: bool = True,
    ) -> "LiftTables":
        """The tables that `state` gave these arrays of, once they have their model. Raises SnapshotError for others."""
        tables = cls(training, share=share, kept=kept)
        table, page, times, fit = (state.get(name, np.empty(0)) for name in ("table", "page", "times", "fit"))
        is_ours = (
            table.dtype == np.float64 and page.dtype == times.dtype == np.int64 and fit.dtype == np.uint8
        )
        is_ours &= (
            table.ndim == 2 and table.shape[:1] == (2,) and page.shape == table.shape and times.shape == (5,)
        )
        if not is_ours or not are_counts(table) or not are_counts(page) or (np.abs(times) > _LATEST).any():
            raise SnapshotError("expected the tables that lifts follow from, found something else")
        every, tables._from_ms, tables._newest_ms, tables.until_ms, tables._page_from_ms = times.tolist()
        if every != tables._every:
            raise SnapshotError("the lift tables were kept with another training.lifts_every")
        tables._table, tables._page = table.copy(), page.copy()
        tables._fit = fit.tobytes().decode("utf-8", "replace")
        return tables
