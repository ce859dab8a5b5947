"""The first look at the cluster: whether Kafka answers, and has the topics that are needed."""

import asyncio
from collections.abc import Collection, Mapping
from types import MappingProxyType

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from fraudwatch.config.durations import Duration
from fraudwatch.config.handshake import require_entry
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.stream.clients import options
from fraudwatch.stream.rights import Needs, require_rights

# A broker that is there answers in milliseconds; one behind a firewall never.
FIRST_ANSWER_SECONDS = 10.0


async def look_at_cluster(
    settings: Settings,
    wanted: Mapping[str, str],
    if_there: Collection[str] = (),
    needs: Needs = MappingProxyType({}),
) -> dict[str, int]:
    """Checks that Kafka answers and that topics are there; gives the number of partitions of each, by name.

    `wanted` are names of topics by their settings; those of `if_there` are given where they are; `needs` are the
    rights wanted of them, by setting. Raises BrokerError, within FIRST_ANSWER_SECONDS, that says what is missing.
    """
    patience = min(int(FIRST_ANSWER_SECONDS * 1000), int(settings.kafka.request_timeout))
    # It blocks, and nothing else is on the loop yet.
    require_entry(settings.kafka, Duration(patience))
    where = f"kafka.bootstrap_servers {settings.kafka.bootstrap_servers}"
    try:
        async with asyncio.timeout(FIRST_ANSWER_SECONDS):
            if not settings.kafka.embedded:
                await require_rights(settings, wanted, needs)
            partitions = await _partition_counts(settings, [*wanted.values(), *if_there])
    except (KafkaError, OSError, ValueError, TimeoutError) as error:
        raise BrokerError(
            f"{where}: expected a Kafka broker, found no answer ({_reason(error)}). "
            "Check the address, and that the broker is running and can be reached from here."
        ) from error
    missing = [f"{name} ({setting})" for setting, name in wanted.items() if not partitions.get(name)]
    if missing:
        raise BrokerError(
            f"{where}: expected the topics {', '.join(wanted.values())}; missing: {', '.join(missing)}. "
            "`fraudwatch topics --apply` creates fraudwatch's own; a source is yours to create."
        )
    return {name: partitions[name] for name in (*wanted.values(), *if_there) if name in partitions}


async def _partition_counts(settings: Settings, names: list[str]) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**options(settings))
    try:
        await admin.start()
        # The embedded broker creates a topic that is asked for by name; elsewhere a question must not.
        topics = await admin.describe_topics(names if settings.kafka.embedded else None)
    finally:
        await admin.close()
    return {topic["topic"]: len(topic["partitions"]) for topic in topics if not topic["error_code"]}


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"nothing within {FIRST_ANSWER_SECONDS:g} s"
    return str(error) or type(error).__name__
