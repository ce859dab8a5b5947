"""A table from byte strings to numbers: the names of a mapping, the words of a field, its translations.

Open addressing with linear probing. An entry is (owner, begin, end, value, second value), int32; the bytes lie in the
same buffer as the records. Owners are 0 and up: an object of the mapping, or a field; −1 is an empty entry.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from fraudwatch.compiled import compiled, eight_bytes
from fraudwatch.decode.kernels.given import ENTRY
from fraudwatch.records import ByteArray, SmallIntArray

NOWHERE = -1


class Entry(NamedTuple):
    """What one byte string of one owner stands for."""

    value: int
    second: int = 0


@compiled
def _slot(first: int, middle: int, last: int, length: int, owner: int, size: int) -> int:
    """Where to begin to look for bytes of so much length, 0 for those that there are not; `size` is a power of two."""
    hashed = owner * 89 + length * 31 + first * 131 + last * 17 + middle * 53
    return (hashed ^ (hashed >> 7)) & (size - 1)


@compiled
def is_same(text: ByteArray, one: int, other: int, length: int) -> bool:
    """Whether the same bytes begin at both places."""
    while length >= 8:
        if eight_bytes(text, one) != eight_bytes(text, other):
            return False
        one, other, length = one + 8, other + 8, length - 8
    if length == 0:
        return True
    different = eight_bytes(text, one) ^ eight_bytes(text, other)
    return bool(different << np.uint64(64 - 8 * length) == 0)


@compiled
def look_up(text: ByteArray, begin: int, end: int, owner: int, table: SmallIntArray, size: int) -> int:
    """Where in the elements of a table of so many entries that of these bytes begins, NOWHERE if there is none."""
    length = end - begin
    slot = _slot(0, 0, 0, 0, owner, size)
    if length > 0:
        middle = int(text[begin + (length >> 1)])
        slot = _slot(int(text[begin]), middle, int(text[end - 1]), length, owner, size)
    entry = slot * ENTRY
    while table[entry] >= 0:
        known = int(table[entry + 1])
        has_length = table[entry + 2] - known == length
        if has_length and table[entry] == owner and is_same(text, begin, known, length):
            return entry
        slot = (slot + 1) & (size - 1)
        entry = slot * ENTRY
    return NOWHERE


def build(entries: Mapping[tuple[int, bytes], Entry], before: bytes) -> tuple[SmallIntArray, bytes]:
    """The table, and the buffer's beginning: the bytes `before` and all that the table refers to."""
    size = 64
    while size < 4 * len(entries):
        size *= 2
    table = np.full((size, ENTRY), NOWHERE, dtype=np.int32)
    constants = bytearray(before)
    for (owner, known), (value, second) in entries.items():
        begin = len(constants)
        constants += known
        marks = (known[0], known[len(known) >> 1], known[-1]) if known else (0, 0, 0)
        slot = _slot(*marks, len(known), owner, size)
        while table[slot, 0] >= 0:
            slot = (slot + 1) & (size - 1)
        table[slot] = owner, begin, len(constants), value, second
    return table, bytes(constants)
