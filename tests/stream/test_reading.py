"""Reading with a consumer of our own, outside the group."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition

from fraudwatch.config.settings import Settings
from fraudwatch.stream.clients import open_consumer, read_from
from fraudwatch.stream.snapshots.reader import find

LOOKS_FOR_A_POSITION_SECONDS = 0.3
ENDS_WITHIN_SECONDS = 30.0


def test_a_partition_without_snapshots_leaves_no_error_for_what_is_read_next(
    settings: Settings, broker: Any
) -> None:
    """aiokafka keeps one where it found no position in time, and raises it at the next call, whatever that asks for."""

    broker.create_topics(1)

    async def attempt() -> dict[Any, Any]:
        async with open_consumer(settings) as consumer:
            assert await find(consumer, TopicPartition(settings.topics.snapshots, 0)) == []
            await asyncio.sleep(LOOKS_FOR_A_POSITION_SECONDS)
            read_from(consumer, {TopicPartition(settings.source.topic, 0): 0})
            return dict(await consumer.getmany(timeout_ms=100))

    assert asyncio.run(attempt()) == {}


@pytest.mark.parametrize("turns", range(6))
def test_reading_ends_whatever_turn_of_the_loop_it_is_left_at(
    settings: Settings, broker: Any, turns: int
) -> None:
    """aiokafka loses the word to stop while its fetcher lets go of an assignment, and waits for ever."""

    broker.create_topics(1)

    async def attempt() -> None:
        async with open_consumer(settings) as consumer:
            read_from(consumer, {TopicPartition(settings.source.topic, 0): 0})
            await consumer.getmany(timeout_ms=300)
            read_from(consumer, {TopicPartition(settings.topics.snapshots, 0): 0})
            for _ in range(turns):
                await asyncio.sleep(0)

    async def ends() -> bool:
        # Not wait_for: its cancellation would be the second word to stop, and hide that the first was lost.
        reading = asyncio.create_task(attempt())
        return reading in (await asyncio.wait({reading}, timeout=ENDS_WITHIN_SECONDS))[0]

    assert asyncio.run(ends())
