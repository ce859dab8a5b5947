"""How improbable it is that so many come, given the account's own pace of them before."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.kernels.clock import DAY_MS

LN_10 = math.log(10.0)
LEAST = 3
"""Fewer say nothing."""
PRIOR = 1.0
"""How many an account's own pace is shrunk towards, in so many days as the lane says."""


@borrowing
def beyond_pace(inside: int, before: int, before_ms: int, prior_days: float, window_ms: int) -> float:
    """Of so many inside a window, where `before` came in the time before it; 0 for fewer than `LEAST`."""
    if inside < LEAST:
        return 0.0
    days = max(0, before_ms) / DAY_MS
    return _improbability(inside, (before + PRIOR) / (days + prior_days) * (window_ms / DAY_MS))


@borrowing
def _improbability(count: int, expected: float) -> float:
    """−log10 of Chernoff's bound of the Poisson tail, k·ln(k/λ) − (k − λ); 0 where no more came than expected."""
    if count <= expected:
        return 0.0
    return (count * math.log(count / expected) - (count - expected)) / LN_10
