"""A worker whose pipeline raises on a marked record, on the real broker."""

import hashlib
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from fraudwatch.config.settings import Settings

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]


def digest(values: list[bytes | None]) -> str:
    return hashlib.sha256(b"".join(value or b"none" for value in values)).hexdigest()


def test_one_record_becomes_a_dead_letter_and_all_others_are_handled_as_if_it_had_not_been_there(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(2)
    poison = numbered(311, 311, "explode")
    before, after = numbered(1, 310, "alert"), numbered(312, 400, "alert")
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    broker.send([*before, *poison, *after])
    broker.send(numbered(1, 50), partition=1)
    worker.until(lambda: broker.committed() == {0: 400, 1: 50})
    (letter,) = broker.read(settings.topics.dead_letters)
    assert [letter.value()] == poison
    headers = dict(letter.headers())
    assert (headers["stage"], headers["reason"], headers["offset"]) == (b"pipeline", b"internal", b"310")
    alerts = [alert.key() for alert in broker.read(settings.topics.review)]
    assert alerts == [b"alert-%d" % n for n in range(1, 401) if n != 311]
    assert {line[3] for line in worker.lines("live") if line[2] == "399"} == {digest([*before, *after])}
    assert worker.shows('fraudwatch_dead_letters_total{reason="internal",stage="pipeline"} 1.0')
    assert worker.shows("fraudwatch_records_read_total 450.0")
    worker.process.kill()  # without a snapshot: the log is folded again, and the same record met again
    worker.process.wait()
    second = start(settings)
    more = numbered(401, 410)
    broker.send(more)
    second.until(lambda: broker.committed() == {0: 410, 1: 50})
    assert {line[3] for line in second.lines("live") if line[2] == "409"} == {
        digest([*before, *after, *more])
    }
    assert len(broker.read(settings.topics.dead_letters)) == 1


def test_too_much_of_it_ends_the_worker_with_a_message_and_a_restart_does_not_begin_to_count_anew(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    settings = replace(settings, stream=replace(settings.stream, poison_per_hour=2))
    broker.create_topics(1)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    broker.send([*numbered(1, 5), *numbered(6, 7, "explode"), *numbered(8, 10)])
    worker.until(lambda: broker.committed() == {0: 10})
    broker.send([*numbered(11, 11, "explode"), *numbered(12, 20)])
    for _ in range(2):
        assert worker.process.wait(30) == 1
        assert "expected at most 2 records an hour" in worker.said
        assert "found 3, the last at partition 0, offset 10" in worker.said
        assert "Traceback" not in worker.said
        assert len(broker.read(settings.topics.dead_letters)) == 2
        assert broker.committed() == {0: 10}
        worker = start(settings)
