"""From the record batches of a fetch to a chunk: by a kernel, without an object a record (Kafka's message format 2).

aiokafka has read the headers and checked the checksums. Batches in an older format it reads itself, record by record.
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from typing import Any, NamedTuple

import numpy as np
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.legacy_records import LegacyRecordBatch
from aiokafka.record.memory_records import MemoryRecords

from fraudwatch.records import Chunk, Spans
from fraudwatch.stream.kernels.framing import (
    COUNT,
    FOUND,
    KEY,
    KEY_LENGTH,
    LAYOUT,
    OFFSET,
    SMALLEST_RECORD,
    TIMESTAMP,
    VALUE,
    VALUE_LENGTH,
    read_batches,
)
from fraudwatch.stream.raw import concatenated, to_chunk

FORMAT = 2
# Where in a batch its length begins, what the length counts, and so on; the numbers are big-endian.
_LENGTH_AT, _COUNTED_FROM, _FORMAT_AT, _COUNT_AT, _RECORDS_AT = 8, 12, 16, 57, 61
_NUMBER = struct.Struct(">i")
_SHORTEST = 14
"""Bytes that a length counts at least, in any format."""
_PLAIN, _LOG_APPEND_TIME = 0, 1
_DECODE = {1: gzip_decode, 2: snappy_decode, 3: lz4_decode, 4: zstd_decode}


class RecordBatch(NamedTuple):
    """One as aiokafka reads it, and where in the bytes of a fetch it is."""

    reader: Any
    fetched: bytes
    begin: int
    end: int

    @property
    def is_compiled(self) -> bool:
        """Whether the kernel reads it. A compression that nobody knows is aiokafka's to refuse."""
        if not isinstance(self.reader, DefaultRecordBatch) or self.reader.magic != FORMAT:
            return False
        return self.is_plain or self.reader.compression_type in _DECODE

    @property
    def is_plain(self) -> bool:
        """Whether its records are not compressed."""
        return bool(self.reader.compression_type == _PLAIN)

    @property
    def size(self) -> int:
        """How many records it says it has."""
        return int(_NUMBER.unpack_from(self.fetched, self.begin + _COUNT_AT)[0])

    def records(self) -> memoryview | bytes:
        """The bytes of its records, uncompressed. Raises what the decompressor raises."""
        records = memoryview(self.fetched)[self.begin + _RECORDS_AT : self.end]
        return records if self.is_plain else _DECODE[self.reader.compression_type](bytes(records))


def batches_of(records: Any) -> Iterator[RecordBatch]:
    """The whole batches in aiokafka's `MemoryRecords`, of which nothing was taken; what is behind them is left.

    Its own way through them takes all for the format of the first one, and reads on behind a batch that is shorter
    than its header. Raises CorruptRecordException for such a one.
    """
    fetched = _held_by(records)
    begin, whole = 0, memoryview(fetched)
    while len(fetched) >= begin + _COUNTED_FROM:
        (length,) = _NUMBER.unpack_from(fetched, begin + _LENGTH_AT)
        end = begin + _COUNTED_FROM + length
        if length >= _SHORTEST and end > len(fetched):
            return
        is_old = length >= _SHORTEST and fetched[begin + _FORMAT_AT] < FORMAT
        if length < (_SHORTEST if is_old else _RECORDS_AT - _COUNTED_FROM):
            raise CorruptRecordException(f"expected a record batch, found one of {length} bytes")
        batch = whole[begin:end]
        reader = LegacyRecordBatch(batch, batch[_FORMAT_AT]) if is_old else DefaultRecordBatch(batch)
        yield RecordBatch(reader, fetched, begin, end)
        begin = end


def _held_by(records: Any) -> bytes:
    """The bytes of a fetch. Where aiokafka is compiled it hides them, except from whoever would copy the object."""
    held: bytes | None = getattr(records, "_buffer", None)
    return records.__reduce__()[2][0] if held is None else held


def shows_its_bytes() -> bool:
    """Whether the installed aiokafka still lets its bytes be seen."""
    try:
        return _held_by(MemoryRecords(bytes(_COUNTED_FROM))) == bytes(_COUNTED_FROM)
    except (TypeError, IndexError):
        return False


def to_columns(topic: str, partition: int, batches: Iterable[RecordBatch]) -> Chunk | None:
    """All their records, None where there are none. Raises CorruptRecordException, or what a decompressor raises."""
    chunks = []
    for is_compiled, some in groupby(batches, lambda batch: batch.is_compiled):
        if is_compiled:
            chunks.append(_compiled(topic, partition, list(some)))
        else:
            chunks.append(to_chunk(topic, partition, [record for batch in some for record in batch.reader]))
    return concatenated(chunks) if any(map(len, chunks)) else None


def _compiled(topic: str, partition: int, batches: Sequence[RecordBatch]) -> Chunk:
    whole, begins, ends = _uncompressed(batches)
    layout = np.empty((len(batches), LAYOUT), dtype=np.int64)
    for row, (batch, begin, end) in enumerate(zip(batches, begins, ends, strict=True)):
        reader, count = batch.reader, batch.size
        if count > (end - begin) // SMALLEST_RECORD:
            raise _damaged(topic, partition, batch)
        has_one_time = reader.timestamp_type == _LOG_APPEND_TIME
        base_ms = reader.max_timestamp if has_one_time else reader.first_timestamp
        layout[row] = begin, end, max(count, 0), reader.base_offset, base_ms, not has_one_time
    found = np.empty((FOUND, layout[:, COUNT].sum()), dtype=np.int64)
    with np.errstate(over="ignore"):  # as where it is compiled: only plain NumPy would warn
        read = read_batches(np.frombuffer(whole, dtype=np.uint8), layout, found)
    if read < len(batches):
        raise _damaged(topic, partition, batches[read])
    buffers = (whole,)
    return Chunk(
        topic,
        partition,
        found[OFFSET],
        found[TIMESTAMP],
        Spans(buffers, found[KEY], found[KEY_LENGTH]),
        Spans(buffers, found[VALUE], found[VALUE_LENGTH]),
    )


def _uncompressed(batches: Sequence[RecordBatch]) -> tuple[bytes, list[int], list[int]]:
    """A buffer, and where in it each batch's records begin and end: that of the fetch where nothing is compressed."""
    if all(batch.is_plain for batch in batches):
        begins = [batch.begin + _RECORDS_AT for batch in batches]
        return batches[0].fetched, begins, [batch.end for batch in batches]
    parts = [batch.records() for batch in batches]
    ends = list(accumulate(map(len, parts)))
    return b"".join(parts), [0, *ends[:-1]], ends


def _damaged(topic: str, partition: int, batch: RecordBatch) -> CorruptRecordException:
    return CorruptRecordException(
        f"{topic}, partition {partition}: expected whole records in the batch from offset {batch.reader.base_offset} "
        "on, found lengths that do not fit, under a right checksum"
    )


def warm_up() -> None:
    """Make the kernel ready, some seconds where no machine code of it is kept."""
    layout, found = np.empty((0, LAYOUT), dtype=np.int64), np.empty((FOUND, 0), dtype=np.int64)
    read_batches(np.frombuffer(b"\0", dtype=np.uint8), layout, found)
