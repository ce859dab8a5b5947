"""The watchdog: who stands still although records wait is ended, and nobody else."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings
from fraudwatch.stream.health import Health
from fraudwatch.stream.process import OVERDUE, Repeats, Watchdog


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_calls_once_with_the_reason_when_the_limit_has_passed() -> None:
    said: list[str] = []
    called = threading.Event()

    def cut_off(why: str) -> None:
        said.append(why)
        called.set()

    Watchdog(300.0, lambda: (301.0, "7 records wait"), cut_off, look_every_seconds=0.001)
    assert called.wait(5)
    assert said == ["7 records wait, longer than stream.give_up_after"]


def test_it_calls_nobody_before_the_limit_or_after_it_was_closed() -> None:
    looks = threading.Semaphore(0)
    said: list[str] = []
    seconds = 299.0

    def stalled() -> tuple[float, str]:
        looks.release()
        return seconds, "7 records wait"

    dog = Watchdog(300.0, stalled, said.append, look_every_seconds=0.001)
    for _ in range(5):
        assert looks.acquire(timeout=5)
    dog.close()
    seconds = 301.0
    time.sleep(0.02)
    assert said == []


def test_waiting_records_that_do_not_move_stall_from_the_last_move_on() -> None:
    clock = Clock()
    health = Health(60.0, clock)
    health.looked({0: 0})
    clock.now = 50.0
    health.looked({0: 7})
    assert health.stalled() == (50.0, "7 records wait and nothing moved for 50 s")
    health.moved()
    assert health.stalled()[0] == 0.0


def test_a_process_that_never_gets_as_far_as_to_look_at_the_log_stalls_too_but_is_live() -> None:
    clock = Clock()
    health = Health(60.0, clock)
    clock.now = 100.0
    assert health.stalled() == (100.0, "the log was not looked at for 100 s")
    assert health.live()[0]


def test_what_aiokafka_says_again_and_again_is_said_once_in_a_while() -> None:
    clock = Clock()
    repeats = Repeats(clock)

    def passes(logger: str, *words: object) -> bool:
        return repeats.may_pass(logging.LogRecord(logger, logging.ERROR, "", 0, "%s is gone", words, None))

    assert passes("aiokafka.cluster", "one")
    assert not passes("aiokafka.cluster", "one")
    assert passes("aiokafka.cluster", "two")
    assert [passes("fraudwatch.stream.live", "one") for _ in range(2)] == [True, True]
    clock.now = 10.0
    assert passes("aiokafka.cluster", "one")


def test_a_worker_whose_fold_hangs_is_ended(
    settings: Settings, broker: Any, numbered: Callable[..., list[bytes | None]], start: Callable[..., Any]
) -> None:
    broker.create_topics(1)
    worker = start(replace(settings, stream=replace(settings.stream, give_up_after=Duration(3_000))))
    worker.until(lambda: worker.is_ready)
    broker.send([*numbered(1, 3), *numbered(4, 4, "hang")])
    assert worker.process.wait(20) == OVERDUE
    assert "records wait and nothing moved" in worker.said
    assert "longer than stream.give_up_after: cut off" in worker.said
