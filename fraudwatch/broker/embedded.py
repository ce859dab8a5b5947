"""A Kafka inside this process, for the demo and the quick tests: librdkafka's mock broker.

It speaks the real protocol on loopback, is up in about 12 ms, and other processes may connect. What it is not
(FACTS §3): no admin requests (hence topics by metadata request, always of four partitions), no TLS, no
compaction, no second member in a group; a partition keeps 5 MiB and **drops older records silently**. No guarantee
is ever judged on it.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaException, Producer

from fraudwatch.errors import BrokerError

PARTITIONS = 4
"""Partitions of every topic: librdkafka's default, which no setting of the client changes (rdkafka_mock.c)."""

KEPT_BYTES = 5 * 1024 * 1024
"""What a partition keeps before it drops its oldest records (rdkafka_mock.c, `max_size`)."""

ANSWER_SECONDS = 10.0
"""Far beyond what a broker in the same process takes, even on a busy machine."""


class EmbeddedBroker:
    """`with EmbeddedBroker() as broker:` is a broker at `broker.bootstrap_servers`, gone with everything at the end.

    Raises BrokerError when it does not come up.
    """

    def __init__(self) -> None:
        # The client's own notices (a line for each mock broker) would land in the middle of the demo's screen.
        self._owner = Producer({"test.mock.num.brokers": 1, "log_level": 0})
        try:
            brokers = self._owner.list_topics(timeout=ANSWER_SECONDS).brokers.values()
        except KafkaException as error:
            self._owner.close()
            raise BrokerError(f"the embedded broker did not start: {error}") from error
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def create_topics(self, partitions: Mapping[str, int]) -> None:
        """Make topics, given as {name: partitions}; one that exists stays as it is.

        Raises BrokerError for any number of partitions but PARTITIONS.
        """
        for name, count in partitions.items():
            if count != PARTITIONS:
                raise BrokerError(
                    f"the embedded broker gives every topic {PARTITIONS} partitions; {count} were asked for "
                    f"{name}: ask for {PARTITIONS}, or use a real Kafka"
                )
            _declare(self._owner, name)

    def close(self) -> None:
        """End the broker; what it held is gone."""
        self._owner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def declare_topics(bootstrap_servers: str, names: tuple[str, ...]) -> None:
    """Make topics on an embedded broker of another process. Raises BrokerError when it does not answer."""
    client = Producer({"bootstrap.servers": bootstrap_servers, "log_level": 0})
    try:
        for name in names:
            _declare(client, name)
    finally:
        client.close()


def _declare(client: Producer, name: str) -> None:
    """The mock broker makes a topic when a client that may create topics asks for its metadata."""
    try:
        topic = client.list_topics(name, timeout=ANSWER_SECONDS).topics[name]
    except KafkaException as error:
        raise BrokerError(f"the embedded broker did not make the topic {name}: {error}") from error
    if topic.error is not None:
        raise BrokerError(f"the embedded broker did not make the topic {name}: {topic.error}")
