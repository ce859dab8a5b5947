"""Reading with a consumer of our own, outside the group."""

import asyncio
from typing import Any

from aiokafka import TopicPartition

from fraudwatch.config.settings import Settings
from fraudwatch.stream.clients import open_consumer, read_from
from fraudwatch.stream.snapshots.reader import find

LOOKS_FOR_A_POSITION_SECONDS = 0.3


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
