"""Silence and lag of each source, as the watch sees them, and what a batch of several sources becomes."""

import logging
from collections.abc import Callable

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings, Source
from fraudwatch.metrics import IntakeMetrics
from fraudwatch.records import Chunk, DeadLetter, Record, Refusal, Stage, Transaction
from fraudwatch.stream.conversion import Conversion
from fraudwatch.stream.health import Health
from fraudwatch.stream.parts import IntakeParts
from fraudwatch.stream.poison import Poison
from fraudwatch.stream.sources import Sources

START = 1_700_000_000.0


class Bench:
    """Two sources of two partitions, and a clock that the test sets."""

    def __init__(self) -> None:
        self.now = START
        after = Duration(60_000)
        sources = {name: Source(topic=f"{name}-topic", silent_after=after) for name in ("cards", "cash")}
        self.metrics = IntakeMetrics(["cards", "cash"])
        self.health = Health(60.0, lambda: self.now)
        counts = {"cards-topic": 2, "cash-topic": 2}
        self.passed: dict[tuple[str, int], int] = {}
        self.sources = Sources(
            Settings(sources=sources),
            counts,
            self.metrics,
            self.health,
            lambda *place: self.passed.get(place, 0),
            lambda: self.now,
        )

    def look(self, seconds: float, ends: dict[str, tuple[int, int]], first: int = 0) -> None:
        self.now += seconds
        places = {
            TopicPartition(f"{name}-topic", p): end
            for name, pair in ends.items()
            for p, end in enumerate(pair)
        }
        self.sources.judge(dict.fromkeys(places, first), places)

    def hold(self, **committed: int | None) -> None:
        """Partition 0 of each source named, from its commit on."""
        self.sources.assigned({TopicPartition(f"{name}-topic", 0): at for name, at in committed.items()})

    def value(self, name: str, source: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"fraudwatch_source_{name}", {"source": source})


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_source_is_silent_after_its_time_and_said_to_be_once(
    bench: Bench, said: Callable[[], list[str]]
) -> None:
    for second in range(120):
        bench.look(1, {"cards": (second, 5), "cash": (7, 7)})
    assert said() == ["source cash is silent: no record on cash-topic for 1m (sources.cash.silent_after)"]
    assert bench.value("silent", "cash") == 1
    assert bench.value("seconds_since_record", "cash") == 120
    assert bench.value("silent", "cards") == 0
    bench.look(1, {"cards": (200, 5), "cash": (7, 8)})
    assert said()[1:] == ["source cash has records again, after 121 s"]
    assert (bench.value("silent", "cash"), bench.value("seconds_since_record", "cash")) == (0, 0)


def test_what_is_in_the_topic_at_the_start_says_nothing_of_when_it_came(bench: Bench) -> None:
    bench.look(1, {"cards": (0, 0), "cash": (7, 7)})
    assert bench.value("seconds_since_record", "cash") == bench.value("seconds_since_record", "cards") == 1


def test_lag_is_that_of_the_partitions_held_from_their_commits_on(bench: Bench) -> None:
    bench.hold(cards=30, cash=None)
    bench.look(1, {"cards": (50, 9), "cash": (40, 9)}, first=15)
    assert bench.value("lag_records", "cards") == 20
    assert bench.value("lag_records", "cash") == 25  # the first 15 are gone from the topic
    assert bench.health.live()[1] == "moving: 45 records wait"


def test_a_source_lags_when_what_was_handled_last_is_as_old_as_its_time(
    bench: Bench, said: Callable[[], list[str]]
) -> None:
    bench.hold(cards=0)
    an_hour_ago = int((START - 3_600) * 1000)
    bench.sources.handled([Chunk.of([Record("cards-topic", 0, 4, an_hour_ago, None, b"")])])
    bench.look(1, {"cards": (10, 0), "cash": (0, 0)})
    bench.look(1, {"cards": (11, 0), "cash": (0, 0)})
    assert bench.value("lag_seconds", "cards") == 3_602
    assert bench.value("lagging", "cards") == 1
    assert said() == [
        "source cards lags: 5 records of cards-topic wait, the last one handled came 3601 s ago"
    ]
    bench.sources.handled([Chunk.of([Record("cards-topic", 0, 10, int(bench.now * 1000), None, b"")])])
    bench.look(1, {"cards": (11, 0), "cash": (0, 0)})
    assert (bench.value("lag_records", "cards"), bench.value("lag_seconds", "cards")) == (0, 0)
    assert said()[1:] == ["source cards lags no more"]


def test_a_partition_that_went_to_another_member_is_no_lag_of_ours(bench: Bench) -> None:
    bench.hold(cards=0, cash=0)
    bench.hold(cash=3)
    bench.sources.handled([Chunk.of([Record("cards-topic", 0, 4, 0, None, b"")])])
    bench.look(1, {"cards": (10, 0), "cash": (5, 0)})
    assert (bench.value("lag_records", "cards"), bench.value("lag_records", "cash")) == (0, 2)


def test_the_marker_behind_the_last_transaction_is_no_lag(bench: Bench) -> None:
    bench.hold(cards=0)
    bench.sources.handled([Chunk.of([Record("cards-topic", 0, 4, 0, None, b"")])])
    bench.passed["cards-topic", 0] = 6
    bench.look(1, {"cards": (6, 0), "cash": (0, 0)})
    assert bench.value("lag_records", "cards") == 0


class Legs:
    """Makes as many transactions of a record as its value says; none from `bad`."""

    def decode(self, record: Record) -> list[Transaction] | DeadLetter:
        if record.value == b"bad":
            return DeadLetter(record, Stage.DECODE, Refusal.NOT_JSON, "bad")
        return [
            Transaction(f"{record.offset}", f"a{leg}", 1000 * record.offset, 100, "EUR")
            for leg in range(int(record.value or b"0"))
        ]


@given(
    st.lists(st.tuples(st.sampled_from(["one", "two"]), st.sampled_from([b"1", b"2", b"bad"])), max_size=20)
)
def test_every_record_becomes_its_transactions_or_one_dead_letter_in_order(
    told: list[tuple[str, bytes]],
) -> None:
    parts = IntakeParts(
        {"first": Legs(), "second": Legs()}, lambda t: t.transaction_id.encode(), lambda _: []
    )
    conversion = Conversion({"one": "first", "two": "second"}, parts, "log", Poison(0))
    records = [Record(topic, 0, n, n - 1, None, value) for n, (topic, value) in enumerate(told)]
    converted = conversion.convert([Chunk.of([record]) for record in records])
    expected = [
        ("log", f"a{leg}".encode(), str(record.offset).encode(), None, record.timestamp_ms)
        for record in records
        if record.value != b"bad"
        for leg in range(int(record.value or b""))
    ]
    # A record without a timestamp (-1) takes that of its sending.
    assert [tuple(m[:5]) for m in converted.messages] == [
        (*rest, None if ms == -1 else ms) for *rest, ms in expected
    ]
    assert [letter.record for letter in converted.dead_letters] == [r for r in records if r.value == b"bad"]
    assert converted.records.total() == len(records)
    assert converted.transactions.total() == len(converted.messages)
    assert len(converted.refusals) == len(converted.dead_letters)
    for topic, name in (("one", "first"), ("two", "second")):
        good = [1000 * r.offset for r in records if r.topic == topic and r.value != b"bad"]
        assert converted.newest_event_time_ms.get(name) == max(good, default=None)
