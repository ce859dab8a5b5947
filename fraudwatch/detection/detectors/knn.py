"""Distance to the fifth nearest training row (Ramaswamy et al. 2000), fitted by PyOD.

The training rows are kept in neighbourhoods of 64. A neighbourhood whose box is further away than the fifth best so
far is not looked at; of the others all distances are computed at once, column by column. Both round as PyOD's tree
does, so that the result is that of looking at all rows.

It costs a multiple of the other detectors, and most where a row is far from all others, so few rows are kept.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.detection.arrays import ArrayReader, Arrays, frozen, reject_unless
from fraudwatch.detection.detectors.protocol import checked_columns, drawn, profile_reason
from fraudwatch.records import FeatureSpec, FloatArray, IntArray, Text

NEIGHBOURS = 5
MOST_ROWS = 2_000
TOGETHER = 64

LARGEST = 1e100
"""Squares of larger numbers are near the end of what can be computed."""


@dataclass(frozen=True)
class NearestNeighbours:
    """`columns` float64[c, m], the training rows column by column; each 64 in a row are a neighbourhood."""

    columns: FloatArray

    spec: ClassVar[FeatureSpec] = profile_reason(
        "knn",
        "KNN",
        Text(
            en="Hardly anything similar has been seen here.",
            fr="Presque rien de semblable n’a été vu ici.",
        ),
    )

    @classmethod
    def fit(cls, surprises: FloatArray, seed: int) -> Self:
        """On at most 2,000 rows, drawn by the seed; five neighbours, PyOD's default."""
        from pyod.models.knn import KNN  # noqa: PLC0415 (1.5 s and 190 MB: only where fitting happens)

        # A tree measures distances as the kernel does; what "auto" takes for many columns rounds them to 1e-8.
        neighbours = KNN(n_neighbors=NEIGHBOURS, algorithm="ball_tree", n_jobs=1)
        return cls._export(neighbours.fit(drawn(surprises, MOST_ROWS, seed)))

    @classmethod
    def _export(cls, neighbours: Any) -> Self:
        rows = np.asarray(neighbours.neigh_._fit_X)
        return cls(columns=frozen(rows[_in_neighbourhoods(rows, np.arange(len(rows)))].T, np.float64))

    def score(self, surprises: FloatArray) -> FloatArray:
        """PyOD's decision_function: the distance to the fifth nearest training row."""
        return self.score_columns(checked_columns(surprises, self.columns.shape[0]))

    def score_columns(self, columns: FloatArray) -> FloatArray:
        """The same, unchecked, for float64[c, n]."""
        out = np.empty(columns.shape[1])
        _fifth_distances(columns, self.columns, *self._boxes, out)
        return out

    @cached_property
    def _boxes(self) -> tuple[FloatArray, FloatArray]:
        """The least and the largest value of each column in each neighbourhood, float64[c, neighbourhoods]."""
        begins = np.arange(0, self.columns.shape[1], TOGETHER)
        return np.minimum.reduceat(self.columns, begins, axis=1), np.maximum.reduceat(
            self.columns, begins, axis=1
        )

    def arrays(self) -> Arrays:
        """All there is to it, by name."""
        return {"columns": self.columns}

    @classmethod
    def load(cls, reader: ArrayReader, width: int) -> Self:
        """From `arrays()`; raises ArtefactError where they do not fit rows of `width`."""
        columns = reader.take("columns", np.float64, (width, None))
        is_sample = NEIGHBOURS <= columns.shape[1] <= MOST_ROWS
        reject_unless(is_sample, "columns", f"{NEIGHBOURS} to {MOST_ROWS} rows")
        reject_unless(bool((np.abs(columns) <= LARGEST).all()), "columns", "distances that can be computed")
        return cls(columns=columns)


def _in_neighbourhoods(rows: FloatArray, places: IntArray) -> IntArray:
    """These places of float64[m, c] rows, halved at the median of the column that varies most until 64 are left."""
    if places.size <= TOGETHER:
        return places
    axis = int(np.argmax(np.ptp(rows[places], axis=0)))
    ascending = places[np.argsort(rows[places, axis], kind="stable")]
    half = -(-places.size // (2 * TOGETHER)) * TOGETHER
    return np.concatenate([_in_neighbourhoods(rows, part) for part in (ascending[:half], ascending[half:])])


@compiled
def _fifth_distances(
    columns: FloatArray, trained: FloatArray, lowest: FloatArray, highest: FloatArray, out: FloatArray
) -> None:
    width = columns.shape[0]
    bounds = np.empty(lowest.shape[1])
    squares = np.empty(TOGETHER)
    nearest = np.empty(NEIGHBOURS)
    asked = np.empty(width)
    for row in range(columns.shape[1]):
        for column in range(width):
            asked[column] = columns[column, row]
        _bound(asked, lowest, highest, bounds)
        nearest[:] = np.inf
        home = int(np.argmin(bounds))
        _look_through(asked, trained, home, squares, nearest)
        for place in range(bounds.shape[0]):
            if place != home and bounds[place] < nearest[NEIGHBOURS - 1]:
                _look_through(asked, trained, place, squares, nearest)
        out[row] = np.sqrt(nearest[NEIGHBOURS - 1])


@compiled
def _bound(asked: FloatArray, lowest: FloatArray, highest: FloatArray, bounds: FloatArray) -> None:
    """The squared distances to the boxes. Rounding is monotone: none exceeds a distance to a row inside."""
    bounds[:] = 0.0
    for column in range(asked.shape[0]):
        for place in range(bounds.shape[0]):
            gap = max(lowest[column, place] - asked[column], asked[column] - highest[column, place])
            bounds[place] += gap * gap if gap > 0.0 else 0.0


@compiled
def _look_through(
    asked: FloatArray, trained: FloatArray, place: int, squares: FloatArray, nearest: FloatArray
) -> None:
    """Put the squared distances to one neighbourhood's rows among the `nearest` ones, ascending, where they belong."""
    begin = place * TOGETHER
    rows = min(TOGETHER, trained.shape[1] - begin)
    squares[:] = 0.0
    for column in range(asked.shape[0]):
        for row in range(rows):
            gap = asked[column] - trained[column, begin + row]
            squares[row] += gap * gap
    for row in range(rows):
        if squares[row] < nearest[NEIGHBOURS - 1]:
            at = NEIGHBOURS - 1
            while at > 0 and nearest[at - 1] > squares[row]:
                nearest[at] = nearest[at - 1]
                at -= 1
            nearest[at] = squares[row]
