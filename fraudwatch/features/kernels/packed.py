"""A kept transaction in 40 bytes: what of it stands in which bits.

`stamp` is event time · 2^16 + local moment · 2^8 + bits; event times reach from the year −2489 to 6429. `asked` and
`winsor` are amounts of 40 bits below the upper and the lower half of the offset, 23 bits each: up to 7 · 10^13.
"""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element
from fraudwatch.features.kernels.event import UNPAID

AMOUNT_BITS, AMOUNT_MASK = 40, (1 << 40) - 1
HALF_BITS, HALF_MASK = 23, (1 << 23) - 1


@borrowing
def pack(kept: Element, time: int, moment: int, bits: int, amount: int, winsor: int, offset: int) -> None:
    """Write all of them."""
    kept.stamp = (time << 16) | (moment << 8) | bits
    kept.asked = ((offset >> HALF_BITS) << AMOUNT_BITS) | amount
    kept.winsor = ((offset & HALF_MASK) << AMOUNT_BITS) | winsor


@borrowing
def time_in(kept: Element) -> int:
    """Event time."""
    return kept.stamp >> 16


@borrowing
def moment_in(kept: Element) -> int:
    """Local weekday · 24 + hour."""
    return (kept.stamp >> 8) & 0xFF


@borrowing
def bits_in(kept: Element) -> int:
    """Of `arrays.Flag`."""
    return kept.stamp & 0xFF


@borrowing
def asked_in(kept: Element) -> int:
    """The amount asked for, whatever became of it."""
    return kept.asked & AMOUNT_MASK


@borrowing
def money_in(kept: Element) -> int:
    """The amount that moved, 0 where none did."""
    return 0 if kept.stamp & UNPAID else kept.asked & AMOUNT_MASK


@borrowing
def winsor_in(kept: Element) -> int:
    """What of it entered the own mean."""
    return kept.winsor & AMOUNT_MASK


@borrowing
def offset_in(kept: Element) -> int:
    """Where it stands in the log."""
    return ((kept.asked >> AMOUNT_BITS) << HALF_BITS) | (kept.winsor >> AMOUNT_BITS)
