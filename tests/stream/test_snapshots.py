"""Snapshots on a real broker: taken in turn and on a clean stop, and what a worker makes of whatever it finds."""

import hashlib
import json
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings, Snapshots
from fraudwatch.errors import SnapshotError
from fraudwatch.snapshots import (
    Block,
    Blocks,
    Manifest,
    Stamp,
    assemble,
    encode,
    pieces,
    read,
    sha256,
    vouched,
)

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]

HISTORY_VERSION = 1
"""Of the recording pipeline."""

NEVER = Snapshots(every=Duration(3_600_000))
"""Only on a clean stop."""


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return replace(settings, snapshots=NEVER)


@pytest.fixture
def topic(broker: Any) -> "Topic":
    return Topic(broker)


class Topic:
    """The snapshots topic, as a test reads and writes it."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker
        self.name = broker.settings.topics.snapshots
        self._client = broker._client

    def messages(self, partition: int = 0) -> list[Message]:
        return [m for m in self.broker.read(self.name) if m.partition() == partition]

    def manifests(self, partition: int = 0) -> list[Manifest]:
        """Those that can be read, in the order they were written."""
        found = []
        for message in self.messages(partition):
            if message.key().endswith(b"/manifest") and message.value():
                with suppress(SnapshotError):
                    found.append(read(message.value()))
        return found

    def blocks(self, manifest: Manifest) -> Blocks:
        values = {m.offset(): m.value() for m in self.messages(manifest.stamp.partition)}
        return assemble(manifest, (values[piece.offset] for piece in manifest.pieces))

    def send(self, key: str, value: bytes | None, partition: int = 0) -> int:
        """Gives the offset."""
        placed: list[int] = []
        producer = Producer(self._client)
        producer.produce(
            self.name, value, key.encode(), partition, on_delivery=lambda _, m: placed.append(m.offset())
        )
        assert producer.flush(20) == 0
        return placed[0]

    def write(self, stamp: Stamp, blocks: Blocks, *, whole: bool = True, **changes: Any) -> None:
        """A snapshot with a changed stamp; without its manifest where it is not `whole`."""
        stamp = replace(stamp, **changes)
        where = f"{stamp.partition}/{stamp.slot}"
        sent = [
            (sha256(piece), self.send(f"{where}/{number}", piece, stamp.partition))
            for number, piece in enumerate(pieces(blocks))
        ]
        if whole:
            self.send(f"{where}/manifest", encode(vouched(stamp, blocks, sent)), stamp.partition)


def straight(values: list[bytes | None]) -> str:
    return hashlib.sha256(b"".join(value or b"none" for value in values)).hexdigest()


def state_of(values: list[bytes | None], version: int = HISTORY_VERSION) -> Blocks:
    """What the recording pipeline saves of partition 0 once these are folded."""
    arrays = {
        "bytes": np.frombuffer(b"".join(value or b"none" for value in values), np.uint8),
        "accounts": np.frombuffer(b"a0", np.uint8),
        "seen": np.array([len(values)], np.int64),
    }
    return {"history": Block(version, arrays), "policy": Block(1, {})}


def stamp(settings: Settings, offset: int, **changes: Any) -> Stamp:
    given = Stamp(
        topic=settings.source.topic,
        partition=0,
        partitions=1,
        offset=offset,
        reached_ms=0,
        generation=1,
        review_offset=0,
        slot=0,
        created_ms=1_700_000_000_000,
        code="0.1.0",
        configuration="0123456789ab",
    )
    return replace(given, **changes)


def alerts(broker: Any) -> list[int]:
    return [json.loads(m.value())["n"] for m in broker.read(broker.settings.topics.review)]


def handled(worker: Any, broker: Any, committed: int) -> Any:
    """The worker, once it is at the end of partition 0."""
    worker.until(lambda: broker.committed() == {0: committed})
    return worker


def ended_after(worker: Any, broker: Any, **committed: int) -> None:
    """Everything is handled, and the worker was asked to end."""
    expected = {int(partition[1:]): offset for partition, offset in committed.items()}
    worker.until(lambda: broker.committed() == expected)
    assert worker.end() == 0


def test_a_clean_stop_saves_the_state_and_the_next_start_goes_on_from_it_without_the_log(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(2)
    values = numbered(1, 300)
    broker.send(values, partition=0)
    broker.send(values[:200], partition=1)
    ended_after(start(settings), broker, p0=300, p1=200)
    assert [(m.stamp.offset, m.stamp.slot) for m in topic.manifests(0) + topic.manifests(1)] == [
        (300, 0), (200, 0),
    ]  # fmt: skip

    second = start(settings)
    second.until(lambda: second.is_ready)
    assert sorted(second.lines("loaded")) == [["0", "300"], ["1", "200"]]
    assert second.folded("restored") == []
    assert second.shows('fraudwatch_restores_total{origin="snapshot"} 2.0')
    assert second.shows("fraudwatch_damaged_snapshots_total 0.0")
    more = numbered(301, 310)
    broker.send(more, partition=0)
    second.until(lambda: broker.committed()[0] == 310)
    assert second.lines("live")[-1][3] == straight([*values, *more])
    assert second.end() == 0
    # Nothing had come to partition 1: its snapshot is still good.
    assert [m.stamp.offset for m in topic.manifests(0)] == [300, 310]
    assert [m.stamp.slot for m in topic.manifests(0)] == [0, 1]
    assert [m.stamp.offset for m in topic.manifests(1)] == [200]


@pytest.mark.parametrize(
    ("saved", "committed"),
    [(5, 12), (12, 5), (12, None), (12, 0), (20, 20)],
    ids=["older than the commit", "newer", "no commit", "a rewound group", "at the end"],
)
def test_a_start_is_at_the_later_of_snapshot_and_commit_and_publishes_from_there_on_only(
    saved: int,
    committed: int | None,
    settings: Settings,
    broker: Any,
    numbered: Numbered,
    start: Start,
    topic: Topic,
) -> None:
    broker.create_topics(1)
    values = numbered(1, 20, "alert")
    broker.send(values)
    topic.write(stamp(settings, saved), state_of(values[:saved]))
    if committed is not None:
        broker.commit({0: committed})
    position = max(saved, committed or 0)
    worker = start(settings)
    more = numbered(21, 22, "alert")
    worker.until(lambda: worker.is_ready)
    broker.send(more)
    handled(worker, broker, 22)
    assert worker.lines("loaded") == [["0", str(saved)]]
    assert worker.folded("restored") == [(0, offset) for offset in range(saved, position)]
    assert worker.folded() == [(0, offset) for offset in range(position, 22)]
    assert worker.lines("live")[-1][3] == straight([*values, *more])
    assert alerts(broker) == list(range(position + 1, 23))


def test_open_episodes_are_brought_in_line_with_what_was_published_since_the_snapshot(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    broker.commit({0: 12})
    published: list[bytes | None] = [b'{"alert_id":"a%d","n":%d}' % (n, n) for n in range(5)]
    broker.send(published, topic=settings.topics.review)
    topic.write(stamp(settings, 8, review_offset=3), state_of(values[:8]))
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert worker.lines("followed") == [["0", "8", "12", "3", "4"]]
    assert worker.lines("restored")[-1][2] == "11"


def test_without_a_snapshot_the_log_is_folded_and_that_is_said(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    broker.send(numbered(1, 20))
    broker.commit({0: 20})
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert worker.folded("restored") == [(0, offset) for offset in range(20)]
    assert "partition 0: there is no snapshot" in worker.said
    assert worker.shows('fraudwatch_restores_total{origin="log"} 1.0')
    assert worker.shows("fraudwatch_degraded_restores_total 0.0")


def damaged(topic: Topic, settings: Settings, values: list[bytes | None]) -> None:
    """A manifest that vouches for other bytes than are there."""
    at, blocks = stamp(settings, 9, slot=1), state_of(values[:9])
    offset = topic.send("0/1/0", b"other bytes")
    topic.send("0/1/manifest", encode(vouched(at, blocks, [(sha256(b"true bytes"), offset)])))


def of_the_future(topic: Topic, settings: Settings, values: list[bytes | None]) -> None:
    topic.write(stamp(settings, 9, slot=1), state_of(values[:9]))
    newest = json.loads(topic.messages()[-1].value())
    topic.send("0/1/manifest", json.dumps(newest | {"format": 99}).encode())


def nonsense(topic: Topic, settings: Settings, values: list[bytes | None]) -> None:
    topic.send("0/1/manifest", b"\x00 no JSON")


def of_another_version(topic: Topic, settings: Settings, values: list[bytes | None]) -> None:
    topic.write(stamp(settings, 9, slot=1), state_of(values[:9], version=7))


def with_pieces_that_were_replaced(topic: Topic, settings: Settings, values: list[bytes | None]) -> None:
    at, blocks = stamp(settings, 9, slot=1), state_of(values[:9])
    (piece,) = pieces(blocks)
    topic.send("0/1/0", piece)
    wrong = topic.send("0/1/1", b"somebody else's")
    topic.send("0/1/manifest", encode(vouched(at, blocks, [(sha256(piece), wrong)])))


USELESS = [damaged, of_the_future, nonsense, of_another_version, with_pieces_that_were_replaced]


@pytest.mark.parametrize("spoil", USELESS)
def test_a_useless_newest_snapshot_is_said_and_counted_and_the_one_before_is_used(
    spoil: Callable[..., None],
    settings: Settings,
    broker: Any,
    numbered: Numbered,
    start: Start,
    topic: Topic,
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    broker.commit({0: 10})
    topic.write(stamp(settings, 4), state_of(values[:4]))
    spoil(topic, settings, values)
    worker = handled(start(settings), broker, 12)
    assert worker.lines("loaded") == [["0", "4"]]
    assert worker.folded("restored") == [(0, offset) for offset in range(4, 10)]
    assert worker.lines("live")[-1][3] == straight(values)
    assert "the snapshot in slot 1" in worker.said
    assert worker.shows("fraudwatch_damaged_snapshots_total 1.0")
    # What is written next does not touch the one that is good.
    assert worker.end() == 0
    assert [(m.stamp.offset, m.stamp.slot) for m in topic.manifests()[-1:]] == [(12, 1)]


def test_where_no_snapshot_can_be_used_the_log_is_folded(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    broker.commit({0: 12})
    topic.write(stamp(settings, 4), state_of(values[:4], version=7))
    damaged(topic, settings, values)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert worker.lines("restored")[-1][3] == straight(values)
    assert "no snapshot can be used; the state is folded from the log" in worker.said
    assert worker.shows("fraudwatch_damaged_snapshots_total 2.0")


def test_a_half_written_newest_snapshot_hides_nothing(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    broker.commit({0: 12})
    topic.write(stamp(settings, 4, slot=1), state_of(values[:4]))
    topic.write(stamp(settings, 8), state_of(values[:8]))
    for _ in range(20):  # a large one, begun again and again
        topic.write(stamp(settings, 12, slot=1), state_of(values), whole=False)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert worker.lines("loaded") == [["0", "8"]]
    assert worker.lines("restored")[-1][3] == straight(values)
    assert worker.shows("fraudwatch_damaged_snapshots_total 0.0")


def test_what_a_zombie_wrote_is_of_a_lower_generation_and_ignored(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    broker.commit({0: 12})
    topic.write(stamp(settings, 8, generation=41), state_of(values[:8]))
    topic.write(stamp(settings, 10, slot=1, generation=40), state_of(numbered(100, 109)))
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert worker.lines("loaded") == [["0", "8"]]
    # A group that was made anew counts from 1: its snapshots must not be taken for a zombie's.
    broker.send(numbered(13, 13))
    handled(worker, broker, 13)
    assert worker.end() == 0
    assert [m.stamp.generation for m in topic.manifests()] == [41, 40, 41]


def test_a_tombstone_takes_a_snapshot_away(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    broker.commit({0: 12})
    for slot in (0, 1):
        topic.write(stamp(settings, 8, slot=slot), state_of(values[:8]))
        topic.send(f"0/{slot}/manifest", None)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert worker.lines("loaded") == []
    assert worker.folded("restored") == [(0, offset) for offset in range(12)]


@pytest.mark.parametrize("changes", [{"partitions": 2}, {"topic": "another-log"}, {"offset": 1_000}])
def test_a_snapshot_of_another_log_ends_the_worker_with_the_remedy(
    changes: dict[str, Any],
    settings: Settings,
    broker: Any,
    numbered: Numbered,
    start: Start,
    topic: Topic,
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    topic.write(replace(stamp(settings, 12), **changes), state_of(values))
    worker = start(settings)
    assert worker.process.wait(30) == 1
    assert "run `fraudwatch rebuild`, which removes the snapshots" in worker.said
    assert "Traceback" not in worker.said
    assert worker.lines("live") == []


def test_an_unknown_block_is_left_out_and_a_missing_one_begins_anew(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    broker.commit({0: 12})
    blocks = state_of(values) | {"of_tomorrow": Block(1, {"x": np.zeros(3)})}
    del blocks["policy"]
    topic.write(stamp(settings, 12), blocks)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert worker.lines("loaded") == [["0", "12"]]
    assert worker.shows("fraudwatch_dropped_blocks_total 1.0")
    assert worker.shows("fraudwatch_blocks_begun_anew_total 1.0")
    assert "block of_tomorrow of the snapshot is not known here: left out" in worker.said
    assert "block policy begins anew: missing" in worker.said


@pytest.mark.parametrize("committed", [12, 5], ids=["up to the commit", "past the commit"])
def test_a_log_trimmed_past_the_snapshot_is_a_degraded_start_and_never_a_silent_gap(
    committed: int, settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 20)
    broker.send(values)
    broker.commit({0: committed})
    topic.write(stamp(settings, 5), state_of(values[:5]))
    trim(broker, 8)
    worker = handled(start(settings), broker, 20)
    assert worker.lines("lost") == [["0"]]
    assert worker.folded("restored") == [(0, offset) for offset in range(8, committed)]
    assert worker.lines("live")[-1][3] == straight([*values[:5], *values[8:]])
    assert worker.shows("fraudwatch_degraded_restores_total 1.0")
    assert "DEGRADED START: expected the log from offset 5 on, found that it begins at 8" in worker.said
    assert ("were removed from the log before they were assessed: LOST" in worker.said) == (committed < 8)


def test_a_log_trimmed_before_the_snapshot_costs_nothing(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    broker.commit({0: 12})
    topic.write(stamp(settings, 8), state_of(values[:8]))
    trim(broker, 8)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert worker.lines("restored")[-1][3] == straight(values)
    assert worker.lines("lost") == []
    assert worker.shows("fraudwatch_degraded_restores_total 0.0")


def trim(broker: Any, first: int) -> None:
    """Partition 0 of the log begins at this offset."""
    admin = AdminClient(broker._client)
    for done in admin.delete_records([TopicPartition(broker.settings.source.topic, 0, first)]).values():
        done.result(20)


def test_partitions_are_saved_in_turn_and_a_killed_worker_comes_back_to_what_it_was(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(2)
    settings = replace(settings, snapshots=Snapshots(every=Duration(1_000)))
    first = start(settings)
    first.until(lambda: first.is_ready)
    values = numbered(1, 600)
    for begin in range(0, 600, 100):
        for partition in (0, 1):
            broker.send(values[begin : begin + 100], partition=partition)
        first.until(lambda end=begin + 100: broker.committed() == {0: end, 1: end})
        first.until(lambda begin=begin: min(len(topic.manifests(p)) for p in (0, 1)) > begin // 200)
    first.process.send_signal(signal.SIGKILL)
    for partition in (0, 1):
        taken = [m.stamp for m in topic.manifests(partition)]
        assert [at.slot for at in taken] == [number % 2 for number in range(len(taken))]
        assert sorted(at.offset for at in taken) == [at.offset for at in taken]
        assert len({at.offset for at in taken}) == len(taken)  # what has not changed is not saved again
    manifest = topic.manifests(0)[-1]
    assert topic.blocks(manifest)["history"].arrays["seen"].tolist() == [manifest.stamp.offset]

    second = start(settings)
    second.until(lambda: second.is_ready)
    assert len(second.lines("loaded")) == 2
    more = numbered(601, 610)
    for partition in (0, 1):
        broker.send(more, partition=partition)
    second.until(lambda: broker.committed() == {0: 610, 1: 610})
    last = {line[0]: line[3] for line in second.lines("live") if line[2] == "609"}
    assert last == dict.fromkeys("01", straight([*values, *more]))


def test_a_partition_that_moves_continues_with_its_state(
    settings: Settings,
    broker: Any,
    numbered: Numbered,
    start: Start,
    topic: Topic,
    free_port: Callable[[], int],
) -> None:
    broker.create_topics(2)
    settings = replace(settings, snapshots=Snapshots(every=Duration(1_000)))
    staying = start(settings)
    values = numbered(1, 300)
    for partition in (0, 1):
        broker.send(values[:200], partition=partition)
    staying.until(lambda: all(m and m[-1].stamp.offset == 200 for m in map(topic.manifests, (0, 1))))
    joining = start(settings, metrics=replace(settings.metrics, port=free_port()))
    joining.until(lambda: joining.is_ready)
    assert [line[1] for line in joining.lines("loaded")] == ["200"]
    for partition in (0, 1):
        broker.send(values[200:], partition=partition)
    staying.until(lambda: broker.committed() == {0: 300, 1: 300})
    last = {line[0]: line[3] for line in staying.lines("live") if line[2] == "299"}
    assert last == dict.fromkeys("01", straight(values))
    # The one that left the partition wrote nothing of it any more: generations never fall.
    joining.until(lambda: all(topic.manifests(p)[-1].stamp.offset == 300 for p in (0, 1)))
    for partition in (0, 1):
        generations = [m.stamp.generation for m in topic.manifests(partition)]
        assert sorted(generations) == generations
        assert generations[-1] > generations[0]


def test_a_restore_longer_than_the_session_keeps_the_membership(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12, "slow_to_load")
    broker.send(values)
    topic.write(stamp(settings, 12), state_of(values))
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert len(worker.lines("loading")) == 1
    broker.send(numbered(13, 13))
    handled(worker, broker, 13)
    # A member that was put out would have been given the partition, and the state, a second time.
    assert len(worker.lines("loaded")) == 1
    assert worker.said.count("live on partitions [0]") == 1


def test_a_shadow_neither_reads_nor_writes_snapshots(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    values = numbered(1, 12)
    broker.send(values)
    topic.write(stamp(settings, 8), state_of(numbered(100, 107)))
    before = len(topic.messages())
    worker = start(settings, "shadow")
    worker.until(lambda: worker.folded()[-1:] == [(0, 11)])
    assert worker.end() == 0
    assert worker.lines("loaded") == []
    assert worker.lines("live")[-1][3] == straight(values)
    assert len(topic.messages()) == before


def test_a_snapshot_of_many_pieces_comes_back_whole(
    settings: Settings, broker: Any, start: Start, topic: Topic
) -> None:
    broker.create_topics(1)
    noise = np.random.default_rng(7).bytes(40_000)
    values: list[bytes | None] = [
        json.dumps({"n": n, "pad": noise[n * 100 : n * 100 + 20_000].hex()}).encode() for n in range(200)
    ]
    broker.send(values)
    ended_after(start(settings), broker, p0=200)
    (manifest,) = topic.manifests()
    assert len(manifest.pieces) > 8
    assert max(len(m.value()) for m in topic.messages()) < 1_000_000
    second = start(settings)
    second.until(lambda: second.is_ready)
    assert second.lines("loaded") == [["0", "200"]]
    broker.send([b"no JSON"])
    handled(second, broker, 201)
    assert second.lines("live")[-1][3] == straight([*values, b"no JSON"])


def test_a_snapshot_that_cannot_be_written_is_said_and_counted_and_stops_nothing(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, topic: Topic
) -> None:
    broker.create_topics(1, refusing=settings.topics.snapshots)
    worker = start(replace(settings, snapshots=Snapshots(every=Duration(500))))
    broker.send(numbered(1, 50))
    handled(worker, broker, 50)
    worker.until(lambda: "fraudwatch_failed_snapshots_total 0.0" not in worker.ask("/metrics")[1])
    broker.send(numbered(51, 60))
    handled(worker, broker, 60)
    assert "the state of partition 0 could not be saved: expected" in worker.said
    assert worker.end() == 0
