"""Arithmetic of amounts: exact sums of squares, deviations, and what an amount means to an own mean.

Sums of money are exact in int64. A sum of squares is exact too, as `high · 2^40 + low`, so a standard deviation
has no cancellation error however long the stream runs.
"""

import math

import numpy as np

from fraudwatch.compiled import borrowing

PRESSURE_HALF_LIFE_MS = 2 * 86_400_000.0
LEAST_LEFT = 2.0**-16
"""What must be left of a pressure for an earlier one to be told from it (32 days): further back the rounding of
what came since would be multiplied, after 90 days into a pressure of its own, after 6 years by a division by 0."""
MIN_OWN_HISTORY = 5
"""Earlier amounts before an own mean says anything about the next one."""
WINSOR_FACTOR = 5
"""Amounts enter the own mean at most as so many times that mean: one past theft must not hide the next."""
WINSOR_ROOM = 1_000
"""Minor units on top, so that an account of zero amounts can grow out of its zeros."""

LOW_BITS = (1 << 40) - 1


@borrowing
def winsorised(money: int, count: int, total: int) -> int:
    """The amount as it enters the own mean, given the winsorised count and sum before it."""
    if count < MIN_OWN_HISTORY:
        return money
    return min(money, WINSOR_FACTOR * total // count + WINSOR_ROOM)


@borrowing
def pressure_weight(money: int, count: int, total: int) -> float:
    """How far above the own mean an amount was: max(0, ln of the ratio), 0 while there is no own mean.

    Rounded to what is kept of it, 32 bits, so that exactly what was added is taken away again.
    """
    if count < MIN_OWN_HISTORY:
        return 0.0
    return float(np.float32(max(0.0, math.log((money + 100.0) / (total / count + 100.0)))))


@borrowing
def halved(milliseconds: float) -> float:
    """What is left of a pressure after so long.

    Of `2.0 ** x` LLVM makes exp2, whose last bit is not always that of plain Python's pow. As a NumPy number: times a
    plain one, without numba, a weight of 32 bits would stay one.
    """
    return np.float64(math.exp2(-milliseconds / PRESSURE_HALF_LIFE_MS))


@borrowing
def square_parts(money: int) -> tuple[int, int]:
    """money² as (high, low) with money² = high · 2^40 + low, for 0 ≤ money < 2^40."""
    upper, lower = money >> 20, money & 0xFFFFF
    cross = upper * lower
    return upper * upper + (cross >> 19), ((cross & 0x7FFFF) << 21) + lower * lower


@borrowing
def deviation(count: int, total: int, high: int, low: int) -> float:
    """Population standard deviation from exact sums.

    Σ(x − m)² for the integer m = ⌊mean⌋ is computed modulo 2^64, which is exact whenever it fits; where it
    does not, the spread is so large that floating point loses nothing.
    """
    rough = high * 1099511627776.0 + low - float(total) * total / count
    if rough >= 2.0**61:
        return math.sqrt(rough / count)
    floor = total // count
    rest = total - floor * count
    squares = (high << 40) + low - 2 * floor * total + count * floor * floor
    return math.sqrt(max(0.0, (squares - rest * rest / count) / count))
