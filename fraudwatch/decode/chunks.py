"""A chunk of records as transactions by column: compiled where that is certain, and record by record elsewhere.

The kernel takes a record only when the exact decoder would say the very same of it; the others go to the exact
decoder one by one. So what comes out never depends on which way a record went, except for where its texts are.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from fraudwatch.decode.columns import Columns, by_column
from fraudwatch.decode.digests import MARGIN
from fraudwatch.decode.kernels.rows import read_rows
from fraudwatch.decode.plan import Plan
from fraudwatch.records import (
    ByteArray,
    Chunk,
    DeadLetter,
    IntArray,
    Record,
    Spans,
    Transaction,
    Transactions,
)

Decode = Callable[[Record], Transaction | DeadLetter]

LARGEST_BUFFER = 2**31 - 1
"""Bytes that the spans of texts (int32) can point into. No fetch is that large."""


class ChunkReader:
    """Both ways. Without a plan every record goes the exact one."""

    def __init__(self, decode: Decode, plan: Plan | None) -> None:
        self._decode = decode
        self._plan = plan

    def read(self, chunk: Chunk) -> tuple[Transactions, list[DeadLetter]]:
        """The transactions by column and the dead letters of a chunk, both in its order."""
        if self._plan is None:
            return one_by_one(self._decode, chunk)
        buffer, begins, lengths = _laid_out(self._plan.constants, chunk.values)
        if len(buffer) > LARGEST_BUFFER:
            return one_by_one(self._decode, chunk)
        text = np.frombuffer(buffer, dtype=np.uint8)
        columns, taken = _compiled(self._plan, chunk, begins, lengths, text)
        rows = np.arange(len(chunk))
        letters: list[DeadLetter] = []
        if not taken.all():
            plain, letters = one_by_one(self._decode, chunk, np.flatnonzero(taken == 0).tolist())
            columns.enter(plain, len(text))
            text = np.concatenate([text, plain.text])
            if letters:
                taken[plain.rows] = 1
                rows = np.flatnonzero(taken)
                columns = columns.only(rows)
        text.flags.writeable = False
        return columns.finished(rows, chunk.offsets[rows], text), letters


def one_by_one(
    decode: Decode, chunk: Chunk, rows: Iterable[int] | None = None
) -> tuple[Transactions, list[DeadLetter]]:
    """The chunk's `rows` (ascending; all of them by default), each by `decode`; both in the order of their offsets."""
    transactions: list[Transaction] = []
    kept: list[int] = []
    letters: list[DeadLetter] = []
    for row in range(len(chunk)) if rows is None else rows:
        decoded = decode(chunk.record(row))
        if isinstance(decoded, DeadLetter):
            letters.append(decoded)
        else:
            transactions.append(decoded)
            kept.append(row)
    places = np.array(kept, dtype=np.int64)
    return by_column(transactions, places, chunk.offsets[places]), letters


def _laid_out(constants: bytes, values: Sequence[bytes | None]) -> tuple[bytearray, IntArray, IntArray]:
    """A buffer with the constants and the values, MARGIN behind them; where each begins, and its length (−1: none)."""
    if isinstance(values, Spans):
        first = int(values.begins.min()) if len(values) else 0
        last = int((values.begins + values.lengths).max(initial=first)) + 1
        buffer = bytearray().join([constants, *values.bytes_of(first, last), bytes(MARGIN)])
        return buffer, values.begins + (len(constants) - first), values.lengths.copy()
    present = [value or b"" for value in values] if None in values else values
    buffer = bytearray(b"\0").join([constants, *present, bytes(MARGIN)])  # type: ignore[list-item]
    lengths = np.fromiter(map(len, present), np.int64, len(values))  # type: ignore[arg-type]
    return buffer, len(constants) + 1 + np.cumsum(lengths + 1) - (lengths + 1), lengths


def _compiled(
    plan: Plan, chunk: Chunk, begins: IntArray, lengths: IntArray, text: ByteArray
) -> tuple[Columns, ByteArray]:
    """The columns, and which of their rows have a meaning: 1 for a record that was taken."""
    count = len(chunk)
    columns, taken, room = Columns.of(count), np.empty(count, dtype=np.uint8), plan.room()
    with np.errstate(over="ignore"):  # hashes wrap on purpose, which only plain NumPy would warn of
        read_rows(
            begins,
            lengths,
            np.array(chunk.timestamps_ms),  # a copy, so never read-only, for which a kernel is compiled anew
            text,
            plan.rules,
            plan.largest,
            plan.table,
            plan.texts,
            plan.zone,
            room.kinds,
            room.found,
            room.stack,
            room.names,
            columns.longs,
            columns.places,
            columns.traits,
            columns.spans,
            columns.hashes,
            taken,
        )
    return columns, taken
