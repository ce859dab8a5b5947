"""Messages and dead letters on their way out: nothing is done before the broker has acknowledged each."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple, Protocol

from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError

from fraudwatch.errors import BrokerError
from fraudwatch.records import DeadLetter
from fraudwatch.stream.parts import Headers

logger = logging.getLogger(__name__)

BYTES_LEFT_OUT = "bytes_left_out"
"""Header of a dead letter that the broker takes only without its bytes: how many were left out."""


class Message(NamedTuple):
    """`partition` None: by the hash of the key, as Kafka does by default. `timestamp_ms` None: that of sending.

    `shorter` makes the value to send where the broker finds the first one too large.
    """

    topic: str
    key: bytes
    value: bytes
    partition: int | None = None
    timestamp_ms: int | None = None
    shorter: Callable[[], bytes] | None = None


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

    def __init__(
        self,
        producer: Callable[[], Producer],
        dead_letters_topic: str,
        letter_headers: Callable[[DeadLetter], Headers],
    ) -> None:
        self._producer = producer
        self._dead_letters_topic = dead_letters_topic
        self._letter_headers = letter_headers

    async def send(self, messages: Sequence[Message], dead_letters: Sequence[DeadLetter] = ()) -> None:
        """Returns once the broker holds every one; messages to one partition keep their order.

        Raises BrokerError when one of them was not acknowledged. (Faust's flush is no barrier: each delivery is
        awaited.)
        """
        pending = [await self._queue_message(message) for message in messages]
        letters = [await self._queue_letter(letter, letter.record.value) for letter in dead_letters]
        results = await asyncio.gather(*pending, return_exceptions=True)
        for message, result in zip(messages, results, strict=True):
            if isinstance(result, MessageSizeTooLargeError) and message.shorter is not None:
                await self._send_shorter(message, message.shorter())
            elif isinstance(result, BaseException):
                raise _undelivered(message.topic, result) from result
        results = await asyncio.gather(*letters, return_exceptions=True)
        for letter, result in zip(dead_letters, results, strict=True):
            if isinstance(result, MessageSizeTooLargeError):
                await self._send_without_bytes(letter)
            elif isinstance(result, BaseException):
                raise _undelivered(self._dead_letters_topic, result) from result

    async def _queue_message(self, message: Message) -> Awaitable[Any]:
        topic, key, value, partition, timestamp_ms, _ = message
        return await self._queue(topic, key, value, partition, timestamp_ms, headers=None)

    async def _send_shorter(self, message: Message, value: bytes) -> None:
        """What is too large once is so for ever: the partition would stand still."""
        logger.warning(
            "a message of %d bytes is too large for %s and goes there with %d: raise max.message.bytes of the topic",
            len(message.value),
            message.topic,
            len(value),
        )
        sent = await self._queue_message(message._replace(value=value))
        try:
            await sent
        except KafkaError as error:
            raise _undelivered(message.topic, error) from error

    async def _queue_letter(
        self, letter: DeadLetter, value: bytes | None, *more: tuple[str, bytes]
    ) -> Awaitable[Any]:
        headers = [*self._letter_headers(letter), *more]
        key = letter.record.key
        if key is None and value is None:
            # aiokafka sends no record of nothing; the reason, tombstone, says that there was none.
            value = b""
        return await self._queue(self._dead_letters_topic, key, value, headers=headers)

    async def _send_without_bytes(self, letter: DeadLetter) -> None:
        """A record of just the size the broker allows is over it with our headers on.

        Refusing to go on would stop the partition for good. The headers say where the bytes can be read.
        """
        size = len(letter.record.value or b"")
        logger.warning(
            "a dead letter of %d bytes is too large for %s and goes there without its bytes: "
            "partition %d, offset %d",
            size,
            self._dead_letters_topic,
            letter.record.partition,
            letter.record.offset,
        )
        sent = await self._queue_letter(letter, b"", (BYTES_LEFT_OUT, str(size).encode()))
        try:
            await sent
        except KafkaError as error:
            raise _undelivered(self._dead_letters_topic, error) from error

    async def _queue(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None = None,
        timestamp_ms: int | None = None,
        *,
        headers: Headers | None,
    ) -> Awaitable[Any]:
        # Faust cuts the seconds down to whole milliseconds, and takes 0 for none: from the middle of one it is that.
        timestamp = None if timestamp_ms is None else (timestamp_ms + 0.5) / 1000
        try:
            return await self._producer().send(topic, key, value, partition, timestamp, headers)
        except (KafkaError, ProducerSendError) as error:
            raise _undelivered(topic, error) from error


def _undelivered(topic: str, error: BaseException) -> BrokerError:
    return BrokerError(
        f"expected {topic} to acknowledge what was sent, found: {error!r}. The process ends without "
        "acknowledging its input; a restart goes on from there. Check the topic and the broker."
    )
