"""Partitions that move: the new owner has the state, the old one forgets it, nothing is lost."""

import hashlib
import signal
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from fraudwatch.config.settings import Settings

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]

PARTITIONS = 4


def straight(values: list[bytes | None]) -> str:
    return hashlib.sha256(b"".join(value or b"none" for value in values)).hexdigest()


def test_a_member_that_joins_takes_half_with_their_state_and_hands_it_back_when_it_ends(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, free_port: Callable[[], int]
) -> None:
    broker.create_topics(PARTITIONS)
    values = numbered(1, 3_000)
    parts = [values[:1_000], values[1_000:2_000], values[2_000:]]

    def feed(stage: int) -> None:
        for partition in range(PARTITIONS):
            broker.send(parts[stage], partition=partition)

    def done(stage: int) -> bool:
        return broker.committed() == dict.fromkeys(range(PARTITIONS), 1_000 * (stage + 1))

    staying = start(settings)
    feed(0)
    staying.until(lambda: done(0))
    joining = start(settings, metrics=replace(settings.metrics, port=free_port()))
    joining.until(lambda: joining.is_ready)
    feed(1)
    staying.until(lambda: done(1))
    taken = {int(line[0]) for line in joining.lines("restored")}
    assert len(taken) == PARTITIONS // 2
    assert joining.end() == 0
    feed(2)
    staying.until(lambda: done(2))

    last = {int(line[0]): line for line in staying.lines("live")}
    assert {partition: line[3] for partition, line in last.items()} == dict.fromkeys(
        range(PARTITIONS), straight(values)
    )
    assert sorted(staying.folded("live")) == [
        (p, offset) for p in range(PARTITIONS) for offset in range(3_000)
    ]


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
