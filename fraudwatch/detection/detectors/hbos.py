"""Histogram-based outlier score (Goldstein & Dengel 2012), fitted by PyOD.

PyOD's histograms have bins of equal width. Over raw amounts one outlier would collapse the rest into one bin;
over surprises, which grow with the logarithm of rarity, it cannot.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.detection.arrays import ArrayReader, Arrays, frozen, reject_unless
from fraudwatch.detection.detectors.protocol import checked_columns, profile_reason
from fraudwatch.detection.lookup import BLOCK, count_below
from fraudwatch.records import FeatureSpec, FloatArray, Text


@dataclass(frozen=True)
class HistogramScore:
    """`edges` float64[c, bins + 1] and `log_densities` float64[c, bins], log2(density + PyOD's alpha).

    `reaches` float64[c, 2] is how far below the first and past the last edge the end bins still count.
    """

    edges: FloatArray
    log_densities: FloatArray
    reaches: FloatArray

    spec: ClassVar[FeatureSpec] = profile_reason(
        "hbos",
        "HBOS",
        Text(
            en="Several signals at once are at levels seldom seen here.",
            fr="Plusieurs signaux à la fois sont à des niveaux rarement vus ici.",
        ),
    )

    @classmethod
    def fit(cls, surprises: FloatArray, seed: int) -> Self:
        """Ten bins a column, PyOD's default. Nothing is random, so the seed has no effect."""
        from pyod.models.hbos import HBOS  # noqa: PLC0415 (1.5 s and 190 MB: only where fitting happens)

        histograms = HBOS()
        histograms.fit(surprises)
        return cls._export(histograms)

    @classmethod
    def _export(cls, histograms: Any) -> Self:
        edges = histograms.bin_edges_.T
        widths = np.diff(edges, axis=1)
        return cls(
            edges=frozen(edges, np.float64),
            log_densities=frozen(np.log2(histograms.hist_.T + histograms.alpha), np.float64),
            reaches=frozen(widths[:, [0, -1]] * histograms.tol, np.float64),
        )

    def score(self, surprises: FloatArray) -> FloatArray:
        """PyOD's decision_function: minus the sum of the log densities of the bins a row falls in."""
        return self.score_columns(checked_columns(surprises, self.edges.shape[0]))

    def score_columns(self, columns: FloatArray) -> FloatArray:
        """The same, unchecked, for float64[c, n]."""
        out = np.empty(columns.shape[1])
        _look_up(columns, self.edges, self.log_densities, self.reaches, out)
        return out

    def arrays(self) -> Arrays:
        """All there is to it, by name."""
        return {"edges": self.edges, "log_densities": self.log_densities, "reaches": self.reaches}

    @classmethod
    def load(cls, reader: ArrayReader, width: int) -> Self:
        """From `arrays()`; raises ArtefactError where they do not fit rows of `width`."""
        log_densities = reader.take("log_densities", np.float64, (width, None))
        reject_unless(log_densities.shape[1] > 0, "log_densities", "a bin at least")
        edges = reader.take("edges", np.float64, (width, log_densities.shape[1] + 1))
        reject_unless(bool((np.diff(edges) >= 0).all()), "edges", "ascending edges of the bins")
        return cls(
            edges=edges,
            log_densities=log_densities,
            reaches=reader.take("reaches", np.float64, (width, 2)),
        )


@compiled
def _look_up(
    columns: FloatArray, edges: FloatArray, log_densities: FloatArray, reaches: FloatArray, out: FloatArray
) -> None:
    bins = log_densities.shape[1]
    places = np.empty(BLOCK, np.int64)
    for begin in range(0, columns.shape[1], BLOCK):
        totals = out[begin : begin + BLOCK]
        totals[:] = 0.0
        for column in range(columns.shape[0]):
            values = columns[column, begin : begin + BLOCK]
            own = edges[column]
            densities = log_densities[column]
            rarest = densities.min()
            # As np.digitize(right=True): a value on an edge belongs to the bin below it.
            count_below(own, 0, bins + 1, values, places)
            for row in range(values.shape[0]):
                place = places[row]
                is_far_below = place == 0 and own[0] - values[row] > reaches[column, 0]
                is_far_above = place == bins + 1 and values[row] - own[bins] > reaches[column, 1]
                density = densities[np.uint64(min(max(place - 1, 0), bins - 1))]
                totals[row] += rarest if is_far_below or is_far_above else density
        totals[:] = -totals
