"""Drift: whether a model still describes the stream that it scores.

A sample of what is scored, by hash of the transaction id, is counted in the bands of the model's training sample
(`fraudwatch.detection.usual`), one page for each event day. When a day ends, the pages of the last `drift.window` are
compared with the sample. Everything follows from the sequence of scored transactions: a day ends where the newest
event time enters another one, a position that does not depend on how records were cut into batches.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import numpy as np
import numpy.typing as npt

from fraudwatch.config.settings import Drift as DriftSettings
from fraudwatch.detection.model import Model
from fraudwatch.detection.usual import BANDS, SCORE, by_theme
from fraudwatch.errors import SnapshotError
from fraudwatch.mixing import mix
from fraudwatch.records import FloatArray, IntArray

DAY_MS = 86_400_000
SAMPLED_A_DAY = 500
"""Transactions of an ordinary event day that are counted, and what bounds the cost: a few µs each. A week of them
gives a PSI of 0.003 by chance alone."""
LEAST_SAMPLED = 300
"""With fewer in the window, chance alone gives what would pass for a change."""
MOST_DAYS = 1_000

_DRIFT = np.uint64(int.from_bytes(b"drifting", "little"))
_U32 = np.uint64(32)
_NO_DAY = -(2**40)


class Finding(msgspec.Struct, frozen=True):
    """What a window said. `psi` is by `score` and theme, empty as long as there was no whole window."""

    psi: dict[str, float] = {}
    limit: float = 1.0
    theme_limit: float = 1.0

    @property
    def is_degraded(self) -> bool:
        """Whether the model no longer describes the stream."""
        return any(psi > self._limit(of) for of, psi in self.psi.items())

    @property
    def worst(self) -> tuple[str, float]:
        """What is farthest beyond its limit, or nearest to it, and its PSI."""
        return max(self.psi.items(), key=lambda item: item[1] / self._limit(item[0]), default=(SCORE, 0.0))

    def _limit(self, of: str) -> float:
        return self.limit if of == SCORE else self.theme_limit


NOTHING_FOUND = Finding()


class Page(msgspec.Struct, frozen=True):
    """One event day: counts int64[c, BANDS]."""

    day: int
    counts: IntArray


class Drift:
    """The running watch of one partition. `finding` is what the last window that ended said."""

    VERSION: ClassVar = 1
    """Of what `state` gives."""

    def __init__(self, settings: DriftSettings) -> None:
        self._settings = settings
        self._days = max(1, settings.window // DAY_MS)
        self._model: Model | None = None
        self._version = ""
        self._sampled_below = 0
        self._clear()

    def _clear(self) -> None:
        self.finding = NOTHING_FOUND
        self._pages: deque[Page] = deque()
        self._today = np.zeros((0, BANDS), np.int64)
        self._day = self._began = _NO_DAY
        self._turns = [(-1, self.finding)]

    def use(self, model: Model, transactions_per_day: float) -> None:
        """Compare with this model from the next transaction on; with one of another fit everything begins anew.

        `transactions_per_day` is what is scored in this partition on an ordinary day.
        """
        width = len(model.specs) + 1
        if model.fit != self._version or len(self._today) != width:
            self._clear()
            self._today = np.zeros((width, BANDS), np.int64)
            self._version = model.fit
        self._model = model
        self._sampled_below = int(min(SAMPLED_A_DAY / transactions_per_day, 1.0) * 2**32)
        self.finding = self._found()

    def add(
        self, rows: IntArray, ids: IntArray, event_times_ms: IntArray, values: FloatArray, scores: FloatArray
    ) -> None:
        """A batch of n scored transactions in the order of the log; `rows` int64[n] are their places in it, ascending.

        `ids` are hashes, `values` float64[n, f] the model's features. Needs a model.
        """
        self._turns = [(-1, self.finding)]
        if not len(rows):
            return
        days = np.maximum(np.maximum.accumulate(event_times_ms // DAY_MS), self._day)
        drawn = np.flatnonzero((mix(ids.view(np.uint64) ^ _DRIFT) >> _U32) < np.uint64(self._sampled_below))
        columns = np.column_stack([values[drawn], self._as_fitted(values[drawn], scores[drawn])])
        begin = 0
        for turn in np.flatnonzero(np.diff(days, prepend=self._day)).tolist():
            end = int(np.searchsorted(drawn, turn))
            self._count(columns[begin:end])
            self._turn_to(int(days[turn]))
            self._turns.append((int(rows[turn]), self.finding))
            begin = end
        self._count(columns[begin:])

    def finding_at(self, row: int) -> Finding:
        """As of a row of the batch that was added last."""
        return next(finding for turn, finding in reversed(self._turns) if turn <= row)

    def _as_fitted(self, values: FloatArray, scores: FloatArray) -> FloatArray:
        """Scores by the lifts of the fit: that these were fed since is no change of the stream."""
        assert self._model is not None
        return scores if self._model.feeding is None else self._model.as_fitted.judge(values).score

    def _count(self, columns: FloatArray) -> None:
        if len(columns):
            assert self._model is not None
            self._today += self._model.usual.counts(columns)

    def _turn_to(self, day: int) -> None:
        if self._began == _NO_DAY:
            self._began = day
        else:
            self._pages.append(Page(self._day, self._today))
            self._today = np.zeros_like(self._today)
        self._day = day
        while self._pages and self._pages[0].day < day - self._days:
            self._pages.popleft()
        self.finding = self._found()

    def _found(self) -> Finding:
        """Of the pages of a window that the stream has covered from its first day to its last."""
        if self._model is None or self._day - self._began < self._days or not self._pages:
            return NOTHING_FOUND
        counts: IntArray = np.sum([page.counts for page in self._pages], axis=0)
        if counts[-1].sum() < LEAST_SAMPLED:
            return NOTHING_FOUND
        psi = by_theme(self._model.specs, self._model.usual.psi(counts))
        return Finding(psi, self._settings.limit, self._settings.theme_limit)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of all that `of` needs: days int64[2 + p], counts int64[1 + p, c, BANDS], version uint8[k]."""
        days = [self._day, self._began, *(page.day for page in self._pages)]
        counts = [self._today, *(page.counts for page in self._pages)]
        return {
            "days": np.array(days, np.int64),
            "counts": np.stack(counts),
            "version": np.frombuffer(self._version.encode(), np.uint8),
        }

    @classmethod
    def of(cls, settings: DriftSettings, state: Mapping[str, npt.NDArray[Any]]) -> "Drift":
        """The watch that `state` gave these arrays of, once it has its model. Raises SnapshotError for others."""
        drift = cls(settings)
        days, counts, version = (state.get(name, np.empty(0)) for name in ("days", "counts", "version"))
        is_ours = days.dtype == counts.dtype == np.int64 and version.dtype == np.uint8
        is_ours &= days.ndim == 1 and 2 <= len(days) <= MOST_DAYS + 2
        is_ours &= counts.ndim == 3 and counts.shape[0] == len(days) - 1 and counts.shape[2] == BANDS
        if not is_ours or (counts < 0).any() or (counts > 2**40).any() or (np.abs(days) > 2**40).any():
            raise SnapshotError("expected the counts of a drift watch by day, found something else")
        drift._day, drift._began, *paged = days.tolist()
        drift._today = counts[0].copy()
        drift._pages.extend(Page(day, page.copy()) for day, page in zip(paged, counts[1:], strict=True))
        drift._version = version.tobytes().decode("utf-8", "replace")
        return drift
