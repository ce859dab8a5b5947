"""A topic that every worker reads for itself, from its beginning and on, with a consumer in no group (DESIGN D6)."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.stream.clients import open_consumer

FOLLOW_MS = 1_000

Take = Callable[[bytes | None, bytes | None], Awaitable[None]]
"""Is given key and value of each message, in the order of its partition."""


class WholeTopic:
    """An agent on such a topic would give each message to one worker only."""

    def __init__(self, settings: Settings, topic: str, partitions: int = 1) -> None:
        """Reads the first `partitions` of the topic."""
        self._settings = settings
        self._topic = topic
        self._places = [TopicPartition(topic, partition) for partition in range(partitions)]
        self._open = AsyncExitStack()
        self._consumer: Any = None

    async def catch_up(self, take: Take) -> None:
        """Reads to the end the topic has now. Raises BrokerError when it cannot be read."""
        with self._readable():
            self._consumer = await self._open.enter_async_context(open_consumer(self._settings))
            self._consumer.assign(self._places)
            await self._consumer.seek_to_beginning(*self._places)
            ends = await self._consumer.end_offsets(self._places)
            for place, end in ends.items():
                while await self._consumer.position(place) < end:
                    await self._read(take, place)

    async def follow(self, take: Take) -> None:
        """Reads on for as long as it is not cancelled. Raises BrokerError when the topic cannot be read."""
        with self._readable():
            while True:
                await self._read(take, *self._places)

    async def close(self) -> None:
        """Ends the consumer; `follow` must not be running."""
        await self._open.aclose()

    async def _read(self, take: Take, *places: TopicPartition) -> None:
        for messages in (await self._consumer.getmany(*places, timeout_ms=FOLLOW_MS)).values():
            for message in messages:
                await take(message.key, message.value)

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except KafkaError as error:
            raise BrokerError(
                f"{self._topic}: expected to read it, found: {error!r}. Check the topic and the broker."
            ) from error
