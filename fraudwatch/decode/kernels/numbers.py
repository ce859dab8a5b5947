"""Numbers as they are written, to the same minor units, degrees and counts that the exact decoder makes of them.

Up to 2^53 and 22 places, digits divided by a power of ten are the double nearest to what is written (Clinger 1990,
the quick case), which is the number the exact decoder has; what it does next is done here on the same double. A
longer number is within 4e-16 of its double, and is left in doubt where that could make a difference.
"""

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.decode.kernels.scan import DOT, MINUS, ZERO, is_digit
from fraudwatch.records import ByteArray

DOUBT = -(2**62)
"""No amount, coordinate or time is that."""

_OF_18_DIGITS = 10**17
MOST_PLACES = 22
EXACT_INTEGER = 2**53
_POWERS = np.array([float(f"1e{places}") for places in range(MOST_PLACES + 1)])

_SURE, _SURER = 0.45, 0.44
"""How far from a whole minor unit `money.amount_reader` still rounds a double, and a double not exactly known."""

# Milliseconds: a double is written with the fewest digits that name it, which are the digits found as long as its
# neighbours lie nearer than one in the last place: up to 2^52.
_SHORTEST = 2**52


@compiled
def digits_of(text: ByteArray, begin: int, end: int) -> tuple[int, int]:
    """All the digits as one number, and how many of them stand behind the point; −1 for anything but digits.

    `12.50` is (1250, 2). A point needs digits on both sides; at most 18 digits without leading zeros.
    """
    number, point = 0, -1
    for place in range(begin, end):
        byte = int(text[place])
        if is_digit(byte):
            if number >= _OF_18_DIGITS:
                return 0, -1
            number = number * 10 + byte - ZERO
        elif byte == DOT and point < 0 and begin < place < end - 1:
            point = place
        else:
            return 0, -1
    if begin == end:
        return 0, -1
    return number, end - point - 1 if point >= 0 else 0


@compiled
def amount_at(text: ByteArray, begin: int, end: int, factor: float, largest: float) -> int:
    """Minor units of an amount of `factor` of them each, at most `largest` in its own unit, or DOUBT."""
    number, places = digits_of(text, begin, end)
    if places < 0 or places > MOST_PLACES:
        return DOUBT
    amount = number / _POWERS[places]
    is_exact = number <= EXACT_INTEGER
    if amount > largest or (not is_exact and amount > largest * (1.0 - 1e-12)):
        return DOUBT
    scaled = amount * factor
    minor = np.rint(scaled)
    if abs(scaled - minor) >= (_SURE if is_exact else _SURER):
        return DOUBT
    return int(minor)


@compiled
def millionths_at(text: ByteArray, begin: int, end: int, largest: float) -> int:
    """Millionths of a degree from −`largest` to `largest` degrees, or DOUBT."""
    is_negative = text[begin] == MINUS
    number, places = digits_of(text, begin + is_negative, end)
    if places < 0 or places > MOST_PLACES:
        return DOUBT
    degrees = number / _POWERS[places]
    scaled = degrees * 1e6
    if degrees > largest:
        return DOUBT
    if number > EXACT_INTEGER and (degrees > largest - 1e-6 or abs(scaled - np.floor(scaled) - 0.5) < 1e-3):
        return DOUBT
    millionths = int(np.rint(scaled))
    return -millionths if is_negative else millionths


@compiled
def count_at(text: ByteArray, begin: int, end: int, times: int, parts: int) -> int:
    """Whole milliseconds, cut down, of a count of units of `times`/`parts` milliseconds since 1970, or DOUBT."""
    number, places = digits_of(text, begin, end)
    if places < 0 or number > _SHORTEST or places > 15:
        return DOUBT
    for _ in range(places):
        parts *= 10
    return number * times // parts
