"""Settings of a Kafka with topics of their own: once for the embedded broker, once for the real one."""

from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition

from fraudwatch.broker.admin import connection
from fraudwatch.broker.embedded import EmbeddedBroker
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Kafka, Settings, Source, Topics

Commit = Callable[[Settings, dict[int, int]], None]


def settings_of(address: str, *, embedded: bool, unique_name: Callable[[str], str]) -> Settings:
    return Settings(
        kafka=Kafka(
            bootstrap_servers=address,
            group=unique_name("group"),
            request_timeout=Duration(10_000),
            embedded=embedded,
        ),
        source=Source(topic=unique_name("source")),
        topics=Topics(
            review=unique_name("review"),
            dead_letters=unique_name("dead-letters"),
            dispositions=unique_name("dispositions"),
            models=unique_name("models"),
            snapshots=unique_name("snapshots"),
        ),
    )


@pytest.fixture
def embedded_settings(unique_name: Callable[[str], str]) -> Iterator[Settings]:
    with EmbeddedBroker() as broker:
        yield settings_of(broker.bootstrap_servers, embedded=True, unique_name=unique_name)


@pytest.fixture
def kafka_settings(kafka: str, unique_name: Callable[[str], str]) -> Settings:
    return settings_of(kafka, embedded=False, unique_name=unique_name)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def settings(request: pytest.FixtureRequest) -> Settings:
    """The same test on both brokers."""
    made: Settings = request.getfixturevalue(f"{request.param}_settings")
    return made


@pytest.fixture
def commit() -> Commit:
    """`commit(settings, {partition: offset})` as a worker would."""
    return _commit


def _commit(settings: Settings, offsets: dict[int, int]) -> None:
    consumer = KafkaConsumer(
        **connection(settings.kafka), group_id=settings.kafka.group, enable_auto_commit=False
    )
    topic = settings.source.topic
    partitions = {TopicPartition(topic, partition): offset for partition, offset in offsets.items()}
    try:
        consumer.assign(list(partitions))
        consumer.commit({at: OffsetAndMetadata(offset, "", -1) for at, offset in partitions.items()})
    finally:
        consumer.close(autocommit=False)
