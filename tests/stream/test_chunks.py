"""The transport of chunks on the real broker: nothing is lost, nothing is committed too early, everything in the end.

A chunk is what the journal of chunk_member.py has in a line.
"""

import asyncio
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings

Start = Callable[..., Any]


@pytest.fixture
def topic(settings: Settings) -> str:
    return settings.source.topic


def numbers(first: int, last: int, do: str = "") -> list[bytes | None]:
    """Records `first` to `last` inclusive."""
    return [f"{n} {do}".rstrip().encode() for n in range(first, last + 1)]


def ends(broker: Any, topic: str) -> dict[int, int]:
    """The offset after the last one of each partition, markers included."""
    consumer = Consumer({**broker._client, "group.id": "ends"})
    try:
        partitions = consumer.list_topics(topic, 10).topics[topic].partitions
        return {p: consumer.get_watermark_offsets(TopicPartition(topic, p), 10)[1] for p in partitions}
    finally:
        consumer.close()


def in_mid_chunk(member: Any, broker: Any, do: str) -> None:
    """Some chunks are handled and committed, and one that does this is on its way."""
    broker.send(numbers(1, 500))
    member.until(lambda: broker.committed() == {0: 500})
    broker.send([*numbers(501, 560), *numbers(561, 561, do), *numbers(562, 1_000)])


@pytest.mark.parametrize("transport", ["chunks", "stock"])
def test_after_a_crash_in_mid_chunk_all_of_it_is_handled_again_and_nothing_before_it(
    settings: Settings, broker: Any, start_member: Start, transport: str
) -> None:
    settings = replace(settings, stream=replace(settings.stream, transport=transport))
    broker.create_topics(1)
    first = start_member(settings)
    in_mid_chunk(first, broker, "slow")
    first.until(lambda: len(first.lines("began")) == 1)
    time.sleep(0.6)  # longer than `commit_every`: what is on its way would be committed by now
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    committed = broker.committed()[0]
    assert committed == sum(first.handled().values()) < 1_000
    second = start_member(settings)
    second.until(lambda: broker.committed() == {0: 1_000})
    assert second.numbers() == dict.fromkeys(range(1, 1_001), 1)


def test_an_exception_in_mid_chunk_commits_what_was_before_it_and_ends_the_process(
    settings: Settings, broker: Any, start_member: Start
) -> None:
    broker.create_topics(1)
    first = start_member(settings)
    in_mid_chunk(first, broker, "explode")
    assert first.process.wait(20) == 1
    assert "this record explodes" in first.said
    assert broker.committed() == {0: sum(first.handled().values())}
    first.journal.with_suffix(".healed").touch()
    second = start_member(settings)
    second.until(lambda: broker.committed() == {0: 1_000})
    assert second.numbers() == dict.fromkeys(range(1, 1_001), 1)


@pytest.mark.parametrize("joining", [1, 2])
def test_members_that_join_and_leave_in_mid_chunk_lose_nothing_and_do_nothing_twice(
    settings: Settings, broker: Any, topic: str, start_member: Start, joining: int
) -> None:
    # So rarely that only the rebalances and the end commit.
    settings = replace(settings, stream=replace(settings.stream, commit_every=Duration(600_000)))
    broker.create_topics(6)
    first = start_member(settings)
    first.until(lambda: first.is_ready)
    for partition in range(6):
        values = [*numbers(1, 700), *numbers(701, 701, "slow"), *numbers(702, 3_000)]
        broker.send(values, partition=partition)
    first.until(lambda: len(first.lines("began")) >= 1)
    others = [start_member(settings) for _ in range(joining)]
    for other in others:
        other.until(lambda other=other: other.is_ready and "no partition" not in other.holds)
    for partition in range(6):
        broker.send([*numbers(3_001, 3_001, "slow"), *numbers(3_002, 4_000)], partition=partition)
    first.until(lambda: len(first.lines("began")) > 6)
    for other in others:
        assert other.end() == 0
    first.until(lambda: len(first.handled()) == 24_000)
    assert first.end() == 0
    assert broker.committed() == dict.fromkeys(range(6), 4_000)
    assert first.handled() == dict.fromkeys([(topic, p, o) for p in range(6) for o in range(4_000)], 1)


def test_a_member_that_dies_in_mid_chunk_is_replaced_and_only_that_chunk_is_done_again(
    settings: Settings, broker: Any, topic: str, start_member: Start
) -> None:
    broker.create_topics(4)
    dying, staying = start_member(settings), start_member(settings)
    for member in (dying, staying):
        member.until(lambda member=member: member.is_ready and "no partition" not in member.holds)
    for partition in range(4):
        broker.send([*numbers(1, 300), *numbers(301, 301, "slow"), *numbers(302, 500)], partition=partition)
    dying.until(lambda: any(int(line[0]) == dying.process.pid for line in dying.lines("began")))
    dying.process.kill()
    dying.process.wait()
    staying.until(lambda: broker.committed() == dict.fromkeys(range(4), 500))
    handled = staying.handled()
    assert set(handled) == {(topic, p, o) for p in range(4) for o in range(500)}
    # What it had handled since its last commit, at most half a second before, and no more.
    assert max(handled.values()) <= 2


def test_asked_to_end_in_mid_chunk_it_finishes_and_commits_that_chunk(
    settings: Settings, broker: Any, start_member: Start
) -> None:
    broker.create_topics(1)
    first = start_member(settings)
    in_mid_chunk(first, broker, "slow")
    first.until(lambda: len(first.lines("began")) == 1)
    assert first.end() == 0
    assert broker.committed() == {0: sum(first.handled().values())}
    assert 561 in first.numbers()
    second = start_member(settings)
    second.until(lambda: broker.committed() == {0: 1_000})
    assert second.numbers() == dict.fromkeys(range(1, 1_001), 1)


def test_a_topic_that_goes_quiet_is_committed_to_its_end(
    settings: Settings, broker: Any, start_member: Start
) -> None:
    broker.create_topics(2)
    member = start_member(settings)
    member.until(lambda: member.is_ready)
    for last in (1, 200):
        broker.send(numbers(1, last))
        member.until(lambda: {0: 0, 1: 0} | broker.committed() == ends(broker, settings.source.topic), 10)


def test_transactions_leave_gaps_that_commits_pass_and_aborted_ones_are_not_seen(
    settings: Settings, broker: Any, topic: str, start_member: Start
) -> None:
    broker.create_topics(1)
    member = start_member(settings)

    async def produce() -> None:
        producer = AIOKafkaProducer(
            bootstrap_servers=settings.kafka.bootstrap_servers, transactional_id=settings.kafka.group
        )
        async with producer:
            for n in range(20):
                await producer.begin_transaction()
                for number in range(10 * n, 10 * n + 10):
                    await producer.send(topic, str(number).encode(), partition=0)
                await (producer.commit_transaction() if n % 3 else producer.abort_transaction())

    asyncio.run(produce())
    # 200 records and 20 markers, the last thing in the log being one.
    assert ends(broker, topic) == {0: 220}
    member.until(lambda: broker.committed() == {0: 220})
    wanted = [number for number in range(200) if (number // 10) % 3]
    assert member.numbers() == dict.fromkeys(wanted, 1)
    assert member.end() == 0

    again = start_member(settings)
    again.until(lambda: again.is_ready)
    broker.send(numbers(1_000, 1_000))
    again.until(lambda: broker.committed() == {0: 221})
    assert again.numbers() == dict.fromkeys([*wanted, 1_000], 1)


def test_compaction_leaves_gaps_that_commits_pass(
    settings: Settings, broker: Any, topic: str, start_member: Start
) -> None:
    admin = AdminClient(broker._client)
    change = ConfigEntry("log.cleaner.backoff.ms", "100", incremental_operation=AlterConfigOpType.SET)
    (node,) = admin.list_topics(timeout=10).brokers
    resource = ConfigResource(ConfigResource.Type.BROKER, str(node), incremental_configs=[change])
    for changed in admin.incremental_alter_configs([resource]).values():
        changed.result(20)
    eager = {
        "cleanup.policy": "compact",
        "segment.ms": "200",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "200",
    }
    admin.create_topics([NewTopic(topic, 1, 1, config=eager)])[topic].result(20)
    producer = Producer(broker._client)
    for number in range(600):
        key = b"often" if number % 10 else str(number).encode()
        producer.produce(topic, str(number).encode(), key, 0)
        if number % 200 == 199:
            assert producer.flush(20) == 0
            time.sleep(0.3)  # another segment
    producer.produce(topic, b"600", b"last", 0)
    assert producer.flush(20) == 0
    wait_for(lambda: len(offsets(broker, topic)) < 300)

    member = start_member(settings)
    member.until(lambda: broker.committed() == {0: 601})
    # The cleaner may have gone on meanwhile.
    assert set(member.numbers()) <= set(range(601))
    assert {*range(0, 600, 10), 600} <= set(member.numbers())
    assert len(member.numbers()) < 300


def test_several_topics_keep_their_partitions_together_and_their_commits_apart(
    settings: Settings, broker: Any, topic: str, start_member: Start
) -> None:
    other = f"{topic}-other"
    broker.create_topics(4, only=(topic, other))
    members = [start_member(settings, topic, other) for _ in range(2)]
    for member in members:
        member.until(lambda member=member: member.is_ready and "no partition" not in member.holds)
    for partition in range(4):
        broker.send(numbers(1, 100 + partition), partition=partition, topic=topic)
        broker.send(numbers(1, 50 + partition), partition=partition, topic=other)
    members[0].until(lambda: broker.committed() == {p: 100 + p for p in range(4)})
    members[0].until(lambda: broker.committed(other) == {p: 50 + p for p in range(4)})
    owners = {(name, p): who for who, name, p, *_ in members[0].lines("handled")}
    assert len(set(owners.values())) == 2
    for partition in map(str, range(4)):
        assert owners[topic, partition] == owners[other, partition]


def test_an_ordinary_agent_beside_gets_its_topic_record_by_record_and_commits_it_to_its_end(
    settings: Settings, broker: Any, topic: str, start_member: Start
) -> None:
    plain = f"{topic}.plain"
    broker.create_topics(2, only=(topic, plain))
    for partition in range(2):
        broker.send(numbers(1, 300), partition=partition, topic=topic)
        broker.send(numbers(1, 40), partition=partition, topic=plain)
    member = start_member(settings, topic, plain)
    member.until(lambda: broker.committed() == {0: 300, 1: 300})
    member.until(lambda: broker.committed(plain) == {0: 40, 1: 40})
    told = [(int(p), *words) for _, name, p, *words in member.lines("handled") if name == plain]
    assert sorted(told) == sorted((p, f"{n - 1}:{n}") for p in range(2) for n in range(1, 41))
    chunks = [words for _, name, _, *words in member.lines("handled") if name == topic]
    assert sum(map(len, chunks)) == 600
    assert len(chunks) < 60


def test_no_chunk_is_longer_than_the_setting(settings: Settings, broker: Any, start_member: Start) -> None:
    broker.create_topics(1)
    broker.send(numbers(1, 1_000))
    member = start_member(settings)
    member.until(lambda: broker.committed() == {0: 1_000})
    lengths = [len(records) for _, _, records in member.chunks()]
    assert max(lengths) <= 2 * settings.stream.batch_records
    assert max(lengths) > 1


def offsets(broker: Any, topic: str) -> list[int]:
    """Those of the records partition 0 still has."""
    consumer = Consumer({**broker._client, "group.id": "reader", "enable.auto.commit": False})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        end = consumer.get_watermark_offsets(TopicPartition(topic, 0), 10)[1]
        found: list[int] = []
        while not found or found[-1] < end - 1:
            found += [message.offset() for message in consumer.consume(1_000, 0.5)]
        return found
    finally:
        consumer.close()


def wait_for(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)
