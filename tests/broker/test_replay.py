"""Rows fed into Kafka: untouched, in order per key, at a pace, never too far ahead of the workers."""

import time
from collections import defaultdict
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.admin import NewTopic

from fraudwatch.broker import topics
from fraudwatch.broker.admin import admin_client
from fraudwatch.broker.holding import MAX_BYTES_AHEAD
from fraudwatch.broker.lag import group_lag
from fraudwatch.broker.pacing import Pace
from fraudwatch.broker.replay import ReplayReport, Row, replay
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError, ConfigurationError

Commit = Callable[[Settings, dict[int, int]], None]

# From Kafka's own UtilsTest.testMurmur2.
KNOWN_HASHES = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}


def numbered(count: int, size: int = 20) -> list[Row]:
    return [Row(b"account-%d" % (number % 7), b"%0*d" % (size, number)) for number in range(count)]


def after(seconds: float) -> Callable[[], bool]:
    deadline = time.monotonic() + seconds
    return lambda: time.monotonic() > deadline


def test_what_is_replayed_comes_back_untouched_and_in_order_per_key(settings: Settings) -> None:
    topics.apply(settings)
    odd = [Row(b"\xff\x00", b"\x80 not text"), Row(b"account-1", b""), Row(None, b"without a key")]
    rows = numbered(2_000) + odd
    report = replay(settings, rows)
    assert report.records == len(rows)
    assert report.bytes == sum(len(row.value) + len(row.key or b"") for row in rows)

    sent, found, partitions = defaultdict(list), defaultdict(list), defaultdict(set)
    for row in rows:
        sent[row.key].append(row.value)
    for record in tail(settings, settings.source.topic):
        found[record.key].append(record.value)
        partitions[record.key].add(record.partition)
    assert found == sent
    assert all(len(where) == 1 for where in partitions.values())


def test_a_key_goes_where_every_other_kafka_client_would_put_it(settings: Settings) -> None:
    topics.apply(settings)
    replay(settings, [Row(key, b"") for key in KNOWN_HASHES])
    found = {record.key: record.partition for record in tail(settings, settings.source.topic)}
    assert found == {key: (known & 0x7FFFFFFF) % 4 for key, known in KNOWN_HASHES.items()}


def test_a_replay_is_held_back_at_the_lag_and_goes_on_after_a_commit(
    settings: Settings, commit: Commit
) -> None:
    topics.apply(settings)
    held = replay(settings, numbered(300), hold_back_lag=100, stop=after(1))
    assert held.records == 100
    assert held.lag == 100
    lags = group_lag(settings)
    assert sum(lag.lag for lag in lags) == 100

    commit(settings, {lag.partition: lag.end for lag in lags})
    assert replay(settings, numbered(300), hold_back_lag=100, stop=after(1)).records == 100


def test_a_replay_ends_when_the_group_keeps_following(settings: Settings, commit: Commit) -> None:
    topics.apply(settings)

    def work_off(report: ReplayReport) -> None:
        commit(settings, {lag.partition: lag.end for lag in group_lag(settings)})

    report = replay(settings, numbered(300), hold_back_lag=100, on_progress=work_off)
    assert report.records == 300
    assert report.held_back_seconds > 0
    assert sum(lag.end for lag in group_lag(settings)) == 300


def test_a_group_that_stands_still_is_told_instead_of_waited_for_without_end(settings: Settings) -> None:
    topics.apply(settings)
    with pytest.raises(BrokerError, match="committed nothing for 1 s while 10 records wait: start a worker"):
        replay(settings, numbered(20), hold_back_lag=10, patience_seconds=1)


def test_the_embedded_broker_never_gets_more_than_it_keeps(
    embedded_settings: Settings, commit: Commit
) -> None:
    topics.apply(embedded_settings)
    rows = [Row(b"one account", b"%0100000d" % number) for number in range(100)]  # 10 MB for one partition
    read: list[int] = []
    committed: dict[int, int] = {}

    def work_off(report: ReplayReport) -> None:
        for record in tail(embedded_settings, embedded_settings.source.topic):
            if record.offset >= len(read):
                assert record.value is not None
                read.append(int(record.value[-10:]))
                committed[record.partition] = record.offset + 1
        commit(embedded_settings, committed)

    held = replay(embedded_settings, rows, hold_back_lag=10**9, stop=after(1))
    assert MAX_BYTES_AHEAD - 101_000 < held.bytes < MAX_BYTES_AHEAD
    # What the first feed left counts for the second.
    rest = rows[held.records :]
    assert replay(embedded_settings, rest, hold_back_lag=10**9, stop=after(1)).records == 0
    report = replay(embedded_settings, rest, hold_back_lag=10**9, on_progress=work_off)
    assert report.held_back_seconds > 0
    assert read == list(range(len(rows)))


def test_a_record_that_is_too_large_for_a_producer_is_an_error(settings: Settings) -> None:
    topics.apply(settings)
    with pytest.raises(BrokerError):
        replay(settings, [Row(b"key", bytes(2_000_000))])


@pytest.mark.kafka
def test_a_delivery_the_broker_refuses_is_an_error(kafka_settings: Settings) -> None:
    # It is made so: a topic that is changed goes on taking messages for a moment.
    limited = NewTopic(kafka_settings.source.topic, 4, 1, topic_configs={"max.message.bytes": "1000"})
    with admin_client(kafka_settings.kafka) as client:
        client.create_topics([limited])
    topics.apply(kafka_settings)
    with pytest.raises(BrokerError, match="MessageSizeTooLarge"):
        replay(kafka_settings, [Row(b"key", bytes(5_000))])


def test_a_missing_source_topic_is_named_with_the_remedy(settings: Settings) -> None:
    expected = f"expected a topic named {settings.source.topic}, found none: .*topics --apply"
    with pytest.raises(BrokerError, match=expected):
        replay(settings, numbered(1))


def test_a_replay_keeps_its_rate(embedded_settings: Settings) -> None:
    topics.apply(embedded_settings)
    progress: list[ReplayReport] = []
    report = replay(embedded_settings, numbered(500), rate=500, on_progress=progress.append)
    assert report.seconds >= 499 / 500
    assert [told.records for told in progress] == sorted(told.records for told in progress)
    assert len(progress) >= 3
    assert progress[-1] == report


def test_a_replay_ends_when_it_is_told_to(embedded_settings: Settings) -> None:
    topics.apply(embedded_settings)
    report = replay(embedded_settings, numbered(5), rate=0.01, stop=after(0.2))
    assert report.records == 1
    assert report.seconds < 5


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=50), st.floats(0.1, 10_000))
def test_a_pace_by_event_time_keeps_every_gap(times: list[int], speed: float) -> None:
    pace = Pace(rate=None, speed=speed, start=100.0)
    due = [pace.due(time) for time in times]
    assert due == pytest.approx([100.0 + (time - times[0]) / 1000 / speed for time in times])


def test_time_held_back_is_not_made_up_for() -> None:
    pace = Pace(rate=10, speed=None, start=0.0)
    assert [pace.due(None), pace.due(None)] == [0.0, pytest.approx(0.1)]
    pace.delay(5.0)
    assert pace.due(None) == pytest.approx(5.2)


@pytest.mark.parametrize(
    ("rate", "speed", "message"),
    [
        (1, 1, "found both"),
        (0, None, "a rate above zero, found 0"),
        (None, -2, "a speed above zero, found -2"),
    ],
)
def test_an_impossible_pace_is_refused(rate: float | None, speed: float | None, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Pace(rate=rate, speed=speed, start=0.0)
