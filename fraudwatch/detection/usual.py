"""The usual: how the values of each feature, and the scores, were spread over the training sample.

What is seen later is counted in the same bands and compared by the population stability index,
PSI = Σ (a − e) ln(a / e) over the bands, a and e being the shares seen and expected (Lewis 1994, "An Introduction to
Credit Scoring"; by custom below 0.1 nothing has changed, above 0.25 much has). Chance alone gives about bands /
transactions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fraudwatch.detection.arrays import ArrayReader, Arrays, frozen, reject_unless
from fraudwatch.records import FeatureSpec, FloatArray, IntArray, Role

TENTHS = np.arange(1, 10) / 10
CUTS = len(TENTHS)
MISSING = 2 * CUTS + 1
BANDS = MISSING + 1
"""Between two cuts, or on one: a value that holds much of the mass has its own. The last is of the missing."""

FLOOR = 1e-4
"""Of a share: one transaction in a band that was empty is no change."""

SCORE = "score"


@dataclass(frozen=True)
class Usual:
    """Of c columns, the features in their order and then the score.

    `cuts` float64[c, CUTS] are the tenths of the values that are not missing, ascending, each a value that occurred;
    `shares` float64[c, BANDS] is the part of the sample in each band.
    """

    cuts: FloatArray
    shares: FloatArray

    @classmethod
    def fit(cls, columns: FloatArray) -> "Usual":
        """Learn from float64[n, c], finite or NaN."""
        cuts = np.zeros((columns.shape[1], CUTS))
        for place, column in enumerate(columns.T):
            seen = column[~np.isnan(column)]
            if seen.size:
                cuts[place] = np.quantile(seen, TENTHS, method="inverted_cdf")
        shares = counted(cuts, columns) / len(columns)
        return cls(cuts=frozen(cuts, np.float64), shares=frozen(shares, np.float64))

    def counts(self, columns: FloatArray) -> IntArray:
        """int64[c, BANDS]: how many of float64[n, c] lie in each band. Counts of parts add up to those of the whole."""
        return counted(self.cuts, columns)

    def psi(self, counts: IntArray) -> FloatArray:
        """float64[c] for counts int64[c, BANDS] of at least one transaction."""
        seen = np.maximum(counts / counts.sum(axis=1, keepdims=True), FLOOR)
        expected = np.maximum(self.shares, FLOOR)
        index: FloatArray = ((seen - expected) * np.log(seen / expected)).sum(axis=1)
        return index

    @property
    def of_score(self) -> "Usual":
        """The column of the scores alone."""
        return Usual(self.cuts[-1:], self.shares[-1:])

    def arrays(self) -> Arrays:
        """What `load` needs, by name."""
        return {"cuts": self.cuts, "shares": self.shares}

    @classmethod
    def load(cls, reader: ArrayReader, features: int) -> "Usual":
        """From `arrays()`; raises ArtefactError for what does not fit so many features."""
        cuts = reader.take("cuts", np.float64, (features + 1, CUTS))
        shares = reader.take("shares", np.float64, (features + 1, BANDS))
        reject_unless(bool((np.diff(cuts, axis=1) >= 0).all()), "usual.cuts", "ascending values")
        are_shares = bool(((shares >= 0) & (shares <= 1)).all())
        reject_unless(are_shares, "usual.shares", "numbers from 0 to 1")
        return cls(cuts=cuts, shares=shares)


def counted(cuts: FloatArray, columns: FloatArray) -> IntArray:
    """int64[c, BANDS] for float64[n, c]."""
    bands = np.zeros(columns.shape, np.int8)
    for cut in cuts.T:  # a quarter of the time of one comparison with all of them
        bands += columns > cut
        bands += columns >= cut
    bands[np.isnan(columns)] = MISSING
    width = columns.shape[1]
    flat = (bands + np.arange(width) * BANDS).ravel()
    return np.bincount(flat, minlength=width * BANDS).reshape(width, BANDS).astype(np.int64)


def by_theme(specs: Sequence[FeatureSpec], psi: FloatArray) -> dict[str, float]:
    """`score`, and for each theme the PSI of its feature that changed most; descriptive features do not count."""
    found = {SCORE: float(psi[-1])}
    for spec, of_feature in zip(specs, psi.tolist(), strict=False):
        if spec.role is not Role.DESCRIPTIVE:
            found[spec.theme.value] = max(found.get(spec.theme.value, 0.0), of_feature)
    return found
