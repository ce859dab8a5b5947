"""Empirical cumulative distributions as an outlier score (ECOD: Li et al. 2022), fitted by PyOD, frozen.

PyOD's own `decision_function` sorts the rows it is asked about in among the training rows, so that a burst of strange
rows makes itself ordinary (FACTS §2). What is scored here is what PyOD says of a row that is asked about alone:

    score = Σ over the columns of max(−ln((1 + #{training ≤ x}) / (n + 1)), −ln((1 + #{training ≥ x}) / (n + 1)))

PyOD also has a term that follows the sign of a column's skewness, row included: it adds either of the two tails to
those the maximum is taken over, which changes nothing, or their sum where the skewness is 0 to the last bit. That case,
a perfectly symmetric column, is left out.
"""

import warnings
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.detection.arrays import ArrayReader, Arrays, frozen, reject_unless
from fraudwatch.detection.detectors.protocol import checked_columns, drawn, profile_reason
from fraudwatch.detection.lookup import BLOCK, count_at_most
from fraudwatch.records import FeatureSpec, FloatArray, IntArray, Text

MOST_ROWS = 10_000
"""Of a larger sample so many rows are drawn: the tails then reach to 1 in 10,000, and six columns weigh 1.5 MB."""

MOST_PART = 100.0
"""−ln of a probability under 1e-43: no sample of ours supports one."""


@dataclass(frozen=True)
class EmpiricalTails:
    """The distinct training values of c columns, laid end to end, and what a value is worth at and between them.

    `start` int64[c+1] says where each column's `knots` float64[k], ascending, begin. `at` float64[k] is the part of a
    value that equals a knot, `between` float64[k+c] of one before the first knot, after it, and so on: one more a
    column than it has knots.
    """

    start: IntArray
    knots: FloatArray
    at: FloatArray
    between: FloatArray

    spec: ClassVar[FeatureSpec] = profile_reason(
        "ecod",
        "ECOD",
        Text(
            en="Several signals at once are at the ends of what is usual here.",
            fr="Plusieurs signaux à la fois sont aux extrêmes de ce qui est habituel ici.",
        ),
    )

    @classmethod
    def fit(cls, surprises: FloatArray, seed: int) -> Self:
        """On at most 10,000 rows, drawn by the seed."""
        from pyod.models.ecod import ECOD  # noqa: PLC0415 (1.5 s and 190 MB: only where fitting happens)

        with warnings.catch_warnings():
            # Of the skewness of a constant column, which plays no part here.
            warnings.filterwarnings("ignore", "Precision loss occurred", RuntimeWarning)
            return cls._export(ECOD().fit(drawn(surprises, MOST_ROWS, seed)))

    @classmethod
    def _export(cls, distributions: Any) -> Self:
        rows = distributions.X_train
        parts = [_tails(rows[:, i]) for i in range(rows.shape[1])]
        return cls(
            start=frozen(np.cumsum([0, *(knots.size for knots, _, _ in parts)]), np.int64),
            knots=frozen(np.concatenate([knots for knots, _, _ in parts]), np.float64),
            at=frozen(np.concatenate([at for _, at, _ in parts]), np.float64),
            between=frozen(np.concatenate([between for _, _, between in parts]), np.float64),
        )

    def score(self, surprises: FloatArray) -> FloatArray:
        """PyOD's decision_function of each row alone."""
        return self.score_columns(checked_columns(surprises, self.start.shape[0] - 1))

    def score_columns(self, columns: FloatArray) -> FloatArray:
        """The same, unchecked, for float64[c, n]."""
        out = np.empty(columns.shape[1])
        _add_up(columns, self.start, self.knots, self.at, self.between, out)
        return out

    def arrays(self) -> Arrays:
        """All there is to it, by name."""
        return {"start": self.start, "knots": self.knots, "at": self.at, "between": self.between}

    @classmethod
    def load(cls, reader: ArrayReader, width: int) -> Self:
        """From `arrays()`; raises ArtefactError where they do not fit rows of `width`."""
        start = reader.take("start", np.int64, (width + 1,))
        knots = reader.take("knots", np.float64, (None,))
        is_whole = start[0] == 0 and start[-1] == knots.size and bool((np.diff(start) > 0).all())
        reject_unless(is_whole, "start", "ascending positions of the knots")
        for i in range(width):
            own = knots[start[i] : start[i + 1]]
            reject_unless(bool((np.diff(own) > 0).all()), "knots", "ascending values in each column")
        at = reader.take("at", np.float64, knots.shape)
        between = reader.take("between", np.float64, (knots.size + width,))
        for name, parts in (("at", at), ("between", between)):
            is_possible = bool(((parts >= 0.0) & (parts <= MOST_PART)).all())
            reject_unless(is_possible, name, f"logarithms from 0 to {MOST_PART:g}")
        return cls(start=start, knots=knots, at=at, between=between)


def _tails(column: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """One column's (knots, at, between)."""
    knots, counts = np.unique(column, return_counts=True)
    at_most = np.concatenate([[0], np.cumsum(counts)])
    at = _part(at_most[1:], column.size - at_most[:-1], column.size)
    return knots, at, _part(at_most, column.size - at_most, column.size)


def _part(at_most: IntArray, at_least: IntArray, rows: int) -> FloatArray:
    """The rarer tail's −ln probability, the row itself counted in."""
    return np.asarray(-np.log((1.0 + np.minimum(at_most, at_least)) / (rows + 1.0)) + 0.0)


@compiled
def _add_up(
    columns: FloatArray,
    start: IntArray,
    knots: FloatArray,
    at: FloatArray,
    between: FloatArray,
    out: FloatArray,
) -> None:
    counts = np.empty(BLOCK, np.int64)
    for begin in range(0, columns.shape[1], BLOCK):
        totals = out[begin : begin + BLOCK]
        totals[:] = 0.0
        for column in range(columns.shape[0]):
            first = start[column]
            values = columns[column, begin : begin + BLOCK]
            count_at_most(knots, first, start[column + 1], values, counts)
            for row in range(values.shape[0]):
                below = np.uint64(first + max(counts[row] - 1, 0))
                is_at = knots[below] == values[row]
                totals[row] += at[below] if is_at else between[np.uint64(first + column + counts[row])]
