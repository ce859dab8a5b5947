"""Alerts and dead letters on their way out: nothing is done before the broker has acknowledged each."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError

from fraudwatch.config.settings import Topics
from fraudwatch.errors import BrokerError
from fraudwatch.records import DeadLetter
from fraudwatch.stream.models import MODELS_PARTITION
from fraudwatch.stream.parts import Alert, Headers, Parts

logger = logging.getLogger(__name__)

BYTES_LEFT_OUT = "bytes_left_out"
"""Header of a dead letter that the broker takes only without its bytes: how many were left out."""


class Producer(Protocol):
    """Faust's producer: `send` queues a message and gives the future of its delivery."""

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: Headers | None,
    ) -> Awaitable[Any]: ...


class Delivery:
    """Sends and waits. `producer` is asked for at the first send: Faust makes it when the app starts."""

    def __init__(self, topics: Topics, producer: Callable[[], Producer], parts: Parts) -> None:
        self._topics = topics
        self._producer = producer
        self._parts = parts

    async def send(self, alerts: Sequence[tuple[int, Alert]], dead_letters: Sequence[DeadLetter]) -> None:
        """Returns once the broker holds every message. `alerts` are pairs of the account's partition and the alert.

        Raises BrokerError when one of them was not acknowledged. (Faust's flush is no barrier: each delivery is
        awaited.)
        """
        pending = [await self._queue_alert(partition, alert) for partition, alert in alerts]
        letters = [await self._queue_letter(letter, letter.record.value) for letter in dead_letters]
        await _acknowledged(asyncio.gather(*pending), self._topics.review)
        results = await asyncio.gather(*letters, return_exceptions=True)
        for letter, result in zip(dead_letters, results, strict=True):
            if isinstance(result, MessageSizeTooLargeError):
                await self._send_without_bytes(letter)
            elif isinstance(result, BaseException):
                raise _undelivered(self._topics.dead_letters, result) from result

    async def send_model(self, key: bytes, value: bytes) -> None:
        """One message of the models topic; returns once the broker holds it. Raises BrokerError."""
        sent = await self._queue(self._topics.models, key, value, MODELS_PARTITION, None)
        await _acknowledged(sent, self._topics.models)

    async def _queue_alert(self, partition: int, alert: Alert) -> Awaitable[Any]:
        key, value = alert.alert_id.encode(), self._parts.encode(alert)
        return await self._queue(self._topics.review, key, value, partition, None)

    async def _queue_letter(
        self, letter: DeadLetter, value: bytes | None, more: Headers | None = None
    ) -> Awaitable[Any]:
        headers = [*self._parts.letter_headers(letter), *(more or [])]
        return await self._queue(self._topics.dead_letters, letter.record.key, value, None, headers)

    async def _send_without_bytes(self, letter: DeadLetter) -> None:
        """A record of just the size the broker allows is over it with our headers on.

        Refusing to go on would stop the partition for good. The headers say where the bytes can be read.
        """
        size = len(letter.record.value or b"")
        logger.warning(
            "a dead letter of %d bytes is too large for %s and goes there without its bytes: "
            "partition %d, offset %d",
            size,
            self._topics.dead_letters,
            letter.record.partition,
            letter.record.offset,
        )
        sent = await self._queue_letter(letter, b"", [(BYTES_LEFT_OUT, str(size).encode())])
        await _acknowledged(sent, self._topics.dead_letters)

    async def _queue(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        headers: Headers | None,
    ) -> Awaitable[Any]:
        try:
            return await self._producer().send(topic, key, value, partition, None, headers)
        except (KafkaError, ProducerSendError) as error:
            raise _undelivered(topic, error) from error


async def _acknowledged(delivery: Awaitable[Any], topic: str) -> None:
    try:
        await delivery
    except KafkaError as error:
        raise _undelivered(topic, error) from error


def _undelivered(topic: str, error: BaseException) -> BrokerError:
    return BrokerError(
        f"expected {topic} to acknowledge what was sent, found: {error!r}. The worker ends without "
        "acknowledging its input; a restart goes on from there. Check the topic and the broker."
    )
