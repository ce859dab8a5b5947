"""`rebuild` takes the snapshots away and sets the group back, and says so first."""

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from fraudwatch.broker.admin import connection
from fraudwatch.broker.senders import sender
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings

Run = Callable[..., Result]

pytestmark = pytest.mark.parametrize(
    "either", [pytest.param("kafka", marks=pytest.mark.kafka)], indirect=True, ids=["kafka"]
)
KEYS = (b"1/0/0", b"1/0/1", b"1/0/manifest", b"3/1/0", b"3/1/manifest")


@pytest.fixture
def settings(either_settings: Settings) -> Settings:
    """Of a log of 40 records, of which the group has committed some, and two snapshots."""
    with sender(either_settings.kafka, either_settings.source.topic) as producer:
        for number in range(40):
            producer.send(number % 4, None, b"{}")
        producer.flush()
    with sender(either_settings.kafka, either_settings.topics.snapshots) as producer:
        for key in (*KEYS, b"1/1/manifest"):
            producer.send(int(key[:1]), key, b"anything")
        producer.send(1, b"1/1/manifest", None)
        producer.flush()
    topic = either_settings.source.topic
    commits = {TopicPartition(topic, p): OffsetAndMetadata(p + 4, "", -1) for p in range(3)}
    with_group = {"group_id": either_settings.kafka.group, "enable_auto_commit": False}
    consumer = KafkaConsumer(**connection(either_settings.kafka), **with_group)
    consumer.assign(list(commits))
    consumer.commit(commits)
    consumer.close()
    return either_settings


def kept(settings: Settings) -> set[bytes]:
    """Keys that have a value."""
    newest = {record.key or b"": record.value for record in tail(settings, settings.topics.snapshots)}
    return {key for key, value in newest.items() if value is not None}


def committed(run: Run, either: list[str]) -> list[int | None]:
    lag = json.loads(run("lag", *either, "--json").stdout)
    return [at["committed"] for at in lag["partitions"]]


def test_nothing_is_done_until_it_is_said_twice(run: Run, either: list[str], settings: Settings) -> None:
    shown = run("rebuild", *either)
    assert shown.exit_code == 1
    assert "5 messages of" in shown.stderr
    assert "15 records of" in shown.stderr
    assert "judged again, and their alerts published again" in shown.stderr
    told = json.loads(run("rebuild", *either, "--json").stdout)
    assert (told["done"], told["snapshot_messages"], told["published_again"]) == (False, 5, 15)
    assert kept(settings) == set(KEYS)
    assert committed(run, either) == [4, 5, 6, None]


def test_snapshots_go_and_the_group_begins_again(run: Run, either: list[str], settings: Settings) -> None:
    done = run("rebuild", *either, "--yes")
    assert done.exit_code == 0, done.stderr
    assert "done: start the workers again" in done.stderr
    assert kept(settings) == set()
    removed = [record.key for record in tail(settings, settings.topics.snapshots) if record.value is None]
    assert removed.index(b"1/0/manifest") < removed.index(b"1/0/0")
    assert committed(run, either) == [0, 0, 0, 0]


def test_silently_the_group_stays_where_it_is(run: Run, either: list[str], settings: Settings) -> None:
    told = json.loads(run("rebuild", *either, "--silently", "--yes", "--json").stdout)
    assert (told["done"], told["published_again"]) == (True, 0)
    assert kept(settings) == set()
    assert committed(run, either) == [4, 5, 6, None]


def test_it_is_refused_while_a_member_is_there(run: Run, either: list[str], settings: Settings) -> None:
    member = KafkaConsumer(
        **connection(settings.kafka), group_id=settings.kafka.group, enable_auto_commit=False
    )
    try:
        member.subscribe([settings.source.topic])
        while not member.assignment():
            member.poll(timeout_ms=200)
        refused = run("rebuild", *either, "--yes")
    finally:
        member.close()
    assert refused.exit_code == 1
    assert "stop all workers first" in refused.stderr
    assert kept(settings) == set(KEYS)
    assert committed(run, either) == [4, 5, 6, None]
