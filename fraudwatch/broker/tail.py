"""Read a topic as a bystander: all partitions, no group, no commits."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

from kafka import KafkaConsumer, TopicPartition

from fraudwatch.broker.admin import (
    admin_client,
    begin_offsets,
    connected,
    end_offsets,
    partitions_of,
)
from fraudwatch.config.settings import Kafka, Settings
from fraudwatch.errors import BrokerError
from fraudwatch.records import Record

POLL_MS = 200
"""How long one look for records takes at most, and so how late `stop` is noticed."""

Since = Literal["start", "end"]


def never() -> bool:
    """A `stop` that lets things run their course."""
    return False


def tail(
    settings: Settings,
    topic: str,
    *,
    follow: bool = False,
    since: Since = "start",
    stop: Callable[[], bool] = never,
) -> Iterator[Record]:
    """The records of a topic, in order within each partition, from what is still there (`start`) or new (`end`).

    Without `follow` it ends at what was the end when it began. Partitions added meanwhile are not seen. Raises
    BrokerError when Kafka does not answer or there is no such topic.
    """
    for read in consumed(settings.kafka, topic, follow=follow, since=since, stop=stop):
        yield Record(topic, read.partition, read.offset, read.timestamp, read.key, read.value)


def consumed(
    kafka: Kafka, topic: str, *, follow: bool, since: Since, stop: Callable[[], bool]
) -> Iterator[Any]:
    """The same as kafka-python's consumer records, which carry the headers."""
    begins, ends = _bounds(kafka, topic)
    settled = {
        "group_id": None,
        "enable_auto_commit": False,
        # What was deleted before it was read is gone: go on with what is there.
        "auto_offset_reset": "earliest",
        "allow_auto_create_topics": False,
        # kafka-python wants it below the request timeout.
        "fetch_max_wait_ms": min(POLL_MS, int(kafka.request_timeout) // 2),
    }
    with connected(KafkaConsumer, kafka, **settled) as consumer:
        consumer.assign(list(ends))
        for partition, offset in (begins if since == "start" else ends).items():
            consumer.seek(partition, offset)
        yield from _read(consumer, kafka, None if follow else ends, stop)


def _bounds(kafka: Kafka, topic: str) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """First and end offsets. Asked of an admin client: the consumer waits for metadata without a deadline."""
    with admin_client(kafka) as client:
        partitions = partitions_of(client, topic)
        return begin_offsets(client, partitions), end_offsets(client, partitions)


def _read(
    consumer: Any, kafka: Kafka, ends: dict[TopicPartition, int] | None, stop: Callable[[], bool]
) -> Iterator[Any]:
    """Until `stop`, or until every position has reached its end."""
    idle_ms = 0
    while not stop() and (ends is None or _is_short_of(consumer, ends)):
        batches = consumer.poll(timeout_ms=POLL_MS)
        for partition, records in batches.items():
            for record in records:
                if ends is None or record.offset < ends[partition]:
                    yield record
        idle_ms = 0 if batches else idle_ms + POLL_MS
        if ends is not None and idle_ms > kafka.request_timeout:
            raise BrokerError(
                f"Kafka at {kafka.bootstrap_servers} stopped short of the end of the topic: nothing came for "
                f"{kafka.request_timeout}"
            )


def _is_short_of(consumer: Any, ends: dict[TopicPartition, int]) -> bool:
    # Positions, not offsets of records: the last offsets may be transaction markers or compacted away.
    return any(consumer.position(partition) < end for partition, end in ends.items())
