"""Partitions that move: the new owner has the state, the old one forgets it, nothing is lost."""

import hashlib
import signal
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]

PARTITIONS = 4


def straight(values: list[bytes | None]) -> str:
    return hashlib.sha256(b"".join(value or b"none" for value in values)).hexdigest()


def test_a_member_that_dies_is_replaced_after_its_session_and_its_records_are_handled_once_more(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, free_port: Callable[[], int]
) -> None:
    broker.create_topics(2)
    dying = start(settings)
    staying = start(settings, metrics=replace(settings.metrics, port=free_port()))
    for worker in (dying, staying):
        worker.until(lambda worker=worker: worker.is_ready and "no partition" not in worker.ask("/ready")[1])
    values = numbered(1, 600)
    for partition in range(2):
        broker.send(values, partition=partition)
    dying.process.send_signal(signal.SIGKILL)
    staying.until(lambda: broker.committed() == {0: 600, 1: 600})
    assert {line[3] for line in staying.lines("live") if line[2] == "599"} == {straight(values)}
    assert set(staying.folded("live")) == {(p, offset) for p in range(2) for offset in range(600)}


def test_a_member_that_joins_and_leaves_under_load_gets_and_hands_back_states_without_loss_or_repetition(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, free_port: Callable[[], int]
) -> None:
    broker.create_topics(PARTITIONS)
    # So rarely that only the rebalances and the end commit: what is handled must not be forgotten by them.
    settings = replace(settings, stream=replace(settings.stream, commit_every=Duration(600_000)))
    staying = start(settings)
    staying.until(lambda: staying.is_ready)
    values = numbered(1, 4_000)
    everything = [(partition, offset) for partition in range(PARTITIONS) for offset in range(4_000)]
    for partition in range(PARTITIONS):
        broker.send(values, partition=partition)
    staying.until(lambda: {partition for partition, _ in staying.folded("live")} == set(range(PARTITIONS)))
    joining = start(settings, metrics=replace(settings.metrics, port=free_port()))
    joining.until(lambda: joining.is_ready)
    assert len({line[0] for line in joining.lines("restored")}) == PARTITIONS // 2
    assert joining.end() == 0
    staying.until(lambda: set(staying.folded("live")) == set(everything))
    assert staying.end() == 0
    assert broker.committed() == dict.fromkeys(range(PARTITIONS), 4_000)
    assert sorted(staying.folded("live")) == everything
    last = {line[0]: line[3] for line in staying.lines("live") if line[2] == "3999"}
    assert last == dict.fromkeys("0123", straight(values))


def test_a_rebalance_in_the_middle_of_a_restore_leaves_every_state_whole(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, free_port: Callable[[], int]
) -> None:
    broker.create_topics(2)
    values = numbered(1, 12, "slow_to_restore")
    first = start(settings)
    for partition in range(2):
        broker.send(values, partition=partition)
    first.until(lambda: broker.committed() == {0: 12, 1: 12})
    assert first.end() == 0

    second = start(settings)
    second.until(lambda: len(second.lines("restoring")) > 2)
    third = start(settings, metrics=replace(settings.metrics, port=free_port()))
    for worker in (second, third):
        worker.until(lambda worker=worker: worker.is_ready and "no partition" not in worker.ask("/ready")[1])
    more = numbered(13, 18)
    for partition in range(2):
        broker.send(more, partition=partition)
    second.until(lambda: broker.committed() == {0: 18, 1: 18})
    last = {line[0]: line[3] for line in second.lines("live") if line[2] == "17"}
    assert last == dict.fromkeys("01", straight([*values, *more]))
