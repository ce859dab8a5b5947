"""Bystanders: the lag of the workers' group, and a topic read without joining it."""

from collections.abc import Callable, Iterable

import pytest
from confluent_kafka import Producer

from fraudwatch.broker import topics
from fraudwatch.broker.lag import PartitionLag, group_lag
from fraudwatch.broker.replay import Row, replay
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.records import Record

Commit = Callable[[Settings, dict[int, int]], None]

KEY = b"foobar"
PARTITION = (-790332482 & 0x7FFFFFFF) % 4


def send(settings: Settings, values: Iterable[bytes]) -> None:
    replay(settings, [Row(KEY, value) for value in values])


def test_lag_is_what_lies_between_the_commit_and_the_end(settings: Settings, commit: Commit) -> None:
    topics.apply(settings)
    send(settings, [b"%d" % number for number in range(10)])
    untouched = [PartitionLag(other, 0, None, 0) for other in range(4) if other != PARTITION]

    def lags() -> list[PartitionLag]:
        return sorted(group_lag(settings), key=lambda lag: lag.partition == PARTITION)

    assert lags() == [*untouched, PartitionLag(PARTITION, 10, None, 10)]
    commit(settings, {PARTITION: 7})
    assert lags() == [*untouched, PartitionLag(PARTITION, 10, 7, 3)]
    commit(settings, {PARTITION: 10})
    assert lags() == [*untouched, PartitionLag(PARTITION, 10, 10, 0)]


def test_the_lag_of_a_missing_topic_names_it(settings: Settings) -> None:
    with pytest.raises(BrokerError, match=f"expected a topic named {settings.source.topic}"):
        group_lag(settings)


def test_a_tail_ends_at_what_was_the_end_and_leaves_no_commit(settings: Settings) -> None:
    topics.apply(settings)
    send(settings, [b"first", b"second"])
    records = list(tail(settings, settings.source.topic))
    assert [(record.partition, record.offset, record.value) for record in records] == [
        (PARTITION, 0, b"first"),
        (PARTITION, 1, b"second"),
    ]
    assert all(record.timestamp_ms > 1_600_000_000_000 for record in records)
    assert list(tail(settings, settings.source.topic, since="end")) == []
    assert {lag.committed for lag in group_lag(settings)} == {None}


@pytest.mark.parametrize(("since", "expected"), [("start", [b"old", b"new"]), ("end", [b"new"])])
def test_a_tail_that_follows_sees_what_comes_after_it_began(
    settings: Settings, since: str, expected: list[bytes]
) -> None:
    topics.apply(settings)
    send(settings, [b"old"])
    sent: list[bytes] = []
    seen: list[Record] = []

    def stop() -> bool:
        if not sent:  # asked for the first time once the tail knows where it starts
            sent.append(b"new")
            send(settings, sent)
        return len(seen) == len(expected)

    for record in tail(settings, settings.source.topic, follow=True, since=since, stop=stop):
        seen.append(record)  # noqa: PERF402 (`stop` looks at it)
    assert [record.value for record in seen] == expected


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_a_tail_reads_what_a_producer_or_the_topic_compressed(settings: Settings, codec: str) -> None:
    topics.apply(settings)
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers, "compression.type": codec})
    for number in range(50):
        producer.produce(settings.source.topic, b"%d " % number * 40, KEY, partition=PARTITION)
    producer.flush()
    assert len(list(tail(settings, settings.source.topic))) == 50


def test_the_tail_of_a_missing_topic_names_it(settings: Settings) -> None:
    with pytest.raises(BrokerError, match="expected a topic named nowhere, found none"):
        list(tail(settings, "nowhere"))
