"""Own Kafka clients, outside the group: the first look at the cluster, and consumers that are assigned."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError

# A broker that is there answers in milliseconds; one behind a firewall never.
FIRST_ANSWER_SECONDS = 10.0
LARGEST_FETCH_BYTES = 4 * 1024 * 1024


def servers(settings: Settings) -> list[str]:
    """The addresses of the brokers, host:port each."""
    return [address.strip() for address in settings.kafka.bootstrap_servers.split(",") if address.strip()]


def _options(settings: Settings) -> dict[str, Any]:
    return {
        "bootstrap_servers": servers(settings),
        "request_timeout_ms": int(settings.kafka.request_timeout),
        "client_id": settings.kafka.group,
    }


@asynccontextmanager
async def open_consumer(settings: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer without a group, to be assigned partitions by its user. Raises KafkaError."""
    consumer = AIOKafkaConsumer(
        **_options(settings),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        fetch_max_wait_ms=100,
        max_partition_fetch_bytes=LARGEST_FETCH_BYTES,
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def look_at_cluster(settings: Settings, *, with_models: bool) -> int:
    """Checks that Kafka answers and that the topics are there; gives the partitions of the source.

    Raises BrokerError, within FIRST_ANSWER_SECONDS, that says what is missing.
    """
    where = f"kafka.bootstrap_servers {settings.kafka.bootstrap_servers}"
    try:
        partitions = await asyncio.wait_for(_partition_counts(settings), FIRST_ANSWER_SECONDS)
    except (KafkaError, OSError, ValueError, TimeoutError) as error:
        raise BrokerError(
            f"{where}: expected a Kafka broker, found no answer ({_reason(error)}). "
            "Check the address, and that the broker is running and can be reached from here."
        ) from error
    wanted = {"source.topic": settings.source.topic, "topics.review": settings.topics.review}
    wanted["topics.dead_letters"] = settings.topics.dead_letters
    if with_models:
        wanted["topics.models"] = settings.topics.models
    missing = [f"{name} ({setting})" for setting, name in wanted.items() if not partitions.get(name)]
    if missing:
        raise BrokerError(
            f"{where}: expected the topics {', '.join(wanted.values())}; missing: {', '.join(missing)}. "
            "`fraudwatch topics --apply` creates fraudwatch's own; the source is yours to create."
        )
    return _require_review_partitions(settings, partitions)


def _require_review_partitions(settings: Settings, partitions: Mapping[str, int]) -> int:
    source, review = partitions[settings.source.topic], partitions[settings.topics.review]
    if review < source:
        raise BrokerError(
            f"topics.review {settings.topics.review}: expected at least the {source} partitions of "
            f"{settings.source.topic}, because an alert goes to the partition of its account, found {review}. "
            "Give the topic more partitions."
        )
    return source


async def _partition_counts(settings: Settings) -> dict[str, int]:
    names = [settings.source.topic, *_own_topics(settings)]
    admin = AIOKafkaAdminClient(**_options(settings))
    try:
        await admin.start()
        # The embedded broker creates a topic that is asked for by name; elsewhere a question must not.
        topics = await admin.describe_topics(names if settings.kafka.embedded else None)
    finally:
        await admin.close()
    return {topic["topic"]: len(topic["partitions"]) for topic in topics if not topic["error_code"]}


def _own_topics(settings: Settings) -> list[str]:
    return [settings.topics.review, settings.topics.dead_letters, settings.topics.models]


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing within {FIRST_ANSWER_SECONDS:g} s"
    return str(error) or type(error).__name__
