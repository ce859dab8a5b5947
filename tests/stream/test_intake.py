"""Several sources become one log: what is in it, where, when it is acknowledged, and over crashes and members."""

import json
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.log import with_log
from fraudwatch.config.settings import Csv, Kafka, Settings, Source
from fraudwatch.errors import BrokerError, ConfigurationError
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Chunk, Outcome, Record
from fraudwatch.stream import run_intake

Start = Callable[..., Any]

PARTITIONS = 3
# Within the retention of the topics: an hour ago.
BASE = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
BASE_MS = int(BASE.timestamp()) * 1000


@pytest.fixture
def two(settings: Settings) -> Settings:
    """Cards as JSON and cash as CSV, into one log."""
    name = settings.source.topic
    sources = {
        "cards": Source(
            topic=f"{name}.cards",
            mapping={
                "transaction_id": "id",
                "account_id": "card",
                "event_time": "at",
                "amount": "amount",
            },
        ),
        "cash": Source(
            topic=f"{name}.cash",
            format="csv",
            csv=Csv(columns=("transaction_id", "account_id", "event_time", "amount"), decimal=","),
        ),
    }
    topics = replace(settings.topics, transactions=f"{name}.log")
    return with_log(replace(settings, sources=sources, topics=topics))


@pytest.fixture
def make_topics(two: Settings, broker: Any) -> Callable[..., None]:
    def make(*, refusing: str | None = None) -> None:
        of_sources = [source.topic for source in two.sources.values()]
        broker.create_topics(PARTITIONS, only=(two.topics.transactions,), refusing=refusing)
        broker.create_topics(2, only=(*of_sources, two.topics.dead_letters))

    return make


def cards(first: int, last: int, account: str | None = None, at_ms: int = BASE_MS) -> list[bytes | None]:
    """Card records `first` to `last` inclusive, of ten accounts unless one is given."""
    return [
        json.dumps(
            {"id": f"c{n}", "card": account or f"a{n % 10}", "at": at_ms + n, "amount": n + 0.25}
        ).encode()
        for n in range(first, last + 1)
    ]


def cash(first: int, last: int) -> list[bytes | None]:
    return [f"k{n};a{n % 10};{BASE.isoformat()};{n},50".encode() for n in range(first, last + 1)]


def ids(messages: list[Any]) -> list[str]:
    return [json.loads(message.value())["transaction_id"] for message in messages]


def test_the_log_holds_canonical_transactions_where_kafka_puts_their_accounts_with_the_time_of_the_record(
    two: Settings, broker: Any, make_topics: Callable[..., None], start_intake: Start
) -> None:
    make_topics()
    broker.send(cards(1, 20), partition=1, topic=two.sources["cards"].topic, timestamp_ms=BASE_MS + 123)
    bad: list[bytes | None] = [b"\xff not JSON", None]
    broker.send(bad, topic=two.sources["cards"].topic, timestamp_ms=BASE_MS + 123)
    ahead = cards(21, 21, at_ms=BASE_MS + 25 * 3_600_000)
    broker.send(ahead, topic=two.sources["cards"].topic, timestamp_ms=BASE_MS)
    broker.send([*cash(1, 10), b"1;2"], topic=two.sources["cash"].topic, timestamp_ms=BASE_MS + 7)
    intake = start_intake(two)
    intake.until(lambda: len(broker.read(two.topics.transactions)) == 30)
    intake.until(lambda: intake.shows('fraudwatch_source_records_total{source="cash"} 11.0'))

    log = broker.read(two.topics.transactions)
    assert sorted(ids(log)) == sorted([f"c{n}" for n in range(1, 21)] + [f"k{n}" for n in range(1, 11)])
    of_seven = next(json.loads(m.value()) for m in log if json.loads(m.value())["transaction_id"] == "k7")
    assert of_seven == {
        "transaction_id": "k7",
        "account_id": "a7",
        "event_time": BASE_MS,
        "amount": 7.5,
        "currency": "EUR",
    }
    times = {json.loads(m.value())["transaction_id"][0]: m.timestamp()[1] for m in log}
    assert times == {"c": BASE_MS + 123, "k": BASE_MS + 7}
    assert {m.key().decode() for m in log} == {f"a{n}" for n in range(10)}
    assert all(m.key().decode() == json.loads(m.value())["account_id"] for m in log)
    elsewhere = f"{two.topics.transactions}.java"
    broker.create_topics(PARTITIONS, only=(elsewhere,))
    broker.send_as_java_does(elsewhere, sorted({m.key() for m in log}))
    expected = {m.key(): m.partition() for m in broker.read(elsewhere)}
    assert {m.key(): m.partition() for m in log} == expected
    assert len(set(expected.values())) == PARTITIONS

    letters = broker.read(two.topics.dead_letters)
    found = {(dict(m.headers())["topic"].decode(), dict(m.headers())["reason"].decode()) for m in letters}
    topics = {name: source.topic for name, source in two.sources.items()}
    assert found == {
        (topics["cards"], "not_json"),
        (topics["cards"], "tombstone"),
        (topics["cards"], "time_ahead"),
        (topics["cash"], "not_csv"),
    }
    assert intake.shows('fraudwatch_source_dead_letters_total{reason="time_ahead",source="cards"} 1.0')
    assert intake.shows('fraudwatch_source_transactions_total{source="cards"} 20.0')
    intake.until(lambda: intake.shows('fraudwatch_source_lag_records{source="cards"} 0.0'))
    assert intake.end() == 0
    assert broker.committed(topics["cards"], f"{two.kafka.group}-intake") == {0: 3, 1: 20}


def test_after_a_crash_nothing_is_lost_and_a_pipeline_finds_the_repeats(
    two: Settings, broker: Any, make_topics: Callable[..., None], start_intake: Start
) -> None:
    make_topics()
    # So rarely that the crash finds nothing committed.
    rarely = replace(two, stream=replace(two.stream, commit_every=Duration(600_000)))
    broker.send(cards(1, 300), topic=two.sources["cards"].topic)
    first = start_intake(rarely)
    first.until(lambda: len(broker.read(two.topics.transactions)) == 300)
    first.process.kill()
    first.process.wait()
    broker.send(cards(301, 400), topic=two.sources["cards"].topic)
    second = start_intake(two)
    group = f"{two.kafka.group}-intake"
    second.until(lambda: broker.committed(two.sources["cards"].topic, group).get(0) == 400)

    log = broker.read(two.topics.transactions)
    assert len(log) == 700
    assert set(ids(log)) == {f"c{n}" for n in range(1, 401)}
    outcomes: list[int] = []
    for partition in range(PARTITIONS):
        pipeline = Pipeline(two, partition=partition, partitions=PARTITIONS)
        of_partition = [m for m in log if m.partition() == partition]
        records = [
            Record(m.topic(), partition, m.offset(), m.timestamp()[1], m.key(), m.value())
            for m in of_partition
        ]
        batch = pipeline.fold(Chunk.of(records))
        assert (batch.dead_letters, batch.conflicts) == ([], 0)
        outcomes += batch.assessments.outcome.tolist()
    assert outcomes.count(Outcome.DUPLICATE.value) == 300


def test_a_log_that_takes_nothing_ends_intake_without_acknowledging(
    two: Settings, broker: Any, make_topics: Callable[..., None], start_intake: Start
) -> None:
    make_topics(refusing=two.topics.transactions)
    intake = start_intake(two)
    intake.until(lambda: intake.is_ready)
    broker.send(cards(1, 5), topic=two.sources["cards"].topic)
    assert intake.process.wait(20) == 1
    assert f"expected {two.topics.transactions} to acknowledge" in intake.said
    assert broker.committed(two.sources["cards"].topic, f"{two.kafka.group}-intake") == {}


def test_a_silent_source_is_said_once_and_holds_nobody_back(
    two: Settings, broker: Any, make_topics: Callable[..., None], start_intake: Start
) -> None:
    make_topics()
    patient = replace(two.sources["cards"], silent_after=Duration(3_600_000))
    soon = replace(two.sources["cash"], silent_after=Duration(1_000))
    intake = start_intake(replace(two, sources={"cards": patient, "cash": soon}))
    intake.until(lambda: intake.shows('fraudwatch_source_silent{source="cash"} 1.0'))
    broker.send(cards(1, 50), topic=patient.topic)
    intake.until(lambda: len(broker.read(two.topics.transactions)) == 50)
    assert intake.said.count("source cash is silent: no record on") == 1
    broker.send(cash(1, 5), topic=soon.topic)
    intake.until(lambda: "source cash has records again, after" in intake.said)
    assert intake.shows('fraudwatch_source_silent{source="cards"} 0.0')
    assert "source cards" not in intake.said
    assert len(broker.read(two.topics.transactions)) == 55


def test_two_members_share_the_partitions_and_one_that_dies_is_replaced(
    two: Settings,
    broker: Any,
    make_topics: Callable[..., None],
    start_intake: Start,
    free_port: Callable[[], int],
) -> None:
    make_topics()
    staying = start_intake(two)
    dying = start_intake(two, metrics=replace(two.metrics, port=free_port()))
    for member in (staying, dying):
        member.until(lambda member=member: member.is_ready and member.ask("/ready")[1].count("/") == 2)
    both = staying.ask("/ready")[1] + dying.ask("/ready")[1]
    assert all(place in both for place in ("cards/0", "cards/1", "cash/0", "cash/1"))
    for partition in range(2):
        broker.send(
            cards(1_000 * partition, 1_000 * partition + 399, f"p{partition}"),
            partition,
            two.sources["cards"].topic,
        )
    dying.process.send_signal(signal.SIGKILL)
    group = f"{two.kafka.group}-intake"
    staying.until(lambda: broker.committed(two.sources["cards"].topic, group) == {0: 400, 1: 400})
    staying.until(lambda: staying.ask("/ready")[1].count("/") == 4)
    log = broker.read(two.topics.transactions)
    for account, first in (("p0", 0), ("p1", 1_000)):
        arrived = ids([m for m in log if m.key() == account.encode()])
        assert list(dict.fromkeys(arrived)) == [f"c{n}" for n in range(first, first + 400)]


def test_without_sources_there_is_nothing_to_take_in() -> None:
    with pytest.raises(ConfigurationError, match="expected at least one source to take in, found none"):
        run_intake(Settings())


def test_a_source_that_cannot_be_used_is_refused_before_kafka_is_asked() -> None:
    nowhere = Kafka(bootstrap_servers="127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"sources\.cards"):
        run_intake(Settings(kafka=nowhere, sources={"cards": Source(mapping={"amonut": "value"})}))


def test_missing_topics_are_named_with_their_settings(two: Settings, broker: Any) -> None:
    broker.create_topics(2, only=(two.sources["cards"].topic, two.topics.dead_letters))
    with pytest.raises(BrokerError) as raised:
        run_intake(two)
    assert f"{two.sources['cash'].topic} (sources.cash.topic)" in str(raised.value)
    assert f"{two.topics.transactions} (topics.transactions)" in str(raised.value)
    assert "(sources.cards.topic)" not in str(raised.value)
