"""A member that is frozen for longer than its session, and wakes: it commits nothing any more, and ends."""

import asyncio
import signal
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    CommitFailedError,
    GroupAuthorizationFailedError,
    IllegalGenerationError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.stream.transport import ConsumerThread

PLACE = TopicPartition("t", 0)

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
    # As a rule it commits what it had in hand. Now and then it has learned before that its session is over.
    deadline = time.monotonic() + 20
    while frozen.process.poll() is None and not has_joined_again(frozen) and time.monotonic() < deadline:
        time.sleep(0.05)
    if frozen.process.poll() is not None:
        assert frozen.process.returncode == 1
        assert "expected to be a member of the group when committing" in frozen.said
        assert "Traceback" not in frozen.said
    else:
        assert has_joined_again(frozen)
        assert "OffsetCommit failed" not in frozen.said
    assert broker.committed()[0] == 60

    broker.send(numbered(61, 70, "alert"))
    broker.send(numbered(1, 10), partition=1)
    other.until(lambda: broker.committed() == {0: 70, 1: 10})
    alerts = [alert.key() for alert in broker.read(settings.topics.review)]
    assert set(alerts) == {b"alert-%d" % n for n in range(1, 71) if n != 21}
    assert max(map(alerts.count, alerts)) <= 2


def has_joined_again(worker: Any) -> bool:
    return worker.said.count("live on partitions") == 2


def a_thread(error: Exception | None, generation: int = 3) -> Any:
    """Faust's consumer thread, as far as a commit needs it; the broker answers with this."""

    async def commit(offsets: Any) -> None:
        if error is not None:
            raise error

    consumer = SimpleNamespace(commit=commit, _coordinator=SimpleNamespace(generation=generation))
    return SimpleNamespace(assignment=lambda: {PLACE}, _ensure_consumer=lambda: consumer)


def refused(why: Exception) -> CommitFailedError:
    error = CommitFailedError("the group has already rebalanced")
    error.__cause__ = why
    return error


@pytest.mark.parametrize("why", [UnknownMemberIdError(), IllegalGenerationError()])
def test_a_commit_of_who_is_no_member_any_more_is_an_error(why: Exception) -> None:
    with pytest.raises(BrokerError, match="expected to be a member of the group when committing"):
        asyncio.run(ConsumerThread._commit(a_thread(refused(why)), {PLACE: 5}))


def test_a_commit_in_the_middle_of_a_rebalance_is_tried_again_later() -> None:
    assert not asyncio.run(ConsumerThread._commit(a_thread(refused(RebalanceInProgressError())), {PLACE: 5}))
    assert asyncio.run(ConsumerThread._commit(a_thread(None), {PLACE: 5}))


def test_a_commit_that_may_not_be_is_an_error() -> None:
    with pytest.raises(BrokerError, match="expected the broker to take a commit, found: GroupAuthorization"):
        asyncio.run(ConsumerThread._commit(a_thread(GroupAuthorizationFailedError()), {PLACE: 5}))


def test_who_has_lost_its_membership_does_not_even_ask_because_an_empty_group_takes_anything() -> None:
    with pytest.raises(BrokerError, match="expected to be a member of the group when committing"):
        asyncio.run(ConsumerThread._commit(a_thread(None, generation=-1), {PLACE: 5}))
