"""Own Kafka clients, outside the group: how they connect, and consumers that are assigned."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from fraudwatch.config.security import MECHANISM, credentials, tls_context
from fraudwatch.config.settings import Kafka, Settings

LARGEST_FETCH_BYTES = 4 * 1024 * 1024
TELL_AGAIN_SECONDS = 1.0


def servers(settings: Settings) -> list[str]:
    """The addresses of the brokers, host:port each."""
    return [address.strip() for address in settings.kafka.bootstrap_servers.split(",") if address.strip()]


def options(settings: Settings) -> dict[str, Any]:
    """What every own client is made with.

    Raises ConfigurationError for options or files of the connection's security that cannot be used.
    """
    return {
        "bootstrap_servers": servers(settings),
        "request_timeout_ms": int(settings.kafka.request_timeout),
        "client_id": settings.kafka.group,
        **_security(settings.kafka),
    }


def _security(kafka: Kafka) -> dict[str, Any]:
    context, user = tls_context(kafka), credentials(kafka)
    if context is None:
        return {}
    if user is None:
        return {"security_protocol": "SSL", "ssl_context": context}
    return {
        "security_protocol": "SASL_SSL",
        "ssl_context": context,
        "sasl_mechanism": MECHANISM,
        "sasl_plain_username": user[0],
        "sasl_plain_password": user[1],
    }


@asynccontextmanager
async def open_consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group, to be assigned partitions by its user. Raises KafkaError."""
    consumer = AIOKafkaConsumer(
        **options(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=LARGEST_FETCH_BYTES,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await _stop(consumer)


async def _stop(consumer: AIOKafkaConsumer) -> None:
    """Ends it for certain.

    aiokafka's fetcher ignores a word to stop that comes while it lets go of an assignment, and `stop` waits for it
    for ever: so it is told again.
    """
    stopping = asyncio.create_task(consumer.stop())
    while not (await asyncio.wait({stopping}, timeout=TELL_AGAIN_SECONDS))[0]:
        stopping.cancel()
    with suppress(asyncio.CancelledError):
        stopping.result()


def read_from(consumer: AIOKafkaConsumer, offsets: Mapping[TopicPartition, int]) -> None:
    """Assigns these partitions, and no others, from these offsets on.

    In one step of the loop: between an assignment and its seek aiokafka looks for a position itself, finds none, and
    keeps an error that `getmany` raises later, of other partitions too.
    """
    consumer.assign(list(offsets))
    for place, offset in offsets.items():
        consumer.seek(place, offset)
