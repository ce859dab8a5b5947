"""64-bit hashes of texts and of whole transactions: SipHash-1-3 (Aumasson and Bernstein 2012) over their bytes.

The key is fixed, so a hash is the same in every process and for ever: samples drawn by it are repeatable.
"""

from typing import Any, TypeAlias

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.records import ByteArray, IntArray, SmallIntArray, TextField

Word: TypeAlias = Any
"""64 bits, signed or not: what wraps where Python's own numbers would grow."""

# Numba needs 64-bit numbers by name: a plain one beside them would turn them into floats.
U8, U13, U16, U17, U21, U32 = (np.uint64(bits) for bits in (8, 13, 16, 17, 21, 32))
U43, U47, U48, U51, U56 = (np.uint64(bits) for bits in (43, 47, 48, 51, 56))
FINAL = np.uint64(0xFF)
NOTHING = np.uint64(0)
# SipHash's constants with the key b"fraudwatch" in them.
KEY_0, KEY_1 = int.from_bytes(b"fraudwat", "little"), int.from_bytes(b"ch", "little")
V0, V1 = np.uint64(0x736F6D6570736575 ^ KEY_0), np.uint64(0x646F72616E646F6D ^ KEY_1)
V2, V3 = np.uint64(0x6C7967656E657261 ^ KEY_0), np.uint64(0x7465646279746573 ^ KEY_1)

TEXTS = len(TextField)
ID, ACCOUNT = TextField.TRANSACTION_ID.value, TextField.ACCOUNT_ID.value
COUNTERPARTY = TextField.COUNTERPARTY_ID.value
HASHES = 4


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
def _word(text: ByteArray, begin: int, count: int) -> Word:
    """So many bytes, at most 8, as a little-endian number."""
    word: Word = NOTHING
    for place in range(count - 1, -1, -1):
        word = (word << U8) | np.uint64(text[begin + place])
    return word


@compiled
def digest(text: ByteArray, begin: int, end: int) -> Word:
    """The hash of the bytes from `begin` to `end`, signed."""
    v0, v1, v2, v3 = V0, V1, V2, V3
    place = begin
    while place + 8 <= end:
        word = _word(text, place, 8)
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ word)
        v0 ^= word
        place += 8
    word = _word(text, place, end - place) | (np.uint64(end - begin) << U56)
    v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ word)
    v0, v2 = v0 ^ word, v2 ^ FINAL
    for _ in range(3):
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3)
    return np.int64(v0 ^ v1 ^ v2 ^ v3)


@compiled
def digest_row(
    text: ByteArray,
    spans: SmallIntArray,
    numbers: tuple[int, int, int, int, int],
    hashes: IntArray,
    row: int,
) -> None:
    """Fill `hashes` [HASHES, n] in one row: of three texts, 0 where absent, and of the whole transaction.

    `spans` is [n, TEXTS, 2]; `numbers` are all the rest that a transaction says: event time, amount, latitude,
    longitude, traits. It is hashed as one message of 64-bit words: the numbers, then the hash of each text, 0 for an
    absent one.
    """
    v0, v1, v2, v3 = V0, V1, V2, V3
    time_ms, amount, latitude, longitude, traits = numbers
    for number in (
        np.int64(time_ms),
        np.int64(amount),
        np.int64(latitude),
        np.int64(longitude),
        np.int64(traits),
    ):
        word = np.uint64(number)
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ word)
        v0 ^= word
    for field in range(TEXTS):
        begin, end = int(spans[row, field, 0]), int(spans[row, field, 1])
        hashed: Word = np.int64(0)
        if end > begin:
            hashed = digest(text, begin, end)
        if field == ID:
            hashes[0, row] = hashed
        elif field == ACCOUNT:
            hashes[1, row] = hashed
        elif field == COUNTERPARTY:
            hashes[2, row] = hashed
        word = np.uint64(hashed)
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3 ^ word)
        v0 ^= word
    v2 ^= FINAL
    for _ in range(3):
        v0, v1, v2, v3 = _mixed(v0, v1, v2, v3)
    hashes[3, row] = np.int64(v0 ^ v1 ^ v2 ^ v3)


@compiled
def digest_rows(
    text: ByteArray,
    spans: SmallIntArray,
    longs: IntArray,
    places: SmallIntArray,
    traits: ByteArray,
    hashes: IntArray,
) -> None:
    """`digest_row` of every row, from the columns of `fraudwatch.decode.columns.Columns`."""
    for row in range(len(spans)):
        numbers = (
            int(longs[0, row]),
            int(longs[1, row]),
            int(places[0, row]),
            int(places[1, row]),
            int(traits[row]),
        )
        digest_row(text, spans, numbers, hashes, row)
