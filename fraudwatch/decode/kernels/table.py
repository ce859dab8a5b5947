"""A table from byte strings to numbers: the names of a mapping, the words of a field, its translations.

Open addressing with linear probing. An entry is (owner, begin, end, value, second value), int32; the bytes lie in the
same buffer as the records. Owners are 0 and up: an object of the mapping, or a field; −1 is an empty entry.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.records import ByteArray, SmallIntArray

NOWHERE = -1


class Entry(NamedTuple):
    """What one byte string of one owner stands for."""

    value: int
    second: int = 0


@compiled
def _slot(text: ByteArray, begin: int, end: int, owner: int, size: int) -> int:
    """Where to begin to look; `size` is a power of two."""
    hashed = owner * 89 + (end - begin) * 31
    if end > begin:
        hashed += int(text[begin]) * 131 + int(text[end - 1]) * 17 + int(text[(begin + end) >> 1]) * 53
    return (hashed ^ (hashed >> 7)) & (size - 1)


@compiled
def look_up(text: ByteArray, begin: int, end: int, owner: int, table: SmallIntArray) -> int:
    """The entry of these bytes, NOWHERE if there is none."""
    size = len(table)
    slot = _slot(text, begin, end, owner, size)
    while table[slot, 0] >= 0:
        known = int(table[slot, 1])
        if table[slot, 0] == owner and table[slot, 2] - known == end - begin:
            place = begin
            while place < end and text[place] == text[known + place - begin]:
                place += 1
            if place == end:
                return slot
        slot = (slot + 1) & (size - 1)
    return NOWHERE


def build(entries: Mapping[tuple[int, bytes], Entry], before: bytes) -> tuple[SmallIntArray, bytes]:
    """The table, and the buffer's beginning: the bytes `before` and all that the table refers to."""
    size = 64
    while size < 4 * len(entries):
        size *= 2
    table = np.full((size, 5), NOWHERE, dtype=np.int32)
    constants = bytearray(before)
    for (owner, known), (value, second) in entries.items():
        begin = len(constants)
        constants += known
        # One byte more, because an empty array has no address to look at.
        text = np.frombuffer(known + b"\0", dtype=np.uint8)
        slot = _slot(text, 0, len(known), owner, size)
        while table[slot, 0] >= 0:
            slot = (slot + 1) & (size - 1)
        table[slot] = owner, begin, len(constants), value, second
    return table, bytes(constants)
