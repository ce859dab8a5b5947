"""A fetch read as chunks says what aiokafka says of it record by record."""

from typing import Any

import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.stream.fetching import ChunkedRecords, ChunkedResults

PLACE = TopicPartition("t", 3)
ABORT = b"\x00\x00\x00\x00"
NO_PRODUCER = -1


def batch(base: int, offsets: list[int], last: int, *, producer: int = NO_PRODUCER, codec: int = 0) -> bytes:
    """A batch from `base` to `last`, of which these offsets are left; transactional if it has a producer."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=codec,
        is_transactional=int(producer != NO_PRODUCER),
        producer_id=producer,
        producer_epoch=0,
        base_sequence=0,
        batch_size=1_000_000,
    )
    for offset in offsets:
        key = None if offset % 3 == 0 else b"k%d" % offset
        value = None if offset % 5 == 0 else b"v%d" % offset
        builder.append(offset - base, timestamp=1_000 + offset, key=key, value=value, headers=[])
    return finished(bytearray(builder.build()), base, last)


def marker(base: int, producer: int, key: bytes) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 1, producer, 0, 0, 1_000)
    builder.append(0, timestamp=1, key=key, value=b"", headers=[])
    whole = bytearray(builder.build())
    whole[22] |= 0x20  # attributes: a control batch
    return finished(whole, base, base)


def finished(whole: bytearray, base: int, last: int) -> bytes:
    """With its base offset, the delta of its last one, and a right checksum."""
    whole[0:8] = base.to_bytes(8, "big")
    whole[23:27] = (last - base).to_bytes(4, "big")
    whole[17:21] = calc_crc32c(bytes(whole[21:])).to_bytes(4, "big")
    return bytes(whole)


def plain(log: bytes, fetch_offset: int, aborted: list[tuple[int, int]]) -> PartitionRecords:
    return PartitionRecords(
        PLACE, MemoryRecords(log), aborted, fetch_offset, None, None, True, READ_COMMITTED
    )


def seen(records: Any) -> list[tuple[int, int, bytes | None, bytes | None]]:
    return [(r.offset, r.timestamp, r.key, r.value) for r in records]


def unfolded(pieces: list[Any]) -> list[tuple[int, int, bytes | None, bytes | None]]:
    return [
        row
        for piece in pieces
        if piece.chunk is not None
        for row in zip(
            piece.chunk.offsets.tolist(),
            piece.chunk.timestamps_ms.tolist(),
            piece.chunk.keys,
            piece.chunk.values,
            strict=True,
        )
    ]


@st.composite
def logs(draw: Any) -> tuple[bytes, int, list[tuple[int, int]], int]:
    """Batches with holes, of transactions that were aborted, committed or none; where a fetch begins, chunk size."""
    log, at, aborted, began = b"", 10, [], {}
    first = None
    for _ in range(draw(st.integers(0, 7))):
        producer = draw(st.sampled_from([NO_PRODUCER, 7, 8]))
        if producer != NO_PRODUCER and producer in began and draw(st.booleans()):
            if draw(st.booleans()):
                aborted.append((producer, began.pop(producer)))
                log += marker(at, producer, ABORT)
            else:
                began.pop(producer)
                log += marker(at, producer, b"\x00\x00\x00\x01")
            at += 1
            continue
        last = at + draw(st.integers(0, 6))
        kept = sorted(draw(st.sets(st.integers(at, last), min_size=1)))
        log += batch(at, kept, last, producer=producer, codec=draw(st.sampled_from([0, 1, 3])))
        if producer != NO_PRODUCER:
            began.setdefault(producer, at)
        first = first or (at, last)
        at = last + 1 + draw(st.integers(0, 2))
    aborted += list(began.items()) if draw(st.booleans()) else []
    return log, draw(st.integers(*(first or (10, 10)))), aborted, draw(st.integers(1, 9))


@given(logs())
def test_chunks_hold_what_aiokafka_would_have_given_and_lie_end_to_end(case: Any) -> None:
    log, fetch_offset, aborted, most = case
    wanted = plain(log, fetch_offset, aborted)
    records = seen(wanted)
    found = ChunkedRecords(plain(log, fetch_offset, aborted), most)
    pieces = list(found)
    assert unfolded(pieces) == records
    assert found.next_fetch_offset == wanted.next_fetch_offset
    bounds = [piece.begin for piece in pieces] + [found.next_fetch_offset]
    assert bounds == [fetch_offset] + [piece.end for piece in pieces]
    assert all(len(piece.chunk) <= most for piece in pieces if piece.chunk is not None)
    assert all(piece.chunk is not None for piece in pieces) or len(pieces) == 1


@pytest.mark.parametrize("codec", [0, 1, 2, 3, 4], ids=["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_codec_of_kafka_is_read(codec: int) -> None:
    log = batch(0, list(range(40)), 39, codec=codec)
    assert len(unfolded(list(ChunkedRecords(plain(log, 0, []), 100)))) == 40


def test_a_batch_with_a_wrong_checksum_is_not_read() -> None:
    log = bytearray(batch(0, [1, 2], 2))
    log[-1] ^= 1
    with pytest.raises(CorruptRecordException, match="wrong checksum"):
        list(ChunkedRecords(plain(bytes(log), 0, []), 10))


def test_only_results_of_chunked_topics_are_read_as_chunks_each_once() -> None:
    def result(place: TopicPartition) -> FetchResult:
        records = PartitionRecords(place, MemoryRecords(b""), [], 0, None, None, True, READ_COMMITTED)
        return FetchResult(place, assignment=None, partition_records=records, backoff=0)

    other = TopicPartition("other", 0)
    early = {PLACE: result(PLACE), other: result(other)}
    results = ChunkedResults(early, lambda topic: topic == "t", 10)
    first = results[PLACE]._partition_records
    assert isinstance(first, ChunkedRecords)
    assert not isinstance(results[other]._partition_records, ChunkedRecords)
    again = ChunkedResults(results, lambda topic: topic == "t", 10)
    assert again[PLACE]._partition_records is first
    late = TopicPartition("t", 4)
    again[late] = result(late)
    assert isinstance(again[late]._partition_records, ChunkedRecords)
