"""How improbable it is that so many come, where so many are expected."""

import math

from fraudwatch.compiled import borrowing

LN_10 = math.log(10.0)


@borrowing
def improbability(count: int, expected: float) -> float:
    """−log10 of Chernoff's bound of the Poisson tail, k·ln(k/λ) − (k − λ); 0 where no more came than expected."""
    if count <= expected:
        return 0.0
    return (count * math.log(count / expected) - (count - expected)) / LN_10
