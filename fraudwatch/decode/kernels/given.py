"""What the kernels are given beside a record, as the elements of arrays (`fraudwatch.compiled.elements`)."""

from typing import NamedTuple

from fraudwatch.records import ByteArray, IntArray, SmallIntArray

# fmt: off
(
    LEAVES, TARGETS, ENTRIES, ZONES, LONGEST_RECORD, LONGEST_TEXT,
    TIME_LEAF, TIME_FORM, TIME_TIMES, TIME_PARTS, EARLIEST, LATEST, AHEAD,
    AMOUNT_LEAF, AMOUNT, AMOUNT_FACTOR,
    LATITUDE_LEAF, LATITUDE, LONGITUDE_LEAF, LONGITUDE,
    DIRECTION_LEAF, DIRECTION_OWNER, DIRECTION, STATUS_LEAF, STATUS_OWNER, STATUS, CURRENCY_LEAF, CURRENCY_OWNER,
    RULES,
) = range(29)
# fmt: on
"""The places of `rules` int64[RULES]. A leaf of −1 is a field that no path leads to: what stands for it follows."""

ISO, ISO_OR_COUNT, COUNT = range(3)
"""How a time is written (TIME_FORM): as text, as text or a number, as a number (also in a text)."""

NOWHERE_ON_EARTH = 10**9
"""For the millionths of a degree of no coordinate."""

DEEPEST = 60
"""Levels of nesting that are read."""

UNMAPPED = 32
"""Names that lead nowhere and are remembered, to be known again."""

NAME, ENTRY, TEXT = 5, 5, 4
"""Numbers in a row of `names`, `table` and `texts`."""


class Given(NamedTuple):
    """A plan, and room to work in.

    `text` uint8 is the buffer with constants and records. `table` int32[ENTRIES, ENTRY] is that of
    `kernels.table`; `texts` int32[TEXTS, TEXT] says of each text its leaf, the owner of its translations (−1 without
    any) and the span of its constant; `zone` int64[ZONES, 2] is for `kernels.moments.in_zone`.

    Of one record, `kinds` uint8[TARGETS] says what was found for each leaf, a mapped value, and then for each object
    on the way to one; `found` int64[LEAVES, 2] where the leaves begin and end. `stack` int64[DEEPEST, 2] are the
    objects and lists that are open. `names` int64[1 + UNMAPPED + TARGETS, NAME] is kept from record to record: of every
    name where it was last seen, how many bytes it is with its colon, in which object, where it leads, and the row
    of the name behind it.
    """

    text: ByteArray
    rules: IntArray
    largest: float
    table: SmallIntArray
    texts: SmallIntArray
    zone: IntArray
    kinds: ByteArray
    found: IntArray
    stack: IntArray
    names: IntArray


class Filled(NamedTuple):
    """The columns that are filled, as the elements of `fraudwatch.decode.columns.Columns`, of so many rows."""

    longs: IntArray
    places: SmallIntArray
    traits: ByteArray
    spans: SmallIntArray
    hashes: IntArray
    rows: int
