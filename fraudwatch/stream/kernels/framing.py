"""Where the records of record batches are: Kafka's message format 2, without compression.

https://kafka.apache.org/documentation/#recordbatch. What aiokafka reads is read here, and says the same; what it calls
corrupt is called damaged. Names of headers are passed over unread: it refuses those that are not UTF-8.
"""

from typing import Any, TypeAlias

import numpy as np

from fraudwatch.compiled import compiled, elements
from fraudwatch.records import NO_TIMESTAMP, ByteArray, IntArray

Word: TypeAlias = Any
"""64 bits, signed or not: what wraps where Python's own numbers would grow."""

BEGIN, END, COUNT, BASE_OFFSET, BASE_MS, STEP_MS, LAYOUT = range(7)
"""The columns of `batches`: where the records begin and end, how many they are, and what their deltas are added to;
STEP_MS is 1, or 0 where all have the timestamp of the batch."""

OFFSET, TIMESTAMP, KEY, KEY_LENGTH, VALUE, VALUE_LENGTH, FOUND = range(7)
"""The rows of `found`; a length is −1 where there is no key or no value."""

SMALLEST_RECORD = 7
"""Bytes, one for each number that every record has."""

DAMAGED = -1
"""The place behind what does not end where it should."""

_MORE, _NUMBER, _BITS = np.uint64(0x80), np.uint64(0x7F), np.uint64(7)
_ZERO, _ONE, _LAST = np.uint64(0), np.uint64(1), np.uint64(63)


@compiled
def _number(text: ByteArray, place: int, end: int) -> tuple[Word, int]:
    """The number of variable length at `place`, and what is behind it, DAMAGED where `place` is."""
    value, shift = _ZERO, _ZERO
    while 0 <= place < end and shift <= _LAST:
        byte = np.uint64(text[place])
        value |= (byte & _NUMBER) << shift
        place += 1
        if byte < _MORE:
            return np.int64(value >> _ONE) ^ -np.int64(value & _ONE), place
        shift += _BITS
    return np.int64(0), DAMAGED


@compiled
def _bytes(text: ByteArray, place: int, end: int) -> tuple[int, int, int]:
    """Where the bytes begin whose length is at `place`, that length (−1 for none), and what is behind them."""
    length, begin = _number(text, place, end)
    if length < 0:
        return begin, -1, begin
    if length > end - begin:
        return begin, 0, DAMAGED
    return begin, int(length), begin + int(length)


@compiled
def _after_headers(text: ByteArray, place: int, end: int) -> int:
    """What is behind the headers whose count is at `place`. Each takes a byte at least, so this ends."""
    left, place = _number(text, place, end)
    if left < 0:
        return DAMAGED
    while left > 0 and place != DAMAGED:
        _, length, place = _bytes(text, place, end)
        if length < 0:
            return DAMAGED
        _, _, place = _bytes(text, place, end)
        left -= 1
    return place


@compiled
def _after_record(
    text: ByteArray, place: int, batches: IntArray, batch: int, found: IntArray, rows: int, row: int
) -> int:
    """What is behind the record at `place`, whose row is filled."""
    end = int(batches[batch + END])
    length, begin = _number(text, place, end)
    _attributes, place = _number(text, begin, end)
    timestamp, place = _number(text, place, end)
    offset, place = _number(text, place, end)
    key, key_length, place = _bytes(text, place, end)
    value, value_length, place = _bytes(text, place, end)
    place = _after_headers(text, place, end)
    found[OFFSET * rows + row] = batches[batch + BASE_OFFSET] + offset
    timestamp = batches[batch + BASE_MS] + batches[batch + STEP_MS] * timestamp
    found[TIMESTAMP * rows + row] = max(timestamp, NO_TIMESTAMP)
    found[KEY * rows + row], found[KEY_LENGTH * rows + row] = key, key_length
    found[VALUE * rows + row], found[VALUE_LENGTH * rows + row] = value, value_length
    return place if place - begin == length else DAMAGED


@compiled
def read_batches(text: ByteArray, batches: IntArray, found: IntArray) -> int:
    """Fill `found` int64[FOUND, n] with the n records of all `batches` int64[b, LAYOUT], whose bytes lie in `text`.

    Gives how many batches were read: fewer than all where the next one is damaged. Nothing is read outside a
    batch's bytes, and only what was read has a meaning.
    """
    bare_text, bare_batches, bare_found = elements(text), elements(batches), elements(found)
    rows, row = found.shape[1], 0
    for place_of_batch in range(len(batches)):
        batch = place_of_batch * LAYOUT
        place = int(bare_batches[batch + BEGIN])
        for _ in range(bare_batches[batch + COUNT]):
            place = _after_record(bare_text, place, bare_batches, batch, bare_found, rows, row)
            if place == DAMAGED:
                return place_of_batch
            row += 1
        if place != bare_batches[batch + END]:
            return place_of_batch
    return len(batches)
