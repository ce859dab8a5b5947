"""What a context reason is worth: learned, without labels, from how often it goes with extreme anchors.

A hit is a transaction whose anchor surprise is above its training .98 quantile; p₀ is the share of hits. A
reason is cut into bands, and lift(band) = log₁₀(((hits + s·p₀·10^d) / (n + s)) / p₀): d is a structural
default, what a domain expert would say before any case was seen, worth s transactions of evidence, and 0 for
all but a few reasons. A reason that does not go together with extreme amounts gets lift 0 by itself; a
training window without cases leaves the defaults standing (figures: FACTS §4), until what comes after it has taught
more: the counts go on (`fraudwatch.detection.lift_tables`).
"""

from dataclasses import dataclass

import numpy as np

from fraudwatch.detection.arrays import ArrayReader, Arrays, frozen, reject_unless
from fraudwatch.detection.surprise import CAP, GRAIN, commonest_categories
from fraudwatch.records import FloatArray, IntArray

BAND_QUANTILES = (0.5, 0.8, 0.95, 0.98, 0.995, 0.999)
HIT_QUANTILE = 0.98
"""Any quantile from .95 to .99 served both labelled streams (FACTS §4)."""

LEAST_BASE = 1e-6
"""Of p₀: logarithms stay finite where no anchor was extreme for ever so long."""

MOST_AT_ONCE = 0.25
"""How far a lift may move when it is fed, once: a day that is like no other (a broken feed, an attack on the tables
themselves) cannot turn the order of alerts round before somebody sees it."""

MOST_COUNTED = 1e12

STRENGTH = 50.0
DEFAULT_STRENGTH = 200.0

DEFAULT_LIFTS: dict[str, tuple[tuple[float, float], ...]] = {
    "spend_24h_excess": ((0.95, 0.15), (0.98, 0.3), (0.995, 0.5)),
    "pressure_2d": ((0.95, 0.15), (0.98, 0.3), (0.995, 0.5), (0.999, 1.0)),
    "count_24h_excess": ((0.95, 0.05), (0.98, 0.1)),
}
"""Feature name: from which quantile on, which lift is expected before anything was learned.

Days on end far above an account's habit say much more than one busy day (docs/measurements.md, "A clean training
window").
"""


@dataclass(frozen=True)
class Bands:
    """One reason cut into bands: a value's band is how many `cuts` (ascending) lie below its surprise.

    For a RARE reason the `cuts` are its categories, one band each, and one more for those never seen.
    `lifts` has one entry more than `cuts`; so have the structural `defaults`, where anything is expected.
    """

    cuts: FloatArray
    lifts: FloatArray
    defaults: FloatArray | None = None


@dataclass(frozen=True)
class Learned:
    """What the lifts of all reasons follow from, b bands in all, laid end to end as the lifts are.

    A transaction is a hit where its largest anchor surprise is above `threshold`. `counts` float64[2, b + 1] are the
    transactions of each band and the hits among them, and last those of all; `defaults` float64[b] what is expected
    beforehand, `weights` float64[b] the part of a lift that counts, `fitted` float64[b] the lifts of the fit.
    """

    threshold: float
    counts: FloatArray
    defaults: FloatArray
    weights: FloatArray
    fitted: FloatArray

    def lifts(self) -> FloatArray:
        """float64[b], multiples of 2^-30."""
        transactions, hits = self.counts
        base = max(hits[-1] / max(transactions[-1], 1.0), LEAST_BASE)
        return _on_grain(_lifts(transactions[:-1], hits[:-1], base, self.defaults) * self.weights)

    def fed(self, before: FloatArray) -> FloatArray:
        """The same, none of them farther than `MOST_AT_ONCE` from what it was before."""
        return _on_grain(np.clip(self.lifts(), before - MOST_AT_ONCE, before + MOST_AT_ONCE))

    def arrays(self) -> Arrays:
        """All there is to it, by name."""
        return {
            "threshold": frozen([self.threshold], np.float64),
            "counts": self.counts,
            "defaults": self.defaults,
            "weights": self.weights,
            "fitted": self.fitted,
        }

    @classmethod
    def load(cls, reader: ArrayReader, bands: int) -> "Learned":
        """From `arrays()`; raises ArtefactError where they do not fit so many bands."""
        threshold = reader.take("threshold", np.float64, (1,))
        counts = reader.take("counts", np.float64, (2, bands + 1))
        defaults = reader.take("defaults", np.float64, (bands,))
        weights = reader.take("weights", np.float64, (bands,))
        fitted = reader.take("fitted", np.float64, (bands,))
        reject_unless(0.0 <= abs(threshold[0]) <= CAP, "threshold", f"a surprise up to {CAP:g}")
        reject_unless(are_counts(counts), "counts", "transactions and at most as many hits")
        for name, lifts in (("defaults", defaults), ("fitted", fitted)):
            reject_unless(bool((np.abs(lifts) <= CAP).all()), name, f"logarithms from -{CAP:g} to {CAP:g}")
        reject_unless(bool(((weights >= 0.0) & (weights <= 1.0)).all()), "weights", "numbers from 0 to 1")
        return cls(float(threshold[0]), counts, defaults, weights, fitted)


def are_counts(counts: FloatArray) -> bool:
    """Whether float64[2, b + 1] can be transactions and hits."""
    return bool(((counts >= 0.0) & (counts <= MOST_COUNTED)).all() and (counts[1] <= counts[0]).all())


def hit_threshold(anchor: FloatArray) -> float:
    """The anchor surprise above which a transaction of this sample is a hit; at least one is."""
    threshold = _quantile(anchor, HIT_QUANTILE)
    # Where more than 2 % share the largest surprise nothing lies above the quantile.
    return threshold if (anchor > threshold).any() else float(np.nextafter(threshold, -np.inf))


def hits_of(anchor: FloatArray) -> FloatArray:
    """1.0 where a transaction's anchor surprise is extreme, else 0.0; never all 0.0."""
    return np.asarray(anchor > hit_threshold(anchor), dtype=np.float64)


def fit_bands(name: str, surprises: FloatArray, hits: FloatArray, base: float) -> Bands:
    """Bands of a HIGH or LOW reason from its training surprises (where it is not missing).

    `hits` are those of the same transactions, `base` is p₀ over all.
    """
    if surprises.size == 0:
        return Bands(np.empty(0), np.zeros(1))
    quantiles = [(_quantile(surprises, q), q) for q in BAND_QUANTILES]
    # A cut at the largest surprise would leave a band no training value is in: values past the largest one
    # belong to the last band that was seen. Of equal cuts the last one counts.
    cut_at = {cut: q for cut, q in quantiles if cut < surprises.max()}
    cuts = np.array(sorted(cut_at))
    bands = np.searchsorted(cuts, surprises, side="left")
    defaults = _defaults(name, [0.0, *(cut_at[cut] for cut in cuts)])
    return Bands(cuts, _lifts(*_counted(bands, hits, defaults.size), base, defaults), defaults)


def fit_categories(values: FloatArray, hits: FloatArray, base: float) -> Bands:
    """Bands of a RARE reason from its training values (where it is not missing): one for each of the
    commonest categories, one for all others."""
    if values.size == 0:
        return Bands(np.empty(0), np.zeros(1))
    categories, _ = commonest_categories(values)
    places = np.searchsorted(categories, values)
    inside = np.minimum(places, categories.size - 1)
    bands = np.where(categories[inside] == values, inside, categories.size).astype(np.int64)
    nothing = np.zeros(categories.size + 1)
    return Bands(categories, _lifts(*_counted(bands, hits, nothing.size), base, nothing))


def _counted(bands: IntArray, hits: FloatArray, size: int) -> tuple[FloatArray, FloatArray]:
    transactions = np.bincount(bands, minlength=size).astype(np.float64)
    return transactions, np.bincount(bands, weights=hits, minlength=size).astype(np.float64)


def _lifts(transactions: FloatArray, hits: FloatArray, base: float, defaults: FloatArray) -> FloatArray:
    strength = np.where(defaults != 0.0, DEFAULT_STRENGTH, STRENGTH)
    rates = (hits + strength * base * 10.0**defaults) / (transactions + strength)
    return _on_grain(np.log10(rates / base))


def _on_grain(lifts: FloatArray) -> FloatArray:
    return np.asarray(np.round(lifts * GRAIN) / GRAIN + 0.0)


def _defaults(name: str, lower_quantiles: list[float]) -> FloatArray:
    """The structural default of each band, known by the quantile it begins at."""
    expected = DEFAULT_LIFTS.get(name, ())
    return np.array([max((lift for q, lift in expected if q <= low), default=0.0) for low in lower_quantiles])


def _quantile(values: FloatArray, q: float) -> float:
    """The smallest value with at least a share q of them at or below it: a value that occurs."""
    return float(np.quantile(values, q, method="inverted_cdf"))
