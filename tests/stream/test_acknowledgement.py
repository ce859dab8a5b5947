"""What is acknowledged, and when: over exceptions, restarts, poison records and the end of the process."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from fraudwatch.config.settings import Settings

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]


@pytest.mark.parametrize("transport", ["chunks", "stock"])
def test_an_alert_goes_to_the_partition_of_its_account_and_what_was_handled_is_committed(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, transport: str
) -> None:
    settings = replace(settings, stream=replace(settings.stream, transport=transport))
    broker.create_topics(2)
    worker = start(settings)
    broker.send(numbered(1, 100), partition=0)
    broker.send([*numbered(101, 149), *numbered(150, 150, "alert")], partition=1)
    worker.until(lambda: broker.committed() == {0: 100, 1: 50})
    alerts = broker.read(settings.topics.review)
    assert [(alert.partition(), alert.key()) for alert in alerts] == [(1, b"alert-150")]
    assert worker.end() == 0


def test_what_cannot_be_read_becomes_a_dead_letter_with_its_bytes_and_the_batch_goes_on(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    poison = [b"\xff\x00 not json", None, b"", b"x" * 1_000_000]
    broker.send([*numbered(1, 3), *poison, *numbered(4, 6)])
    worker = start(settings)
    worker.until(lambda: broker.committed() == {0: 10})
    letters = broker.read(settings.topics.dead_letters)
    assert [letter.value() for letter in letters] == poison
    assert {letter.key() for letter in letters} == {b"account"}
    assert [dict(letter.headers())["offset"] for letter in letters] == [b"3", b"4", b"5", b"6"]
    assert dict(letters[0].headers())["topic"] == settings.source.topic.encode()
    assert dict(letters[0].headers())["reason"] == b"not_json"


def test_a_record_of_nothing_becomes_a_dead_letter_too(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    broker.send([None], key=None)
    broker.send(numbered(1, 3))
    worker = start(settings)
    worker.until(lambda: broker.committed() == {0: 4})
    (letter,) = broker.read(settings.topics.dead_letters)
    assert (letter.key(), letter.value()) == (None, b"")
    assert dict(letter.headers())["offset"] == b"0"


def test_a_record_too_large_for_the_dead_letters_with_headers_leaves_its_position_there(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    largest = b"x" * (1_048_588 - 100)  # with the overhead of its batch, the most the broker takes
    broker.send([largest, *numbered(1, 3)])
    worker = start(settings)
    worker.until(lambda: broker.committed() == {0: 4})
    (letter,) = broker.read(settings.topics.dead_letters)
    assert letter.value() == b""
    assert dict(letter.headers())["offset"] == b"0"
    assert dict(letter.headers())["bytes_left_out"] == str(len(largest)).encode()


def test_where_no_poison_is_allowed_it_ends_the_process_and_a_restart_loses_and_repeats_nothing(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(2)
    first = start(settings, stream=replace(settings.stream, poison_per_hour=0))
    broker.send(numbered(1, 300), partition=0)
    first.until(lambda: broker.committed() == {0: 300})
    broker.send([*numbered(301, 310), *numbered(311, 311, "explode"), *numbered(312, 400)], partition=0)
    assert first.process.wait(20) == 1
    assert "(stream.poison_per_hour), found 1, the last at partition 0, offset 310" in first.said
    assert broker.read(settings.topics.dead_letters) == []
    committed = broker.committed()[0]
    assert committed <= 310

    handled = len(first.folded())
    first.journal.with_suffix(".healed").touch()
    second = start(settings)
    second.until(lambda: broker.committed() == {0: 400})
    assert second.folded()[handled:] == [(0, offset) for offset in range(committed, 400)]


def test_a_failed_delivery_ends_the_process_without_acknowledging(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1, refusing=settings.topics.review)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    broker.send(numbered(1, 5, "alert"))
    assert worker.process.wait(20) == 1
    assert f"expected {settings.topics.review} to acknowledge" in worker.said
    assert broker.committed() == {}


@pytest.mark.parametrize("tell", ["SIGTERM", "SIGINT"])
def test_asked_to_end_with_a_batch_in_flight_it_finishes_and_commits_that_batch(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, tell: str
) -> None:
    broker.create_topics(1)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    broker.send(
        [*numbered(1, 50), *numbered(51, 51, "slow"), *numbered(52, 52, "alert"), *numbered(53, 2_000)]
    )
    worker.until(lambda: len(worker.lines("slow")) == 1)
    assert worker.end(tell=tell) == 0
    handled = worker.folded()
    assert broker.committed() == {0: len(handled)}
    assert len(handled) >= 52
    assert [alert.key() for alert in broker.read(settings.topics.review)] == [b"alert-52"]

    second = start(settings)
    second.until(lambda: broker.committed() == {0: 2_000})
    assert second.folded() == [(0, offset) for offset in range(2_000)]


def test_a_worker_that_cannot_end_is_cut_off_at_its_deadline(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, shorter_shutdown: Settings
) -> None:
    broker.create_topics(1)
    worker = start(shorter_shutdown)
    worker.until(lambda: worker.is_ready)
    broker.send(numbered(1, 20, "slow"))
    worker.until(lambda: len(worker.lines("slow")) == 1)
    assert worker.end(10) == 75
    assert "cut off" in worker.said
    assert broker.committed() == {}


def test_a_restart_folds_the_log_up_to_the_commit_without_publishing_and_is_the_same_state(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    values = numbered(1, 1_000, "alert")
    broker.send(values[:700])
    first = start(settings)
    first.until(lambda: broker.committed() == {0: 700})
    first.process.kill()
    first.process.wait()
    broker.send(values[700:])
    second = start(settings)
    second.until(lambda: broker.committed() == {0: 1_000})
    assert second.folded("restored") == [(0, offset) for offset in range(700)]
    assert second.folded("live") == [(0, offset) for offset in range(1_000)]
    straight = hashlib.sha256(b"".join(value or b"none" for value in values)).hexdigest()
    assert second.lines("live")[-1][3] == straight
    assert len(broker.read(settings.topics.review)) == 1_000
