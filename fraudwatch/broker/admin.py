"""The one way to Kafka for kafka-python's clients: connection arguments, an admin client, errors in our words."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, OffsetSpec, TopicPartition
from kafka.errors import (
    Cancelled,
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    NodeNotReadyError,
    NotCoordinatorError,
    SaslAuthenticationFailedError,
    TopicAuthorizationFailedError,
)
from kafka.net.compat import KafkaNetClient

from fraudwatch.broker.rights import LackingRightError, refused
from fraudwatch.config.handshake import addresses, require_entry
from fraudwatch.config.scram import escaped
from fraudwatch.config.security import MECHANISM, credentials, tls_context
from fraudwatch.config.settings import Kafka
from fraudwatch.errors import BrokerError

# The mock broker announces newer versions of requests than it serves (FACTS §3).
EMBEDDED_API_VERSION = (2, 3)

# Without a handler Python prints its errors to the terminal, beside the one message we make of them.
logging.getLogger("kafka").addHandler(logging.NullHandler())

_NOT_DESCRIBABLE = TopicAuthorizationFailedError.errno

UNANSWERED = (KafkaTimeoutError, KafkaConnectionError, NodeNotReadyError, Cancelled)
COORDINATOR_NOT_YET = (CoordinatorNotAvailableError, CoordinatorLoadInProgressError, NotCoordinatorError)


def connection(kafka: Kafka) -> dict[str, Any]:
    """The arguments every client of kafka-python is built with.

    Raises ConfigurationError for an address that is none, and for options or files of the connection's security
    that cannot be used.
    """
    timeout_ms = int(kafka.request_timeout)
    return {
        "bootstrap_servers": [str(address) for address in addresses(kafka)],
        "client_id": "fraudwatch",
        "request_timeout_ms": timeout_ms,
        "bootstrap_timeout_ms": timeout_ms,
        # kafka-python refuses an idle limit that is not above the request timeout.
        "connections_max_idle_ms": max(540_000, 2 * timeout_ms),
        "api_version": EMBEDDED_API_VERSION if kafka.embedded else None,
        **_security(kafka),
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
        # kafka-python sends the name as it is given.
        "sasl_plain_username": escaped(user[0]),
        "sasl_plain_password": user[1],
    }


@contextmanager
def connected(make: Callable[..., Any], kafka: Kafka, **arguments: Any) -> Iterator[Any]:
    """A client of kafka-python (`make` is its class), closed at the end; what it raises becomes a BrokerError."""
    # The address that lets us in knows the others; kafka-python leaves a socket open at one that does not.
    entry = {"bootstrap_servers": [str(require_entry(kafka, kafka.request_timeout))]}
    arguments = connection(kafka) | entry | arguments
    networks: list[KafkaNetClient] = []

    def network(**configuration: Any) -> KafkaNetClient:
        networks.append(KafkaNetClient(**configuration))
        return networks[-1]

    with broker_errors(kafka):
        try:
            client = make(**arguments, kafka_client=network)
        except BaseException:
            # A constructor that raises leaves its I/O thread and sockets behind.
            for unfinished in networks:
                unfinished.close()
            raise
        try:
            yield client
        finally:
            client.close()


@contextmanager
def broker_errors(kafka: Kafka) -> Iterator[None]:
    """Turn what kafka-python raises inside into a BrokerError that names the address and what to do."""
    try:
        yield
    except SaslAuthenticationFailedError as error:
        raise BrokerError(f"Kafka at {kafka.bootstrap_servers} does not let us in: {error}") from error
    except UNANSWERED as error:
        raise BrokerError(
            f"expected Kafka at {kafka.bootstrap_servers} to go on answering, found nothing within "
            f"{kafka.request_timeout}: check that it runs, and that the addresses its brokers advertise "
            "(advertised.listeners) can be reached from here under the names in their certificates"
        ) from error
    except KafkaError as error:
        raise refused(kafka, error) from error


@contextmanager
def admin_client(kafka: Kafka) -> Iterator[Any]:
    """An admin client, closed at the end. Raises BrokerError, also for what fails in the body."""
    with connected(KafkaAdminClient, kafka) as client:
        yield client


def partition_counts(client: Any, names: Iterable[str]) -> dict[str, int]:
    """{topic: partitions} of those topics that exist. Raises LackingRightError where they may not even be described."""
    found = client.describe_topics(list(names))
    if hidden := [topic["name"] for topic in found if topic["error_code"] == _NOT_DESCRIBABLE]:
        raise LackingRightError("Describe", hidden)
    return {topic["name"]: len(topic["partitions"]) for topic in found if topic["error_code"] == 0}


def partitions_of(client: Any, topic: str) -> list[TopicPartition]:
    """All partitions of a topic, in order. Raises BrokerError when there is no such topic."""
    count = partition_counts(client, [topic]).get(topic)
    if count is None:
        raise no_such_topic(topic)
    return [TopicPartition(topic, partition) for partition in range(count)]


def no_such_topic(topic: str) -> BrokerError:
    return BrokerError(
        f"expected a topic named {topic}, found none: make it, or run `fraudwatch topics --apply`"
    )


def begin_offsets(client: Any, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The first offset that is still there, of each partition."""
    return _offsets(client, partitions, OffsetSpec.EARLIEST)


def end_offsets(client: Any, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The offset the next record will get, of each partition."""
    return _offsets(client, partitions, OffsetSpec.LATEST)


def committed_offsets(
    client: Any, group: str, partitions: Iterable[TopicPartition]
) -> dict[TopicPartition, int | None]:
    """The offset the group would go on from, of each partition; None where it never committed."""
    asked = list(partitions)
    found = _coordinated(client, lambda: client.list_group_offsets({group: asked})[group])
    offsets = {partition: found[partition].offset if partition in found else -1 for partition in asked}
    return {partition: offset if offset >= 0 else None for partition, offset in offsets.items()}


def _coordinated(client: Any, ask: Callable[[], Any]) -> Any:
    """Ask a group's coordinator, which a fresh cluster, or one that lost a broker, must find first."""
    deadline = time.monotonic() + client.config["request_timeout_ms"] / 1000
    while True:
        try:
            return ask()
        except COORDINATOR_NOT_YET:
            if time.monotonic() > deadline:
                raise
            time.sleep(client.config["retry_backoff_ms"] / 1000)


def _offsets(client: Any, partitions: Iterable[TopicPartition], spec: Any) -> dict[TopicPartition, int]:
    found = client.list_partition_offsets(dict.fromkeys(partitions, spec))
    return {partition: int(at.offset) for partition, at in found.items()}
