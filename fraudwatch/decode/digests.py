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
def combined(first: Word, second: Word) -> Word:
    """One hash of two; their order matters."""
    v0, v1, v2, v3 = _mixed(V0, V1, V2, V3 ^ np.uint64(first))
    v0, v1, v2, v3 = _mixed(v0 ^ np.uint64(first), v1, v2, v3 ^ np.uint64(second))
    v0, v1, v2, v3 = _mixed(v0 ^ np.uint64(second), v1, v2 ^ FINAL, v3)
    return np.int64(v0 ^ v1 ^ v2 ^ v3)


@compiled
def digest_rows(
    text: ByteArray, spans: SmallIntArray, numbers: IntArray, names: IntArray, contents: IntArray
) -> None:
    """Fill `names` [n, 3] (transaction, account, counterparty; 0 where absent) and `contents` [n].

    `spans` is [n, TEXTS, 2], `numbers` [n, c] is all the rest that a transaction says.
    """
    for row in range(len(spans)):
        content: Word = np.int64(0)
        for number in numbers[row]:
            content = combined(content, number)
        for field in range(TEXTS):
            begin, end = int(spans[row, field, 0]), int(spans[row, field, 1])
            if end <= begin:
                continue
            hashed = digest(text, begin, end)
            content = combined(content, combined(field, hashed))
            if field == ID:
                names[row, 0] = hashed
            elif field == ACCOUNT:
                names[row, 1] = hashed
            elif field == COUNTERPARTY:
                names[row, 2] = hashed
        contents[row] = content
