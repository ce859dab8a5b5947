"""What the broker holds afterwards, read from outside: the log, what was published, and every commit there was."""

import struct
from collections.abc import Sequence
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

COMMITS = "__consumer_offsets"
MOST_AT_ONCE = 10_000
COMMIT_KEYS = (0, 1)
"""Versions of the keys that are commits; the others are about members."""


class UnansweredError(Exception):
    """The broker did not say how far a group is."""


class Logged(NamedTuple):
    """A record of a topic; `at_ms` is when the broker took it."""

    partition: int
    offset: int
    at_ms: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


class Commit(NamedTuple):
    """Everything below `offset` is acknowledged; `at_ms` is when the broker took that."""

    partition: int
    offset: int
    at_ms: int


def read(address: str, topic: str) -> list[Logged]:
    """Every record, partition by partition in the order of their offsets."""
    return [_logged(message) for message in _messages(address, topic)]


def commits(address: str, group: str, topic: str) -> list[Commit]:
    """Of a group on a topic, in the order the broker took them for each partition."""
    found = []
    for message in _messages(address, COMMITS):
        place = _place(message.key())
        if place is not None and place[:2] == (group, topic) and message.value() is not None:
            (offset,) = struct.unpack_from(">q", message.value(), 2)
            found.append(Commit(place[2], offset, message.timestamp()[1]))
    return found


def committed(
    address: str, group: str, places: Sequence[tuple[str, int]]
) -> tuple[dict[int, int], dict[int, int]]:
    """By partition the offset committed, 0 where there is none, and the end of the log. Raises UnansweredError."""
    consumer = Consumer(_client(address, group))
    try:
        asked = consumer.committed([TopicPartition(*place) for place in places], 10)
        ends = {place[1]: consumer.get_watermark_offsets(TopicPartition(*place), 10)[1] for place in places}
        return {each.partition: max(each.offset, 0) for each in asked}, ends
    except KafkaException as error:
        raise UnansweredError(str(error)) from error
    finally:
        consumer.close()


def _messages(address: str, topic: str) -> list[Message]:
    consumer = Consumer(_client(address, "chaos-reader"))
    found: list[Message] = []
    try:
        for partition in sorted(consumer.list_topics(topic, 10).topics[topic].partitions):
            place = TopicPartition(topic, partition, 0)
            _, end = consumer.get_watermark_offsets(place, 10)
            consumer.assign([place])
            at = 0
            while at < end:
                for message in consumer.consume(min(end - at, MOST_AT_ONCE), 0.5):
                    if message.error() is not None:
                        raise RuntimeError(f"{topic} cannot be read: {message.error()}")
                    found.append(message)
                at = max(consumer.position([place])[0].offset, 0)
    finally:
        consumer.close()
    return found


def _client(address: str, group: str) -> dict[str, str | int | bool]:
    return {
        "bootstrap.servers": address,
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "log_level": 0,
    }


def _logged(message: Message) -> Logged:
    headers = {name: value or b"" for name, value in message.headers() or []}
    place = message.partition(), message.offset(), message.timestamp()[1]
    return Logged(*place, message.key(), message.value(), headers)


def _place(key: bytes | None) -> tuple[str, str, int] | None:
    """Group, topic and partition of a commit's key (Kafka's OffsetCommitKey.json); None of any other key."""
    if key is None or struct.unpack_from(">h", key)[0] not in COMMIT_KEYS:
        return None
    at = 2
    names = []
    for _ in range(2):
        (length,) = struct.unpack_from(">h", key, at)
        names.append(key[at + 2 : at + 2 + length].decode())
        at += 2 + length
    return names[0], names[1], struct.unpack_from(">i", key, at)[0]
