"""What our user may do with topics and group, asked of the broker at start and not found out at the first alert."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.types import Array, Boolean, Int16, Int32, Schema, String

from fraudwatch.config.security import identity
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.stream.clients import options


class Operation(IntEnum):
    """Of Kafka's AclOperation, those a stream needs: the numbers are bits of an answer."""

    READ = 3
    WRITE = 4


Needs = Mapping[str, Sequence[Operation]]
"""What is done with the topic of a setting."""

WORKER: Needs = {
    "source.topic": (Operation.READ,),
    "topics.transactions": (Operation.READ,),
    "topics.review": (Operation.READ, Operation.WRITE),
    "topics.dead_letters": (Operation.WRITE,),
    "topics.dispositions": (Operation.READ,),
    "topics.models": (Operation.READ, Operation.WRITE),
    "topics.snapshots": (Operation.READ, Operation.WRITE),
}
"""docs/security.md lists the same with the reasons; tests/security compares."""

_NOT_DESCRIBABLE = 29
"""TOPIC_AUTHORIZATION_FAILED: not even Describe, which Read and Write bring with them."""
_GROUP_REFUSED = 30
"""GROUP_AUTHORIZATION_FAILED."""
_UNKNOWN = -(2**31)
"""What a broker says that was not asked, or does not know."""


class _Answer(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            Array(("node_id", Int32), ("host", String("utf-8")), ("port", Int32), ("rack", String("utf-8"))),
        ),
        ("cluster_id", String("utf-8")),
        ("controller_id", Int32),
        (
            "topics",
            Array(
                ("error_code", Int16),
                ("topic", String("utf-8")),
                ("is_internal", Boolean),
                (
                    "partitions",
                    Array(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", Array(Int32)),
                        ("isr", Array(Int32)),
                        ("offline_replicas", Array(Int32)),
                    ),
                ),
                ("authorized_operations", Int32),
            ),
        ),
        ("cluster_authorized_operations", Int32),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 8
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", Array(String("utf-8"))),
        ("allow_auto_topic_creation", Boolean),
        ("include_cluster_authorized_operations", Boolean),
        ("include_topic_authorized_operations", Boolean),
    )


class _Rights(Request[_Question]):  # type: ignore[misc]
    """Metadata in the version that tells rights (KIP-430): aiokafka knows it up to 5."""

    API_KEY = 3

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = list(topics)

    def build(self, request_struct_class: type[_Question]) -> _Question:
        return request_struct_class(self._topics, False, False, True)


async def require_rights(settings: Settings, topics: Mapping[str, str], needs: Needs) -> None:
    """Checks what is needed of the topics, given by their settings, and that the group may be joined.

    A topic that does not exist is passed over. Raises BrokerError that names every right that is lacking, KafkaError
    when the broker does not answer.
    """
    client = AIOKafkaClient(**options(settings))
    try:
        await client.bootstrap()
        allowed = await _allowed(client, list(topics.values()))
        may_join = await _may_join(client, settings.kafka.group)
    finally:
        await client.close()
    lacking = [
        f"{operation.name.capitalize()} on topic {topic} ({setting})"
        for setting, topic in topics.items()
        for operation in needs.get(setting, ())
        if not allowed.get(topic, _UNKNOWN) & (1 << operation | _UNKNOWN)
    ]
    if not may_join:
        lacking.append(f"Read on group {settings.kafka.group} (kafka.group)")
    if lacking:
        raise BrokerError(
            f"expected {identity(settings.kafka)} to have the rights it needs in Kafka at "
            f"{settings.kafka.bootstrap_servers}, found that it lacks {', '.join(lacking)}: have them added "
            "(docs/security.md lists all)"
        )


async def _allowed(client: Any, topics: Sequence[str]) -> dict[str, int]:
    """The bits of each topic that is there; none for one that may not even be described."""
    try:
        answer = await client.send(client.get_random_node(), _Rights(topics))
    except NotImplementedError:
        return {}  # a Kafka before 2.3 does not tell
    found = answer.to_object()["topics"]
    return {
        topic["topic"]: 0 if topic["error_code"] == _NOT_DESCRIBABLE else topic["authorized_operations"]
        for topic in found
        if topic["error_code"] in (0, _NOT_DESCRIBABLE)
    }


async def _may_join(client: Any, group: str) -> bool:
    """Without the right a join is tried for ever. The heartbeat of no member is refused as such, or for lack of it."""
    answer = await client.send(client.get_random_node(), HeartbeatRequest(group, -1, ""))
    return bool(answer.error_code != _GROUP_REFUSED)
