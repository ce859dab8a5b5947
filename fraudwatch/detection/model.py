"""The frozen model: everything that turns feature values into a score, and nothing that changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from fraudwatch.detection.arrays import Arrays, PlaceArray, by_column, by_row, prefixed, writable_rows
from fraudwatch.detection.combine import Combiner
from fraudwatch.detection.content import Content, Feeding, describe, version_of
from fraudwatch.detection.detectors import UNCOMPILED, Detector
from fraudwatch.detection.surprise import TailTables
from fraudwatch.detection.usual import Usual
from fraudwatch.records import FeatureSpec, FloatArray, IntArray, LaneSpec, Role, Scores, Side

PAST_CONSTANT = 0.05
"""Surprise a unit of a composite that the sample never saw above 0: composites reach some hundred, surprises 20."""
LANE_WEIGHTS = "lane_weights"
"""Name of an array that a model with equal shares has not, as none had that was made before they were earned."""


class Judged(NamedTuple):
    """What a model was asked of n transactions, and what it looked at for that.

    `score` is float64[n]; `strongest` int16[n] is the place in `reason_specs` of the reason with the largest
    contribution (of equal ones the first), -1 where none is above 0. `values` and `surprises` are float64[k, n], of the
    k reasons that can count.
    """

    score: FloatArray
    strongest: PlaceArray
    values: FloatArray
    surprises: FloatArray


@dataclass(frozen=True, eq=False)
class Model:
    """Scores rows of feature values; safe to share between threads and to score with at any time.

    `specs` are the features in the order of the columns, `tables` their surprises; `detectors` look at the
    surprises of `detector_inputs(specs)` and `detector_tables` turn their raw scores into surprises. Of the
    scores of its training sample, `rows` in number, `kept_scores` float64[k] are kept, descending, and
    `kept_positions` int64[k] say which they are (0 the highest); `reference` is all of them again. `usual` is how
    values and scores were spread over the sample. `lane_tables` are the episode tails of the `lanes`: of the largest
    composites of the training sample's account-days; `lane_weights` float64[l] is by which they share the typology
    queue's budget (`earned`), None where equally. `feeding` says how it was come by where that
    was no fit: its lifts are then of later, all else (the kept scores, too) is the fit's.
    """

    specs: tuple[FeatureSpec, ...]
    tables: TailTables
    detectors: tuple[Detector, ...]
    detector_tables: TailTables
    combiner: Combiner
    usual: Usual
    kept_scores: FloatArray
    kept_positions: IntArray
    rows: int
    population: dict[str, float]
    transactions_per_day: float
    span_ms: tuple[int, int]
    seed: int
    lanes: tuple[LaneSpec, ...] = ()
    lane_tables: TailTables = field(default_factory=lambda: episode_tails(np.empty((0, 0))))
    lane_weights: FloatArray | None = None
    feeding: Feeding | None = None

    @cached_property
    def version(self) -> str:
        """12 hexadecimal digits that follow from the content: the arrays, the schema, the population."""
        return version_of(self.content, self.arrays())

    @property
    def fit(self) -> str:
        """The version that was fitted: its own, or that of the fit whose lifts were fed."""
        return self.version if self.feeding is None else self.feeding.fit

    @property
    def fed_until_ms(self) -> int:
        """The event time up to which its lifts are learned."""
        return self.span_ms[1] if self.feeding is None else self.feeding.until_ms

    def fed(self, counts: FloatArray, until_ms: int) -> "Model":
        """The same with the lifts that follow from `counts` float64[2, b + 1] (`lifts.Learned`)."""
        feeding = Feeding(fit=self.fit, parent=self.version, until_ms=until_ms)
        return replace(self, combiner=self.combiner.fed(counts), feeding=feeding)

    @cached_property
    def as_fitted(self) -> "Model":
        """The same with the lifts of its fit: what its training sample is compared with."""
        return self if self.feeding is None else replace(self, combiner=self.combiner.as_fitted, feeding=None)

    @cached_property
    def reference(self) -> FloatArray:
        """Scores of the training sample, float64[rows], descending, each standing for one row of it.

        The highest 2,000 are exact; of larger samples the others are interpolated between those kept.
        """
        reference = np.interp(np.arange(self.rows), self.kept_positions, self.kept_scores)
        reference.setflags(write=False)
        return reference

    @cached_property
    def reason_specs(self) -> tuple[FeatureSpec, ...]:
        """One spec a column of `Scores`: the features, then the detectors."""
        return self.specs + tuple(detector.spec for detector in self.detectors)

    @cached_property
    def uncompiled(self) -> tuple[str, ...]:
        """Names of the detectors that PyOD itself scores."""
        return tuple(detector.spec.name for detector in self.detectors if detector.spec.name in UNCOMPILED)

    @cached_property
    def content(self) -> Content:
        """What the model says of itself in its manifest."""
        return describe(
            self.specs,
            reasons=self.reason_specs,
            combiner=self.combiner.name,
            seed=self.seed,
            span_ms=self.span_ms,
            rows=self.rows,
            transactions_per_day=self.transactions_per_day,
            population=self.population,
            lanes=self.lanes,
            feeding=self.feeding,
        )

    def score(self, values: FloatArray) -> Scores:
        """What the model says of float64[n, f] feature values (NaN: missing).

        The numbers of a row depend on that row and the model only: bit for bit the same alone, in any batch
        and in any order. Raises ValueError for another number of columns than `specs`.
        """
        found, surprises = self._reasons(writable_rows(values, len(self.specs)), np.arange(len(self.specs)))
        contributions, score = self.combiner.combine(by_row(found), by_row(surprises))
        return Scores(surprises=by_row(surprises), contributions=contributions, score=score)

    def judge(self, values: FloatArray) -> Judged:
        """What every transaction is asked; the scores are the bits of `score`. Descriptive features do not count."""
        found, surprises = self._reasons(writable_rows(values, len(self.specs)), self._counting)
        score, strongest = self.combiner.judge(self._counting_reasons, found, surprises)
        return Judged(score, strongest, found, surprises)

    def scores_of(self, judged: Judged, place: int) -> Scores:
        """What `score` says of the row at a place in a batch, without asking tables and detectors again.

        Descriptive features, which were not looked at, have surprise 0.
        """
        values = np.full((1, len(self.reason_specs)), np.nan)
        surprises = np.zeros(values.shape)
        values[0, self._counting_reasons] = judged.values[:, place]
        surprises[0, self._counting_reasons] = judged.surprises[:, place]
        contributions, score = self.combiner.combine(values, surprises)
        return Scores(surprises=surprises, contributions=contributions, score=score)

    def count(self, values: FloatArray, counts: IntArray) -> None:
        """Adds these transactions to counts int64[2, b + 1], those that its lifts follow from (`combiner.learned`)."""
        found, surprises = self._reasons(writable_rows(values, len(self.specs)), self._counting)
        self.combiner.count(self._counting_reasons, found, surprises, counts)

    def judge_lanes(self, composites: FloatArray) -> FloatArray:
        """Lane surprises float64[l, n] of float64[n, l] composites of the `lanes`, 0 where one has nothing to say.

        −log10 of the share of account-days whose largest composite is as large. As with scores, each number depends on
        its own row only.
        """
        every = np.arange(len(self.lanes))
        return self.lane_tables.by_column(by_column(writable_rows(composites, len(self.lanes)), every), every)

    def _reasons(self, rows: FloatArray, features: IntArray) -> tuple[FloatArray, FloatArray]:
        """float64[k + d, n] values and surprises of these features (no counting one lacks), then of detectors."""
        values = by_column(rows, features)
        surprises = self.tables.by_column(values, features)
        if not self.detectors:
            return values, surprises
        raw = raw_scores(self.detectors, surprises[np.searchsorted(features, self._inputs)])
        told = self.detector_tables.by_column(raw, np.arange(len(self.detectors)))
        return np.concatenate([values, raw]), np.concatenate([surprises, told])

    @cached_property
    def _counting(self) -> IntArray:
        """Columns of the features that can contribute."""
        counting = [i for i, spec in enumerate(self.specs) if spec.role is not Role.DESCRIPTIVE]
        return np.array(counting, np.int64)

    @cached_property
    def _counting_reasons(self) -> IntArray:
        return np.concatenate([self._counting, len(self.specs) + np.arange(len(self.detectors))])

    @cached_property
    def _inputs(self) -> IntArray:
        return detector_inputs(self.specs)

    def arrays(self) -> Arrays:
        """All arrays, by name, as they are written."""
        named = prefixed("features", self.tables.arrays())
        named |= prefixed("detectors", self.detector_tables.arrays())
        for detector in self.detectors:
            named |= prefixed(f"detector.{detector.spec.name}", detector.arrays())
        named |= prefixed(f"combiner.{self.combiner.name}", self.combiner.arrays())
        named |= prefixed("usual", self.usual.arrays())
        if self.lanes:
            named |= prefixed("lanes", self.lane_tables.arrays())
        if self.lane_weights is not None:
            named[LANE_WEIGHTS] = self.lane_weights
        return named | {"kept_scores": self.kept_scores, "kept_positions": self.kept_positions}


def episode_tails(maxima: FloatArray) -> TailTables:
    """Of float64[k, l], the largest composites of k account-days.

    A sample of a few weeks has no long silence and maybe no case of some typology. What comes then is still to be told
    apart: were it all one surprise, no edge could hold a lane to its share.
    """
    return TailTables.fit(maxima, [Side.HIGH] * maxima.shape[1], past_constant=PAST_CONSTANT)


def detector_inputs(specs: Sequence[FeatureSpec]) -> IntArray:
    """Columns the detectors look at: the contexts; with fewer than two of them, all that can count."""
    contexts = [i for i, spec in enumerate(specs) if spec.role is Role.CONTEXT]
    counting = [i for i, spec in enumerate(specs) if spec.role is not Role.DESCRIPTIVE]
    return np.array(contexts if len(contexts) >= 2 else counting, dtype=np.int64)


def raw_scores(detectors: Sequence[Detector], columns: FloatArray) -> FloatArray:
    """float64[d, n]: what each detector makes of float64[c, n] surprises, finite."""
    raw = np.empty((len(detectors), columns.shape[1]))
    for i, detector in enumerate(detectors):
        raw[i] = detector.score_columns(columns)
    return raw


def warm_up(model: Model) -> None:
    """Compile, or load from disk, every kernel the model needs: 1 to 3 s each the first time on a machine."""
    nothing = np.zeros((1, len(model.specs)))
    model.judge(nothing)
    model.score(nothing)
    if model.combiner.learned is not None:
        model.count(nothing, np.zeros(model.combiner.learned.counts.shape, np.int64))
    model.judge_lanes(np.zeros((1, len(model.lanes))))
