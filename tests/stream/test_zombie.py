"""A member that is frozen for longer than its session, and wakes: it commits nothing any more, and ends."""

import signal
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]


@pytest.mark.parametrize("commit_every", [200, 600_000])
def test_a_member_that_wakes_after_its_session_ends_at_its_first_commit_and_sets_nothing_back(
    settings: Settings,
    broker: Any,
    numbered: Numbered,
    start: Start,
    free_port: Callable[[], int],
    commit_every: int,
) -> None:
    """Whether the commit comes by itself, or with the revoke."""
    broker.create_topics(2)
    frozen = start(settings, stream=replace(settings.stream, commit_every=Duration(commit_every)))
    frozen.until(lambda: frozen.is_ready)
    broker.send([*numbered(1, 20, "alert"), *numbered(21, 21, "slow"), *numbered(22, 40, "alert")])
    frozen.until(lambda: len(frozen.lines("slow")) == 1)
    frozen.process.send_signal(signal.SIGSTOP)

    other = start(settings, metrics=replace(settings.metrics, port=free_port()))
    broker.send(numbered(41, 60, "alert"))
    other.until(lambda: broker.committed().get(0) == 60)
    frozen.process.send_signal(signal.SIGCONT)
    assert frozen.process.wait(20) == 1
    assert "expected to be a member of the group when committing" in frozen.said
    assert "Traceback" not in frozen.said
    assert broker.committed()[0] == 60

    broker.send(numbered(61, 70, "alert"))
    broker.send(numbered(1, 10), partition=1)
    other.until(lambda: broker.committed() == {0: 70, 1: 10})
    alerts = [alert.key() for alert in broker.read(settings.topics.review)]
    assert set(alerts) == {b"alert-%d" % n for n in range(1, 71) if n != 21}
    assert max(map(alerts.count, alerts)) <= 2
