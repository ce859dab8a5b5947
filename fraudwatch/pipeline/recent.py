"""The records folded last, so that an alert can name the transactions of its evidence."""

from collections import deque

from fraudwatch.records import Chunk, Record

KEPT_OFFSETS = 50_000
"""How far back in the log a record is at hand: some 15 MB of bytes that were fetched anyway."""


class RecentRecords:
    """Whole chunks by reference: a record costs nothing until it is asked for."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()

    def add(self, chunk: Chunk) -> None:
        """Keep a chunk whose offsets follow those of the one before, and let go of what is too far back."""
        if not len(chunk):
            return
        self._chunks.append(chunk)
        oldest = int(chunk.offsets[0]) - KEPT_OFFSETS
        while int(self._chunks[0].offsets[-1]) <= oldest:
            self._chunks.popleft()

    def record(self, offset: int, of: int) -> Record | None:
        """The record at an offset as seen from a later one, `of`; None where it is too far back.

        What is found depends on the two offsets, not on how the log was cut into chunks.
        """
        if offset <= of - KEPT_OFFSETS:
            return None
        for chunk in reversed(self._chunks):
            if offset >= chunk.offsets[0]:
                row = int(chunk.offsets.searchsorted(offset))
                is_there = row < len(chunk) and chunk.offsets[row] == offset
                return chunk.record(row) if is_there else None
        return None
