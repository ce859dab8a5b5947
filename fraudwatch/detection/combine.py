"""How the reasons of a transaction become one score.

`concordance` (FACTS §4): the larger anchor surprise plus the lifts of the context reasons, which can be fed. `max` and
`top_two`: the largest surprise, or the sum of the two largest, of anchors, contexts and detectors. Descriptive
features never count. Surprises and lifts are multiples of 2^-30, so contributions sum to the score exactly.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, Self

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.detection.arrays import (
    ArrayReader,
    Arrays,
    PlaceArray,
    by_column,
    frozen,
    reject_unless,
)
from fraudwatch.detection.judging import (
    ANCHOR,
    CONTEXT,
    RARE_CONTEXT,
    SILENT,
    count_bands,
    judge_concordance,
    judge_largest,
)
from fraudwatch.detection.lifts import Bands, Learned, fit_bands, fit_categories, hit_threshold
from fraudwatch.detection.surprise import CAP
from fraudwatch.records import ByteArray, FeatureSpec, FloatArray, IntArray, Role, Side

Specs = tuple[FeatureSpec, ...]

DETECTORS_WEIGHT = 0.5
"""What the lifts of all detectors together count for, each an equal part. They look at the contexts, whose
own lifts already count: whole lifts more say the same thing again and again, and drown the anchor (`fraudwatch
backtest` with and without `--no-detectors` says what this is worth on a stream)."""


class Combiner(Protocol):
    """Reasons to score. `values` float64[n, r] tell missing (NaN) and category, `surprises` float64[n, r]."""

    name: ClassVar[str]

    @classmethod
    def fit(cls, specs: Specs, values: FloatArray, surprises: FloatArray, detectors: int) -> Self:
        """Learn from the training sample's reasons, of which the last `detectors` are detectors."""

    def combine(self, values: FloatArray, surprises: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(contributions float64[n, r], score float64[n]); contributions of a row sum to its score."""

    def judge(
        self, reasons: IntArray, values: FloatArray, surprises: FloatArray
    ) -> tuple[FloatArray, PlaceArray]:
        """(score float64[n], strongest int16[n]) from float64[k, n] of the k `reasons` that can count, ascending.

        The score is that of `combine`; strongest is the reason with the largest contribution (of equal ones the
        first), -1 where none is above 0.
        """

    @property
    def learned(self) -> Learned | None:
        """What its lifts follow from; None where there are none, or they cannot be fed."""

    def count(self, reasons: IntArray, values: FloatArray, surprises: FloatArray, counts: IntArray) -> None:
        """Adds transactions and hits to counts int64[2, b + 1] as `learned` has them; arguments as of `judge`."""

    def fed(self, counts: FloatArray) -> Self:
        """The same with the lifts that follow from other counts. Only where there is something `learned`."""

    @property
    def as_fitted(self) -> Self:
        """The same with the lifts of its fit."""

    def arrays(self) -> Arrays:
        """All there is to it, by name."""

    @classmethod
    def load(cls, reader: ArrayReader, specs: Specs) -> Self:
        """From `arrays()` for these reasons; raises ArtefactError where they do not fit."""


@dataclass(frozen=True)
class Concordance:
    """Anchor plus lifts. `parts` uint8[r] is what each reason is; `start` int64[r+1] where its cuts begin.

    Its lifts begin at `start[i] + i`, one more than its cuts. Only contexts have any. One that was written before
    lifts were fed knows nothing of what they were `learned` from.
    """

    parts: ByteArray
    start: IntArray
    cuts: FloatArray
    lifts: FloatArray
    learned: Learned | None = None

    name: ClassVar[str] = "concordance"

    @classmethod
    def fit(cls, specs: Specs, values: FloatArray, surprises: FloatArray, detectors: int) -> Self:
        """Learn the lifts of all context reasons from the sample's own extreme anchors."""
        is_anchor = [spec.role is Role.ANCHOR for spec in specs]
        anchor = surprises[:, is_anchor].max(axis=1)
        threshold = hit_threshold(anchor)
        hits = np.asarray(anchor > threshold, np.float64)
        bands = [_bands_of(spec, values[:, i], surprises[:, i], hits) for i, spec in enumerate(specs)]
        combiner = cls.of_bands(specs, bands)
        first_detector = combiner.start[-1 - detectors] + len(specs) - detectors
        weights = np.ones(combiner.lifts.size)
        weights[first_detector:] = DETECTORS_WEIGHT / max(detectors, 1)
        counting = np.flatnonzero(combiner.parts != SILENT)
        counts = np.zeros((2, combiner.lifts.size + 1), np.int64)
        nothing = Learned(
            threshold,
            counts=frozen(counts, np.float64),
            defaults=frozen(np.concatenate([_expected(band) for band in bands]), np.float64),
            weights=frozen(weights, np.float64),
            fitted=combiner.lifts,
        )
        combiner = replace(combiner, learned=nothing)
        combiner.count(counting, by_column(values, counting), by_column(surprises, counting), counts)
        learned = replace(nothing, counts=frozen(counts, np.float64))
        lifts = frozen(learned.lifts(), np.float64)
        return replace(combiner, lifts=lifts, learned=replace(learned, fitted=lifts))

    @classmethod
    def of_bands(cls, specs: Specs, bands: list[Bands]) -> Self:
        """From one `Bands` a reason."""
        lengths = [band.cuts.size for band in bands]
        return cls(
            parts=frozen([_part_of(spec) for spec in specs], np.uint8),
            start=frozen(np.concatenate([[0], np.cumsum(lengths)]), np.int64),
            cuts=frozen(np.concatenate([band.cuts for band in bands]), np.float64),
            lifts=frozen(np.concatenate([band.lifts for band in bands]), np.float64),
        )

    def combine(self, values: FloatArray, surprises: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The anchor's surprise goes to the anchor with the larger one, each lift to its reason."""
        contributions = np.zeros(surprises.shape)
        score = np.empty(surprises.shape[0])
        _concord(values, surprises, self.parts, self.start, self.cuts, self.lifts, contributions, score)
        return contributions, score

    def judge(
        self, reasons: IntArray, values: FloatArray, surprises: FloatArray
    ) -> tuple[FloatArray, PlaceArray]:
        """The larger anchor plus the lifts, without saying which."""
        score, strongest = np.empty(values.shape[1]), np.empty(values.shape[1], np.int16)
        tables = (self.parts, self.start, self.cuts, self.lifts)
        judge_concordance(reasons, values, surprises, *tables, score, strongest)
        return score, strongest

    def count(self, reasons: IntArray, values: FloatArray, surprises: FloatArray, counts: IntArray) -> None:
        """A missing reason is in no band, and a transaction that misses one still in all others."""
        assert self.learned is not None
        count_bands(
            reasons, values, surprises, self.parts, self.start, self.cuts, self.learned.threshold, counts
        )

    def fed(self, counts: FloatArray) -> Self:
        """Each lift only so far from what it was as `lifts.MOST_AT_ONCE` lets it."""
        assert self.learned is not None
        learned = replace(self.learned, counts=frozen(counts, np.float64))
        return replace(self, lifts=frozen(learned.fed(self.lifts), np.float64), learned=learned)

    @property
    def as_fitted(self) -> Self:
        """Itself where nothing was fed."""
        return self if self.learned is None else replace(self, lifts=self.learned.fitted)

    def arrays(self) -> Arrays:
        """All there is to it, by name."""
        tables: Arrays = {"parts": self.parts, "start": self.start, "cuts": self.cuts, "lifts": self.lifts}
        return tables if self.learned is None else tables | self.learned.arrays()

    @classmethod
    def load(cls, reader: ArrayReader, specs: Specs) -> Self:
        """From `arrays()`; raises ArtefactError where they do not fit these reasons."""
        count = len(specs)
        parts = reader.take("parts", np.uint8, (count,))
        start = reader.take("start", np.int64, (count + 1,))
        cuts = reader.take("cuts", np.float64, (None,))
        reject_unless(parts.tolist() == [_part_of(spec) for spec in specs], "parts", "the reasons' roles")
        is_whole = start[0] == 0 and start[-1] == cuts.shape[0] and bool((np.diff(start) >= 0).all())
        reject_unless(is_whole, "start", "ascending positions of the cuts")
        lifts = reader.take("lifts", np.float64, (cuts.shape[0] + count,))
        reject_unless(bool((np.abs(lifts) <= CAP).all()), "lifts", f"logarithms from -{CAP:g} to {CAP:g}")
        learned = Learned.load(reader, lifts.shape[0]) if reader.holds("counts") else None
        return cls(parts=parts, start=start, cuts=cuts, lifts=lifts, learned=learned)


@dataclass(frozen=True)
class LargestSurprise:
    """The largest surprise alone, which also is the contribution of its reason. `parts` uint8[r]."""

    parts: ByteArray

    name: ClassVar[str] = "max"
    taken: ClassVar[int] = 1

    @classmethod
    def fit(cls, specs: Specs, values: FloatArray, surprises: FloatArray, detectors: int) -> Self:
        """Nothing to learn but which reasons count."""
        return cls(parts=frozen([_part_of(spec) for spec in specs], np.uint8))

    def combine(self, values: FloatArray, surprises: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of equal surprises the first reason's counts."""
        contributions = np.zeros(surprises.shape)
        score = np.empty(surprises.shape[0])
        _take_largest(surprises, self.parts, self.taken, contributions, score)
        return contributions, score

    def judge(
        self, reasons: IntArray, values: FloatArray, surprises: FloatArray
    ) -> tuple[FloatArray, PlaceArray]:
        """The largest surprises, without a look at the values."""
        score, strongest = np.empty(values.shape[1]), np.empty(values.shape[1], np.int16)
        judge_largest(reasons, surprises, self.taken, score, strongest)
        return score, strongest

    @property
    def learned(self) -> None:
        """It has no lifts."""

    def count(self, reasons: IntArray, values: FloatArray, surprises: FloatArray, counts: IntArray) -> None:
        """Nothing is counted."""

    def fed(self, counts: FloatArray) -> Self:
        """The same."""
        return self

    @property
    def as_fitted(self) -> Self:
        """The same."""
        return self

    def arrays(self) -> Arrays:
        """All there is to it, by name."""
        return {"parts": self.parts}

    @classmethod
    def load(cls, reader: ArrayReader, specs: Specs) -> Self:
        """From `arrays()`; raises ArtefactError where they do not fit these reasons."""
        parts = reader.take("parts", np.uint8, (len(specs),))
        reject_unless(parts.tolist() == [_part_of(spec) for spec in specs], "parts", "the reasons' roles")
        return cls(parts=parts)


@dataclass(frozen=True)
class TwoLargestSurprises(LargestSurprise):
    """The sum of the two largest surprises, each the contribution of its reason."""

    name: ClassVar[str] = "top_two"
    taken: ClassVar[int] = 2


COMBINERS: dict[str, type[Combiner]] = {
    combiner.name: combiner for combiner in (Concordance, LargestSurprise, TwoLargestSurprises)
}


def _part_of(spec: FeatureSpec) -> int:
    if spec.role is Role.ANCHOR:
        return ANCHOR
    if spec.role is Role.DESCRIPTIVE:
        return SILENT
    return RARE_CONTEXT if spec.side is Side.RARE else CONTEXT


def _expected(bands: Bands) -> FloatArray:
    """The structural default of each band."""
    return np.zeros(bands.lifts.size) if bands.defaults is None else bands.defaults


def _bands_of(spec: FeatureSpec, values: FloatArray, surprises: FloatArray, hits: FloatArray) -> Bands:
    if spec.role is not Role.CONTEXT:
        return Bands(np.empty(0), np.zeros(1))
    is_there = ~np.isnan(values)
    base = float(hits.mean())
    if spec.side is Side.RARE:
        return fit_categories(values[is_there], hits[is_there], base)
    return fit_bands(spec.name, surprises[is_there], hits[is_there], base)


@compiled
def _band(cuts: FloatArray, first: int, end: int, sought: float, is_category: bool) -> int:
    """How many cuts lie below what is sought, counted from 0; `end` for a category that is not among them."""
    low = first
    high = end
    while low < high:
        middle = (low + high) // 2
        if cuts[middle] < sought:
            low = middle + 1
        else:
            high = middle
    return end if is_category and not (low < end and cuts[low] == sought) else low


@compiled
def _concord(
    values: FloatArray,
    surprises: FloatArray,
    parts: ByteArray,
    start: IntArray,
    cuts: FloatArray,
    lifts: FloatArray,
    contributions: FloatArray,
    score: FloatArray,
) -> None:
    for row in range(surprises.shape[0]):
        anchor = -1
        total = 0.0
        for reason in range(surprises.shape[1]):
            part = parts[reason]
            value = values[row, reason]
            if part == ANCHOR:
                if anchor < 0 or surprises[row, reason] > surprises[row, anchor]:
                    anchor = reason
            elif part != SILENT and not np.isnan(value):
                sought = value if part == RARE_CONTEXT else surprises[row, reason]
                band = _band(cuts, start[reason], start[reason + 1], sought, part == RARE_CONTEXT)
                lift = lifts[band + reason]
                contributions[row, reason] = lift
                total += lift
        if anchor >= 0:
            contributions[row, anchor] = surprises[row, anchor]
            total += surprises[row, anchor]
        score[row] = total


@compiled
def _take_largest(
    surprises: FloatArray, parts: ByteArray, taken: int, contributions: FloatArray, score: FloatArray
) -> None:
    for row in range(surprises.shape[0]):
        first = -1
        second = -1
        for reason in range(surprises.shape[1]):
            if parts[reason] == SILENT:
                continue
            if first < 0 or surprises[row, reason] > surprises[row, first]:
                second = first
                first = reason
            elif second < 0 or surprises[row, reason] > surprises[row, second]:
                second = reason
        score[row] = 0.0
        if first >= 0:
            contributions[row, first] = surprises[row, first]
            score[row] += surprises[row, first]
        if taken == 2 and second >= 0:
            contributions[row, second] = surprises[row, second]
            score[row] += surprises[row, second]
