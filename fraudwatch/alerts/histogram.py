"""A histogram of scores whose weights decay with observed time: float64[BINS], the lowest scores first."""

import math

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.records import FloatArray

LOWEST, HIGHEST = -5.0, 60.0
"""Scores are clamped to this range. A score counts decimal orders of improbability: 60 is beyond any stream."""
BINS_PER_UNIT = 100
BINS = int((HIGHEST - LOWEST) * BINS_PER_UNIT)

HALF_LIFE_MS = 7 * 86_400_000
"""A whole week, so that every day of the week weighs about the same."""
MEAN_LIFE_DAYS = 7.0 / math.log(2.0)
"""What all days there ever were weigh together."""
HALF = 0.5
"""Given to kernels as an argument: of a constant base LLVM makes exp2, whose last bit is not always that of pow."""

_MANY, _FEW = 0.3, 0.03
"""Parts of all entries between which a histogram shows how its scores ordinarily fall off."""


@compiled
def bin_of(score: float) -> int:
    """The bin that a score counts in."""
    return min(int((min(max(score, LOWEST), HIGHEST) - LOWEST) * BINS_PER_UNIT), BINS - 1)


@compiled
def kept(half: float, passed_ms: int) -> float:
    """What is left of a weight after so much observed time; `half` is HALF."""
    return float(half ** (passed_ms / HALF_LIFE_MS))


@compiled
def decay(histogram: FloatArray, left: float) -> None:
    """Multiply all weights; what taking back has left below zero, −1e-16 of rounding, is nothing."""
    for place in range(BINS):
        weight = histogram[place] * left
        histogram[place] = weight if weight > 0.0 else 0.0


@compiled
def exceeded_by(histogram: FloatArray, days: float, daily: float) -> float:
    """The smallest score that at most so many entries a day exceed, interpolated within its bin."""
    total = lower = 0.0
    for place in range(BINS - 1, -1, -1):
        if histogram[place] == 0.0:  # most bins at the top
            continue
        total += histogram[place]
        upper = total / days
        if upper > daily:
            bins_above = BINS - 1 - place
            return float(HIGHEST - (bins_above + (daily - lower) / (upper - lower)) / BINS_PER_UNIT)
        lower = upper
    return LOWEST


def exceeding(histogram: FloatArray, days: float) -> FloatArray:
    """How many entries a day score higher: float64[BINS + 1], from the top of the range down in steps of a bin."""
    above = np.zeros(BINS + 1)
    np.cumsum(histogram[::-1], out=above[1:])
    above /= days
    return above


def exceeded_at(exceeding: FloatArray, score: float) -> float:
    """How many of such entries a day score higher than `score`, interpolated within its bin."""
    above = min(max((HIGHEST - score) * BINS_PER_UNIT, 0.0), BINS - 1e-9)
    whole = int(above)
    lower, upper = exceeding[whole], exceeding[whole + 1]
    return float(lower + (above - whole) * (upper - lower))


@compiled
def exceeding_at(histogram: FloatArray, days: float, score: float) -> float:
    """How many entries a day score higher than `score`: `exceeded_at`, where it is asked once."""
    bins = min(max((HIGHEST - score) * BINS_PER_UNIT, 0.0), BINS - 1e-9)
    whole = int(bins)
    total = 0.0
    for place in range(BINS - 1, BINS - 1 - whole, -1):
        total += histogram[place]
    lower = total / days
    upper = (total + histogram[BINS - 1 - whole]) / days
    return float(lower + (bins - whole) * (upper - lower))


def ordinarily_exceeding(histogram: FloatArray, days: float, score: float) -> float:
    """How many entries a day would score higher if nothing were out of the ordinary.

    Scores of a stream without anomalies fall off exponentially: each is a sum of −log10 of tail probabilities. So
    the fall from the highest 30 % to the highest 3 %, which no anomalies fill, is drawn out to `score`.
    """
    daily = float(histogram.sum()) / days
    many, few = (float(exceeded_by(histogram, days, part * daily)) for part in (_MANY, _FEW))
    if score <= few or few <= many:
        return daily if score <= few else 0.0
    decades = (score - few) / (few - many) * math.log10(_MANY / _FEW)
    return float(_FEW * daily * 10.0**-decades)
