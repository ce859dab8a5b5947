"""From a stream to a model: a repeatable, representative sample, and the fit on it."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from fraudwatch import detection
from fraudwatch.config.settings import Settings, Training
from fraudwatch.decode import Decoder
from fraudwatch.detection import Artefact, Model
from fraudwatch.errors import SnapshotError, TrainingError
from fraudwatch.features import LANES, MORE_LANES, Catalogue, Column, Observations
from fraudwatch.mixing import mix
from fraudwatch.pipeline.maxima import DailyMaxima
from fraudwatch.pipeline.reservoir import LotArray, Reservoir
from fraudwatch.records import FloatArray, IntArray, Outcome, Transactions

DAY_MS = 86_400_000
_NEVER = -(2**62)
"""In a state, instead of a time: none."""
_HALF_LIVES = "half_lives"
"""Of the lots of transactions, and of those of account-days."""
_NO_HALF_LIVES = np.zeros(2, np.int64)
_U12, _U63 = np.uint64(12), np.uint64(63)
_ORIGIN, _GRAIN = 2.0**20, 2.0**40
_LOT = np.uint64(int.from_bytes(b"training", "little"))
_LOT_OF_DAY = np.uint64(int.from_bytes(b"episodes", "little"))
_HALF = np.uint64(int.from_bytes(b"a half..", "little"))
_HALF_PLACE = len(Column)
"""Of a sampled row, after its columns; its composites follow."""


class TrainingSample:
    """The transactions with the smallest hashes of their ids, out of all that could be scored.

    Chosen by hash, the sample of a log is the same whoever draws it, in whatever batches, and so is a merger
    of the samples of several partitions. With `training.half_life` recent ones are preferred: weighted sampling
    without replacement by exponential lots (Efraimidis and Spirakis 2006, "Weighted random sampling with a reservoir")
    under forward decay (Cormode et al. 2009), which is as repeatable, because a lot never changes.

    With each, its composites and the half of the accounts it is of, by which it is told what lanes earn. Beside them,
    chosen by hash of account and UTC day and preferring recent days alike, the largest composites of account-days.
    """

    VERSION: ClassVar = 3
    """Of what `state` gives."""

    def __init__(
        self,
        training: Training,
        *,
        share: float = 1.0,
        since_ms: int | None = None,
        until_ms: int | None = None,
    ) -> None:
        """Takes event times in [since_ms, until_ms); by default all but `training.skip` at the beginning.

        `share` is the part of the stream that is offered: one partition of four is 0.25.
        """
        self.share = share
        self._training = training
        self._since_ms, self._until_ms = since_ms, until_ms
        self._reservoir = Reservoir(training.sample)
        self._maxima = DailyMaxima(len(LANES))
        self.seen = 0
        self.span_ms: tuple[int, int] | None = None

    @classmethod
    def of(
        cls, training: Training, state: Mapping[str, npt.NDArray[Any]], *, share: float = 1.0
    ) -> "TrainingSample":
        """The sample that `state` gave these arrays of. Raises SnapshotError for what no sample has."""
        sample = cls(training, share=share)
        times, lots, rows = (state.get(name, np.empty(0)) for name in ("times", "lots", "rows"))
        is_ours = times.dtype == np.int64 and times.shape == (5,)
        is_ours &= lots.dtype == np.uint64 and rows.dtype == np.float64 and lots.shape == rows.shape[:1]
        day_lots, maxima = (state.get(name, np.empty(0)) for name in ("day_lots", "maxima"))
        is_ours &= day_lots.dtype == np.uint64 and maxima.dtype == np.float64
        widths = (len(LANES), len(LANES) + len(MORE_LANES))
        is_ours &= maxima.shape in [(*day_lots.shape, width) for width in widths]
        is_ours &= rows.ndim == 2 and (rows.shape[1] in _widths(maxima) or not len(rows))
        if not is_ours or times[0] < 0 or not _are_kept(rows) or not _are_composites(maxima):
            raise SnapshotError("expected a training sample of as many lots as rows, found something else")
        if state.get(_HALF_LIVES, _NO_HALF_LIVES).tolist() != [training.half_life] * 2:
            raise SnapshotError("the training sample was drawn with another training.half_life")
        sample.seen, since, until, oldest, newest = times.tolist()
        sample._since_ms = None if since == _NEVER else since
        sample._until_ms = None if until == _NEVER else until
        sample.span_ms = None if oldest == _NEVER else (oldest, newest)
        sample._reservoir.offer(lots, _with_composites(rows, maxima), np.arange(len(lots)))
        sample._maxima.offer(day_lots, maxima, np.arange(len(day_lots)))
        return sample

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """A copy of all that `of` needs: times int64[5] (the first is a number), lots uint64[k], rows
        float64[k, c + 1 + lanes], day_lots uint64[d], maxima float64[d, lanes]."""
        lots, rows = self._reservoir.held()
        day_lots, maxima = self._maxima.held()
        bounds = [_NEVER if bound is None else bound for bound in (self._since_ms, self._until_ms)]
        times = np.array([self.seen, *bounds, *(self.span_ms or (_NEVER, _NEVER))], dtype=np.int64)
        half_life = self._training.half_life
        drawn = {_HALF_LIVES: np.array([half_life, half_life])} if half_life else {}
        return {"times": times, "lots": lots, "rows": rows, "day_lots": day_lots, "maxima": maxima} | drawn

    def add(self, transactions: Transactions, observations: Observations) -> None:
        """Consider a batch; what cannot be scored (too young, late, repeated) is no example of the usual."""
        if not len(transactions):
            return
        times = transactions.event_time_ms
        if self._since_ms is None:
            self._since_ms = int(times[0]) + self._training.skip
        eligible = (observations.outcome == Outcome.SCORED.value) & (times >= self._since_ms)
        if self._until_ms is not None:
            eligible &= times < self._until_ms
        rows = np.flatnonzero(eligible)
        if not len(rows):
            return
        self._extend_span(times[rows])
        self.seen += len(rows)
        lots, days = _drawn(transactions.ids[rows]), times[rows] // DAY_MS
        day_lots = _drawn_days(transactions.accounts[rows], days)
        if self._training.half_life:
            lots = _decayed(lots, times[rows], self._training.half_life)
            day_lots = _decayed(day_lots, days * DAY_MS, self._training.half_life)
        low = lots <= self._reservoir.bar
        chosen = rows[low]
        half = mix(transactions.accounts[chosen].view(np.uint64) ^ _HALF) >> _U63
        told = (observations.columns[chosen], half[:, np.newaxis], observations.composites[chosen])
        self._reservoir.offer(lots[low], np.hstack(told), np.arange(len(chosen)))
        self._maxima.offer(day_lots, observations.composites, rows)

    @property
    def progress(self) -> float:
        """From 0 to 1: how far on the way to the first fit; the slower of number and span counts."""
        oldest, newest = self.span_ms or (0, 0)
        span = (newest - oldest) / max(1, self._training.min_span)
        return min(1.0, self.seen / self._training.min_transactions, span)

    @property
    def is_ready(self) -> bool:
        """Whether there is enough for a first fit."""
        return self.progress >= 1.0

    def rows(self) -> FloatArray:
        """History columns [n, c] of the sample, in the order of the hashes."""
        return self._reservoir.rows()[:, :_HALF_PLACE]

    def composites(self) -> tuple[FloatArray, FloatArray]:
        """Of the same rows, one at least, composites [n, lanes] and halves [n] of the accounts, 0 or 1; or NaN."""
        rows = self._reservoir.rows()
        return rows[:, _HALF_PLACE + 1 :], rows[:, _HALF_PLACE]

    def maxima(self) -> FloatArray:
        """The largest composites [k, lanes] of account-days, in the order of the hashes."""
        return self._maxima.rows()

    def _extend_span(self, times: IntArray) -> None:
        oldest, newest = int(times.min()), int(times.max())
        if self.span_ms is not None:
            oldest, newest = min(oldest, self.span_ms[0]), max(newest, self.span_ms[1])
        self.span_ms = (oldest, newest)

    @classmethod
    def merged(cls, samples: Sequence["TrainingSample"]) -> "TrainingSample":
        """The sample of several partitions together."""
        together = cls(samples[0]._training, share=sum(sample.share for sample in samples))
        for sample in samples:
            together._reservoir.take_in(sample._reservoir)
            together._maxima.take_in(sample._maxima)
            together.seen += sample.seen
            if sample.span_ms is not None:
                together._extend_span(np.array(sample.span_ms))
        return together


def _are_columns(rows: FloatArray) -> bool:
    """Whether values are numbers or missing, hours are hours and weekdays weekdays: kernels look up by them."""
    if not len(rows):
        return True
    hours, weekdays = rows[:, Column.HOUR], rows[:, Column.WEEKDAY]
    is_moment = ((hours >= 0) & (hours < 24)).all() and ((weekdays >= 0) & (weekdays < 7)).all()
    return bool(is_moment and not np.isinf(rows).any())


def _widths(maxima: FloatArray) -> tuple[int, int]:
    """Columns of saved rows: with composites, or, as they were before these were kept, without."""
    return _HALF_PLACE + 1 + maxima.shape[1], _HALF_PLACE


def _with_composites(rows: FloatArray, maxima: FloatArray) -> FloatArray:
    """The same rows, composites NaN where there are none."""
    missing = max(0, _widths(maxima)[0] - rows.shape[1]) if len(rows) else 0
    return np.pad(rows, ((0, 0), (0, missing)), constant_values=np.nan)


def _are_kept(rows: FloatArray) -> bool:
    """Whether rows are columns, with halves and composites or without."""
    halves, composites = rows[:, _HALF_PLACE : _HALF_PLACE + 1], rows[:, _HALF_PLACE + 1 :]
    is_without = np.isnan(halves) & np.isnan(composites).all(axis=1, keepdims=True)
    is_half = ((halves == 0.0) | (halves == 1.0)) & (np.isfinite(composites) & (composites >= 0)).all(
        axis=1, keepdims=True
    )
    return _are_columns(rows[:, :_HALF_PLACE]) and bool((is_without | is_half).all())


def _are_composites(maxima: FloatArray) -> bool:
    return bool((np.isfinite(maxima) & (maxima >= 0)).all())


def _drawn(ids: IntArray) -> LotArray:
    """A lot for each id: its hash mixed again, independent of other choices by hash."""
    return mix(ids.view(np.uint64) ^ _LOT)


def _decayed(lots: LotArray, times: IntArray, half_life_ms: int) -> LotArray:
    """Lots that are the smaller the newer: −ln(1 − u) / w as its logarithm, w doubling with each half-life.

    As a fixed-point number: fields of 2^-40 around 2^20, which a half-life of an hour does not leave in a century.
    """
    uniform = (lots >> _U12).astype(np.float64) * 2.0**-52 + 2.0**-53
    exponential = np.log(-np.log1p(-uniform))
    lot = exponential - times * (math.log(2) / half_life_ms)
    drawn: LotArray = np.floor((lot + _ORIGIN) * _GRAIN).astype(np.int64).view(np.uint64)
    return drawn


def _drawn_days(accounts: IntArray, days: IntArray) -> LotArray:
    """A lot for each account-day."""
    return mix(accounts.view(np.uint64) ^ mix(days.view(np.uint64) ^ _LOT_OF_DAY))


def train(settings: Settings, sample: TrainingSample) -> Model:
    """Fit a model. Raises TrainingError when there is too little to fit on."""
    columns = sample.rows()
    if sample.span_ms is None:
        raise TrainingError(
            "expected transactions to train on, found none that could be scored: "
            "give a longer stream or another span of dates"
        )
    composites, halves = sample.composites()
    oldest, newest = sample.span_ms
    days = max(newest - oldest, DAY_MS) / DAY_MS
    catalogue = Catalogue(settings, Decoder(settings).fields)
    population = catalogue.population(columns)
    lanes = catalogue.lanes if settings.alerts.typology_share else ()
    return detection.fit(
        catalogue.values(columns, population),
        catalogue.judged,
        settings.detection,
        population=population,
        transactions_per_day=sample.seen / days / sample.share,
        span_ms=sample.span_ms,
        lanes=lanes,
        maxima=catalogue.composites(sample.maxima(), lanes),
        composites=catalogue.composites(composites, lanes),
        halves=halves,
    )


def train_artefact(settings: Settings, sample: TrainingSample) -> Artefact:
    """Fit a model and pack it: what a child process does, arguments and result being plain data."""
    return detection.pack(train(settings, sample))
