"""Kafka messages as records and chunks: Faust's and aiokafka's own forms differ in the unit of time only."""

from collections.abc import Iterable, Sequence
from itertools import accumulate, chain
from operator import attrgetter
from typing import Any

import numpy as np

from fraudwatch.records import NO_TIMESTAMP, Chunk, IntArray, Record, Spans

_OFFSET, _TIMESTAMP = attrgetter("offset"), attrgetter("timestamp")
_KEY, _VALUE = attrgetter("key"), attrgetter("value")


def to_chunk(topic: str, partition: int, records: Sequence[Any]) -> Chunk:
    """From aiokafka's records of one partition, at least one; their timestamps are whole milliseconds."""
    n = len(records)
    return Chunk(
        topic,
        partition,
        np.fromiter(map(_OFFSET, records), np.int64, n),
        _timestamps(records),
        list(map(_KEY, records)),
        list(map(_VALUE, records)),
    )


def _timestamps(records: Sequence[Any]) -> IntArray:
    try:
        timestamps = np.fromiter(map(_TIMESTAMP, records), np.int64, len(records))
    except TypeError:  # the oldest message format has none
        known = (record.timestamp for record in records)
        timestamps = np.array([NO_TIMESTAMP if t is None else t for t in known], np.int64)
    return np.maximum(timestamps, NO_TIMESTAMP)


def from_event(event: Any) -> Record:
    """From a Faust event of a raw topic; its timestamp is seconds, and its value None for a tombstone."""
    message = event.message
    seconds = message.timestamp
    timestamp = NO_TIMESTAMP if seconds is None or seconds < 0 else round(seconds * 1000)
    return Record(message.topic, message.partition, message.offset, timestamp, message.key, message.value)


def by_partition(records: Iterable[Record]) -> list[Chunk]:
    """Records of several partitions as one chunk each, in the order of topics and partitions."""
    groups: dict[tuple[str, int], list[Record]] = {}
    for record in records:
        groups.setdefault((record.topic, record.partition), []).append(record)
    return [Chunk.of(group) for _, group in sorted(groups.items())]


def joined(chunks: Iterable[Chunk]) -> list[Chunk]:
    """One chunk for each partition, in the order of topics and partitions."""
    groups: dict[tuple[str, int], list[Chunk]] = {}
    for chunk in chunks:
        groups.setdefault((chunk.topic, chunk.partition), []).append(chunk)
    return [concatenated(group) for _, group in sorted(groups.items())]


def concatenated(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks of one partition, at least one, as one; no bytes are copied."""
    first = chunks[0]
    if len(chunks) == 1:
        return first
    columns = [Spans.of(column) for chunk in chunks for column in (chunk.keys, chunk.values)]
    # Keys and values, and the chunks of a fetch, have the same buffers.
    kept = {id(column.buffers): column.buffers for column in columns}
    begins = dict(
        zip(kept, accumulate((sum(map(len, some)) for some in kept.values()), initial=0), strict=False)
    )
    buffers = tuple(chain.from_iterable(kept.values()))
    keys, values = (
        Spans(
            buffers,
            np.concatenate([column.begins + begins[id(column.buffers)] for column in some]),
            np.concatenate([column.lengths for column in some]),
        )
        for some in (columns[::2], columns[1::2])
    )
    return Chunk(
        first.topic,
        first.partition,
        np.concatenate([chunk.offsets for chunk in chunks]),
        np.concatenate([chunk.timestamps_ms for chunk in chunks]),
        keys,
        values,
    )
