"""What a fetch gave of one partition as chunks, without an object a record.

aiokafka reads the batches of a fetch one record at a time and makes three objects of each and two of its headers, which
took most of the consumer thread's time. Private names of aiokafka are used here; `fraudwatch.stream.transport`
lists them.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException

from fraudwatch.records import Chunk
from fraudwatch.stream.record_batches import RecordBatch, batches_of, to_columns


class Fetched(NamedTuple):
    """What a fetch gave of one partition, or a part of it; no chunk where it only passed transaction markers."""

    chunk: Chunk | None
    begin: int
    end: int


class ChunkedRecords(PartitionRecords):  # type: ignore[misc]
    """Yields `Fetched` of at most `most` records. What lies between its records belongs to one of them."""

    def __init__(self, plain: PartitionRecords, most: int) -> None:
        """In place of a `plain` one that nothing was taken from."""
        self.next_fetch_offset: int
        super().__init__(
            plain._tp,
            plain._records,
            plain._aborted_transactions,
            plain.next_fetch_offset,
            None,
            None,
            plain._check_crcs,
            plain._isolation_level,
        )
        self._most = most

    def _unpack_records(self) -> Iterator[Fetched]:
        begin = first = self.next_fetch_offset
        chunk = to_columns(self._tp.topic, self._tp.partition, self._batches())
        if chunk is not None and chunk.offsets[0] < first:
            # A fetch begins with the whole batch that its offset is in; a position may be in the middle of one.
            chunk = chunk.part(int(np.searchsorted(chunk.offsets, first)))
        if not chunk:
            if begin < self.next_fetch_offset:
                yield Fetched(None, begin, self.next_fetch_offset)
            return
        for place in range(0, len(chunk), self._most):
            part = chunk.part(place, place + self._most)
            is_last = place + self._most >= len(chunk)
            end = self.next_fetch_offset if is_last else int(part.offsets[-1]) + 1
            yield Fetched(part, begin, end)
            begin = end

    def _batches(self) -> Iterator[RecordBatch]:
        """Those with records to be seen: no markers, and nothing of an aborted transaction.

        Raises CorruptRecordException for a batch whose checksum is wrong; the fetch is then asked for again.
        """
        for batch in batches_of(self._records):
            reader = batch.reader
            if self._check_crcs and not reader.validate_crc():
                raise CorruptRecordException(
                    f"wrong checksum in {self._tp}, batch at {self.next_fetch_offset}"
                )
            if not (self._is_aborted(reader) or reader.is_control_batch):
                yield batch
            # Even where compaction left nothing of the batch's end.
            self.next_fetch_offset = max(self.next_fetch_offset, reader.next_offset)

    def _is_aborted(self, batch: Any) -> bool:
        if self._isolation_level != READ_COMMITTED or batch.producer_id is None:
            return False
        self._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch and self._contains_abort_marker(batch):
            self._aborted_producers.discard(batch.producer_id)
        return bool(batch.is_transactional and batch.producer_id in self._aborted_producers)


def read_in_chunks(consumer: Any, topic: str, most: int) -> None:
    """From now on `getmany` of an aiokafka consumer gives `Fetched` of at most `most` records for this topic."""
    fetcher = consumer._fetcher
    fetcher._records = ChunkedResults(fetcher._records, lambda name: name == topic, most)


class ChunkedResults(OrderedDict[Any, Any]):
    """In place of what a fetcher keeps its results in: those of chunked topics are read as chunks."""

    def __init__(self, results: Any, comes_in_chunks: Callable[[str], bool], most: int) -> None:
        """`most` is how many records a chunk has."""
        self._comes_in_chunks = comes_in_chunks
        self._most = most
        super().__init__()
        for place, result in results.items():
            self[place] = result

    def __setitem__(self, place: Any, result: Any) -> None:
        if isinstance(result, FetchResult) and self._comes_in_chunks(place.topic):
            records = result._partition_records
            if not isinstance(records, ChunkedRecords):
                result._partition_records = ChunkedRecords(records, self._most)
        super().__setitem__(place, result)
