"""Principal components as an outlier score (Shyu et al. 2003), fitted by PyOD.

PyOD's score is the sum over the components of the distance between the standardised row and the component
(as points), divided by the share of variance the component explains.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.detection.arrays import LARGEST_NUMBER, ArrayReader, Arrays, frozen, reject_unless
from fraudwatch.detection.detectors.protocol import checked_columns, profile_reason
from fraudwatch.detection.lookup import BLOCK
from fraudwatch.detection.surprise import CAP
from fraudwatch.records import FeatureSpec, FloatArray, Text

LEAST_VARIANCE = 1e-6
"""Components with less of the largest one's variance are rounding errors of columns that repeat each other;
dividing by their share would make them the whole score."""


@dataclass(frozen=True)
class PrincipalComponents:
    """`means` and `scales` float64[c]; `components` float64[k, c]; `shares` float64[k] of explained variance.

    k is 0 where the training rows were all alike: every row then scores 0.
    """

    means: FloatArray
    scales: FloatArray
    components: FloatArray
    shares: FloatArray

    spec: ClassVar[FeatureSpec] = profile_reason(
        "pca",
        "PCA",
        Text(
            en="The signals do not go together the way they usually do here.",
            fr="Les signaux ne vont pas ensemble comme à l’habitude.",
        ),
    )

    @classmethod
    def fit(cls, surprises: FloatArray, seed: int) -> Self:
        """All components that carry variance, weighted and standardised, PyOD's defaults."""
        from pyod.models.pca import PCA  # noqa: PLC0415 (1.5 s and 190 MB: only where fitting happens)
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415

        # One thread: sums split over several differ in their last bits from machine to machine.
        with threadpool_limits(limits=1):
            kept = _components_with_variance(surprises)
            if kept == 0:
                return cls._of_constant(surprises)
            analysis = PCA(n_components=kept, svd_solver="full", random_state=seed)
            analysis.fit(surprises)
            return cls._export(analysis)

    @classmethod
    def _export(cls, analysis: Any) -> Self:
        return cls(
            means=frozen(analysis.scaler_.mean_, np.float64),
            scales=frozen(analysis.scaler_.scale_, np.float64),
            components=frozen(analysis.selected_components_, np.float64),
            shares=frozen(analysis.selected_w_components_, np.float64),
        )

    @classmethod
    def _of_constant(cls, surprises: FloatArray) -> Self:
        width = surprises.shape[1]
        return cls(
            means=frozen(surprises[0], np.float64),
            scales=frozen(np.ones(width), np.float64),
            components=frozen(np.empty((0, width)), np.float64),
            shares=frozen(np.empty(0), np.float64),
        )

    def score(self, surprises: FloatArray) -> FloatArray:
        """PyOD's decision_function."""
        return self.score_columns(checked_columns(surprises, self.means.shape[0]))

    def score_columns(self, columns: FloatArray) -> FloatArray:
        """The same, unchecked, for float64[c, n]."""
        out = np.empty(columns.shape[1])
        _distances(columns, self.means, self.scales, self.components, self.shares, out)
        return out

    def arrays(self) -> Arrays:
        """All there is to it, by name."""
        return {
            "means": self.means,
            "scales": self.scales,
            "components": self.components,
            "shares": self.shares,
        }

    @classmethod
    def load(cls, reader: ArrayReader, width: int) -> Self:
        """From `arrays()`; raises ArtefactError where they do not fit rows of `width`."""
        components = reader.take("components", np.float64, (None, width))
        scales = reader.take("scales", np.float64, (width,))
        shares = reader.take("shares", np.float64, (components.shape[0],))
        reject_unless(bool((scales > 0).all()), "scales", "positive numbers")
        reject_unless(bool((shares > 0).all()), "shares", "positive numbers")
        means = reader.take("means", np.float64, (width,))
        # No row is further away than this: surprises are from 0 to CAP.
        with np.errstate(over="ignore"):
            gaps = (np.abs(means) + CAP) / scales + np.abs(components)
            furthest = float((np.sqrt((gaps * gaps).sum(axis=1)) / shares).sum())
        reject_unless(furthest <= LARGEST_NUMBER, "components", "distances that can be computed")
        return cls(means=means, scales=scales, components=components, shares=shares)


def _components_with_variance(rows: FloatArray) -> int:
    centred = rows - rows.mean(axis=0)
    deviations = centred.std(axis=0)
    varying = centred[:, deviations > 1e-9] / deviations[deviations > 1e-9]
    if varying.shape[1] == 0:
        return 0
    variances = np.linalg.eigvalsh(varying.T @ varying)
    return int((variances > LEAST_VARIANCE * variances[-1]).sum())


@compiled
def _distances(
    columns: FloatArray,
    means: FloatArray,
    scales: FloatArray,
    components: FloatArray,
    shares: FloatArray,
    out: FloatArray,
) -> None:
    standard = np.empty((columns.shape[0], BLOCK))
    squares = np.empty(BLOCK)
    for begin in range(0, columns.shape[1], BLOCK):
        totals = out[begin : begin + BLOCK]
        totals[:] = 0.0
        rows = totals.shape[0]
        for column in range(columns.shape[0]):
            for row in range(rows):
                standard[column, row] = (columns[column, begin + row] - means[column]) / scales[column]
        for k in range(components.shape[0]):
            squares[:] = 0.0
            for column in range(columns.shape[0]):
                for row in range(rows):
                    gap = standard[column, row] - components[k, column]
                    squares[row] += gap * gap
            for row in range(rows):
                totals[row] += np.sqrt(squares[row]) / shares[k]
