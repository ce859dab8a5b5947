"""The embedded broker, and the traps that the rest of the package is built around."""

import pytest
from confluent_kafka import Producer

from fraudwatch.broker import topics
from fraudwatch.broker.embedded import KEPT_BYTES, PARTITIONS, EmbeddedBroker
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Kafka, Settings
from fraudwatch.errors import BrokerError


def settings_at(broker: EmbeddedBroker) -> Settings:
    return Settings(kafka=Kafka(bootstrap_servers=broker.bootstrap_servers, embedded=True))


def test_every_topic_has_its_four_partitions() -> None:
    with EmbeddedBroker() as broker:
        settings = settings_at(broker)
        plans = topics.wanted(settings, PARTITIONS)
        broker.create_topics(
            {settings.source.topic: PARTITIONS} | {plan.name: plan.partitions for plan in plans}
        )
        assert topics.compare(settings) == []


def test_another_number_of_partitions_is_refused() -> None:
    with (
        EmbeddedBroker() as broker,
        pytest.raises(BrokerError, match="gives every topic 4 partitions; 1 were"),
    ):
        broker.create_topics({"models": 1})


def test_a_closed_broker_is_gone() -> None:
    with EmbeddedBroker() as broker:
        settings = settings_at(broker)
    with pytest.raises(BrokerError, match="found none"):
        topics.compare(settings)


def test_two_brokers_know_nothing_of_each_other() -> None:
    with EmbeddedBroker() as one, EmbeddedBroker() as other:
        one.create_topics({"transactions": PARTITIONS})
        missing = {difference.topic for difference in topics.compare(settings_at(other))}
    assert "transactions" in missing


def test_it_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    with EmbeddedBroker() as broker:
        topics.apply(settings_at(broker))
    assert capfd.readouterr() == ("", "")


def test_it_drops_the_oldest_records_beyond_what_it_keeps() -> None:
    """The trap itself: when it is gone, so may be the bound on bytes in `holding`."""
    value = bytes(100_000)
    with EmbeddedBroker() as broker:
        settings = settings_at(broker)
        topics.apply(settings)
        producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
        for _ in range(2 * KEPT_BYTES // len(value)):
            producer.produce(settings.source.topic, value, partition=0)
        producer.flush(10)
        producer.close()
        left = list(tail(settings, settings.source.topic))
    assert left[0].offset > 0
    assert KEPT_BYTES - 2 * 1_000_000 < len(left) * len(value) <= KEPT_BYTES + 1_000_000
