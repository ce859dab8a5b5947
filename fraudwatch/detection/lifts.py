"""What a context reason is worth: learned, without labels, from how often it goes with extreme anchors.

A hit is a transaction whose anchor surprise is above its training .98 quantile; p₀ is the share of hits. A
reason is cut into bands, and lift(band) = log₁₀(((hits + s·p₀·10^d) / (n + s)) / p₀): d is a structural
default, what a domain expert would say before any case was seen, worth s transactions of evidence, and 0 for
all but a few reasons. A reason that does not go together with extreme amounts gets lift 0 by itself; a
training window without cases leaves the defaults standing (figures: FACTS §4).
"""

from dataclasses import dataclass

import numpy as np

from fraudwatch.detection.surprise import GRAIN, commonest_categories
from fraudwatch.records import FloatArray, IntArray

BAND_QUANTILES = (0.5, 0.8, 0.95, 0.98, 0.995, 0.999)
HIT_QUANTILE = 0.98
"""Any quantile from .95 to .99 served both labelled streams (FACTS §4)."""

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
    `lifts` has one entry more than `cuts`.
    """

    cuts: FloatArray
    lifts: FloatArray


def hits_of(anchor: FloatArray) -> FloatArray:
    """1.0 where a transaction's anchor surprise is extreme, else 0.0; never all 0.0."""
    threshold = _quantile(anchor, HIT_QUANTILE)
    above = anchor > threshold
    # Where more than 2 % share the largest surprise nothing lies above the quantile.
    return np.asarray(above if above.any() else anchor >= threshold, dtype=np.float64)


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
    return Bands(cuts, _lifts(bands, hits, base, _defaults(name, [0.0, *(cut_at[cut] for cut in cuts)])))


def fit_categories(values: FloatArray, hits: FloatArray, base: float) -> Bands:
    """Bands of a RARE reason from its training values (where it is not missing): one for each of the
    commonest categories, one for all others."""
    if values.size == 0:
        return Bands(np.empty(0), np.zeros(1))
    categories, _ = commonest_categories(values)
    places = np.searchsorted(categories, values)
    inside = np.minimum(places, categories.size - 1)
    bands = np.where(categories[inside] == values, inside, categories.size).astype(np.int64)
    return Bands(categories, _lifts(bands, hits, base, np.zeros(categories.size + 1)))


def weighted(bands: Bands, weight: float) -> Bands:
    """The same bands with a part of their lifts."""
    return Bands(bands.cuts, _on_grain(bands.lifts * weight))


def _lifts(bands: IntArray, hits: FloatArray, base: float, defaults: FloatArray) -> FloatArray:
    counts = np.bincount(bands, minlength=defaults.size)
    hit_counts = np.bincount(bands, weights=hits, minlength=defaults.size)
    strength = np.where(defaults != 0.0, DEFAULT_STRENGTH, STRENGTH)
    rates = (hit_counts + strength * base * 10.0**defaults) / (counts + strength)
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
