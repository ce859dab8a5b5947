"""64-bit hashes of texts and of whole transactions: SipHash-1-3 (Aumasson and Bernstein 2012) over their bytes.

The key is fixed, so a hash is the same in every process and for ever: samples drawn by it are repeatable.
"""

from typing import Any, TypeAlias

import numpy as np

from fraudwatch.compiled import compiled, eight_bytes, elements
from fraudwatch.mixing import mix
from fraudwatch.records import ByteArray, IntArray, SmallIntArray, TextField, Trait

Word: TypeAlias = Any
"""64 bits, signed or not: what wraps where Python's own numbers would grow."""

Numbers: TypeAlias = tuple[np.int64, np.int64, np.int64, np.int64, np.int64]
"""All that a transaction says beside its texts: event time, amount, latitude, longitude, traits."""

# Numba needs 64-bit numbers by name: a plain one beside them would turn them into floats.
U8, U12, U13, U16, U17, U21, U32 = (np.uint64(bits) for bits in (8, 12, 13, 16, 17, 21, 32))
U43, U47, U48, U51, U56 = (np.uint64(bits) for bits in (43, 47, 48, 51, 56))
FINAL = np.uint64(0xFF)
NOTHING, ONE, ALL = np.uint64(0), np.uint64(1), np.uint64(2**64 - 1)
# SipHash's constants with the key b"fraudwatch" in them.
KEY_0, KEY_1 = int.from_bytes(b"fraudwat", "little"), int.from_bytes(b"ch", "little")
V0, V1 = np.uint64(0x736F6D6570736575 ^ KEY_0), np.uint64(0x646F72616E646F6D ^ KEY_1)
V2, V3 = np.uint64(0x6C7967656E657261 ^ KEY_0), np.uint64(0x7465646279746573 ^ KEY_1)

TEXTS = len(TextField)
ID, ACCOUNT = TextField.TRANSACTION_ID.value, TextField.ACCOUNT_ID.value
COUNTERPARTY, DEVICE = TextField.COUNTERPARTY_ID.value, TextField.DEVICE_ID.value
CHANNEL, CATEGORY = TextField.CHANNEL.value, TextField.CATEGORY.value
DIRECTION = np.int64(Trait.CREDIT | Trait.DEBIT)
NUMBERS, HASHES = 5, 6
LENGTH = np.uint64((NUMBERS + TEXTS) * 8 << 56)
"""The last word of the message that a whole transaction is."""

MARGIN = 8
"""Bytes behind the last text of a buffer that may be read, and mean nothing."""


_mix = compiled(mix)


@compiled
def _mixed(v0: Word, v1: Word, v2: Word, v3: Word) -> tuple[Word, Word, Word, Word]:
    """One SipRound."""
    v0, v2 = v0 + v1, v2 + v3
    v1 = ((v1 << U13) | (v1 >> U51)) ^ v0
    v3 = ((v3 << U16) | (v3 >> U48)) ^ v2
    v0 = (v0 << U32) | (v0 >> U32)
    v2, v0 = v2 + v1, v0 + v3
    v1 = ((v1 << U17) | (v1 >> U47)) ^ v2
    v3 = ((v3 << U21) | (v3 >> U43)) ^ v0
    v2 = (v2 << U32) | (v2 >> U32)
    return v0, v1, v2, v3


@compiled
def digest(text: ByteArray, begin: int, end: int) -> Word:
    """The hash of the bytes from `begin` to `end`, signed; behind them the buffer has MARGIN bytes more."""
    v0, v1, v2, v3 = V0, V1, V2, V3
    place = begin
    while place + 8 <= end:
        word = eight_bytes(text, place)
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ word)
        v0 ^= word
        place += 8
    last: Word = NOTHING
    if place < end:
        last = eight_bytes(text, place) & (ALL >> np.uint64(64 - 8 * (end - place)))
    word = last | (np.uint64(end - begin) << U56)
    v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ word)
    v0, v2 = v0 ^ word, v2 ^ FINAL
    for _ in range(3):
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3)
    return np.int64(v0 ^ v1 ^ v2 ^ v3)


@compiled
def _cohort(traits: Word, channel: Word, category: Word) -> Word:
    """The hash of the direction among the traits and of the hashes of a channel and a category (0 where absent).

    52 bits, which are a floating-point number exactly, as columns of the history are; 0 where all are absent.
    """
    direction = traits & DIRECTION
    if direction == 0 and channel == 0 and category == 0:
        return np.int64(0)
    words = _mix(_mix(np.uint64(direction) ^ np.uint64(channel)) ^ np.uint64(category))
    return np.int64((words >> U12) | ONE)


@compiled
def digest_row(
    text: ByteArray,
    spans: SmallIntArray,
    numbers: Numbers,
    hashes: IntArray,
    rows: int,
    row: int,
) -> None:
    """Fill `hashes` [HASHES, rows] in one row: of an id, an account and a counterparty (0 where absent), of the
    whole transaction, of a device, and of a cohort (`_cohort`).

    All arrays are given as their elements. `spans` is [rows, TEXTS, 2]. A transaction is hashed as one message of
    64-bit words: its numbers, then the hash of each text, 0 for an absent one.
    """
    v0, v1, v2, v3 = V0, V1, V2, V3
    channel: Word = np.int64(0)
    category: Word = np.int64(0)
    for number in numbers:
        word = np.uint64(np.int64(number))
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ word)
        v0 ^= word
    for field in range(TEXTS):
        span = (row * TEXTS + field) * 2
        begin, end = int(spans[span]), int(spans[span + 1])
        hashed: Word = np.int64(0)
        if end > begin:
            hashed = digest(text, begin, end)
        if field == ID:
            hashes[row] = hashed
        elif field == ACCOUNT:
            hashes[rows + row] = hashed
        elif field == COUNTERPARTY:
            hashes[2 * rows + row] = hashed
        elif field == DEVICE:
            hashes[4 * rows + row] = hashed
        elif field == CHANNEL:
            channel = hashed
        elif field == CATEGORY:
            category = hashed
        word = np.uint64(hashed)
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ word)
        v0 ^= word
    v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ LENGTH)
    v0, v2 = v0 ^ LENGTH, v2 ^ FINAL
    for _ in range(3):
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3)
    hashes[3 * rows + row] = np.int64(v0 ^ v1 ^ v2 ^ v3)
    hashes[5 * rows + row] = _cohort(numbers[4], channel, category)


@compiled
def digest_rows(
    text: ByteArray,
    longs: IntArray,
    places: SmallIntArray,
    traits: ByteArray,
    spans: SmallIntArray,
    hashes: IntArray,
) -> None:
    """`digest_row` of every row, from the columns of `fraudwatch.decode.columns.Columns`."""
    bytes_, bare_spans, bare_hashes = elements(text), elements(spans), elements(hashes)
    rows = len(traits)
    for row in range(rows):
        numbers = (
            np.int64(longs[0, row]),
            np.int64(longs[1, row]),
            np.int64(places[0, row]),
            np.int64(places[1, row]),
            np.int64(traits[row]),
        )
        digest_row(bytes_, bare_spans, numbers, bare_hashes, rows, row)
