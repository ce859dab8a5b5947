"""The watch on progress: the end of each log against how far it was handled, once a second (FACTS §1).

It asks the broker with a client of its own: Faust's bundled detector compares different clocks, and a
consumer that stands still does not learn that its log grows.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, KafkaTimeoutError

from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.metrics import Metrics
from fraudwatch.stream.clients import open_consumer
from fraudwatch.stream.health import Health
from fraudwatch.stream.states import States

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 1.0
# A broker that lives answers in milliseconds; asked for a topic that is gone, the client never stops asking.
ANSWER_SECONDS = 5.0
# One answer without a topic may come from a broker that has just started.
ANSWERS = 2


async def look_again_and_again(
    settings: Settings, topics: Collection[str], look: Callable[[Any], Awaitable[None]]
) -> None:
    """Gives `look` an own consumer once a second; a broker that does not answer is asked again.

    Raises BrokerError where one of the topics, which `look` asks for, is there no more.
    """
    while True:
        try:
            async with open_consumer(settings) as consumer:
                while True:
                    try:
                        async with asyncio.timeout(ANSWER_SECONDS):
                            await look(consumer)
                    except (TimeoutError, KafkaTimeoutError):
                        await _require(topics, consumer)
                    await asyncio.sleep(LOOK_EVERY_SECONDS)
        except KafkaError as error:
            logger.warning("the end of the log cannot be read: %r", error)
            await asyncio.sleep(LOOK_EVERY_SECONDS)


async def _require(topics: Collection[str], consumer: Any) -> None:
    for _ in range(ANSWERS):
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                lost = set(topics) - await consumer.topics()
        except TimeoutError:
            return  # the watchdog judges
        if not lost:
            return
        await asyncio.sleep(LOOK_EVERY_SECONDS)
    error = BrokerError(
        f"expected to go on reading {', '.join(sorted(lost))}, found that it was deleted. The process ends: nothing is "
        "read any more. Was it made anew, its offsets begin anew: reset those of the group, or use another kafka.group."
    )
    # The end may be cut off before it is said: a commit of what is gone is tried again and again.
    logger.critical("%s", error)
    raise error


class Watch:
    """Reports lag to metrics and health.

    `handled_to` knows of offsets behind the last record that hold none; `clock` is seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        states: States,
        metrics: Metrics,
        health: Health,
        handled_to: Callable[[str, int], int],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._states = states
        self._metrics = metrics
        self._health = health
        self._handled_to = handled_to
        self._clock = clock

    async def run(self) -> None:
        """Looks for as long as it is not cancelled. Raises BrokerError once the topic is gone."""
        await look_again_and_again(self._settings, [self._settings.source.topic], self._look)

    async def _look(self, consumer: Any) -> None:
        places = {
            state.partition: TopicPartition(self._settings.source.topic, state.partition)
            for state in self._states.held
        }
        ends = await consumer.end_offsets(list(places.values())) if places else {}
        lag = {}
        for partition, place in places.items():
            state = self._states.get(partition)
            if state is not None:
                position = max(state.position, self._handled_to(*place))
                lag[partition] = max(ends[place] - position, 0)
                late = (
                    self._clock() - state.reached_ms / 1000
                    if lag[partition] and state.reached_ms > 0
                    else 0.0
                )
                self._metrics.lag(partition, lag[partition], max(late, 0.0))
        self._health.looked(lag)
