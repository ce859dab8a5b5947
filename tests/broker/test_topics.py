"""The topics fraudwatch needs: compared with what Kafka has, and mended."""

import time
from collections.abc import Callable

import pytest
from kafka.admin import ConfigResource
from msgspec.structs import replace

from fraudwatch.broker import topics
from fraudwatch.broker.admin import admin_client
from fraudwatch.config.log import with_log
from fraudwatch.config.settings import Settings, Source
from fraudwatch.errors import ConfigurationError


def sentences(differences: list[topics.Difference]) -> list[str]:
    return [str(difference) for difference in differences]


def compared(settings: Settings, count: int) -> list[topics.Difference]:
    """The differences once there are `count`."""
    until(lambda: len(topics.compare(settings)) == count)
    return topics.compare(settings)


def until(condition: Callable[[], bool]) -> None:
    """A broker shows a change moments after it took it."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_alerts_and_snapshots_have_as_many_partitions_as_the_log_and_models_one() -> None:
    settings = Settings()
    plans = {plan.name: plan for plan in topics.wanted(settings, 12)}
    assert plans["fraudwatch.review"].partitions == plans["fraudwatch.snapshots"].partitions == 12
    assert plans["fraudwatch.models"].partitions == plans["fraudwatch.dispositions"].partitions == 1
    policies = {name: plan.config["cleanup.policy"] for name, plan in plans.items()}
    assert policies == {
        "fraudwatch.review": "compact,delete",
        "fraudwatch.dead-letters": "delete",
        "fraudwatch.dispositions": "delete",
        "fraudwatch.models": "compact",
        "fraudwatch.snapshots": "compact",
    }


def test_verdicts_are_kept_for_good() -> None:
    plans = {plan.name: plan for plan in topics.wanted(Settings(), 4)}
    assert plans["fraudwatch.dispositions"].config["retention.ms"] == "-1"


def test_two_topics_of_one_name_are_refused_before_one_is_compacted_under_the_other() -> None:
    settings = Settings(source=Source(topic="fraudwatch.models"))
    with pytest.raises(ConfigurationError, match="expected different names"):
        topics.wanted(settings, 4)


def test_apply_makes_what_is_missing_and_then_nothing_differs(settings: Settings) -> None:
    missing = topics.compare(settings)
    assert [difference.kind for difference in missing] == ["missing"] * 6
    assert settings.source.topic in str(missing[0])
    assert topics.apply(settings) == missing
    assert topics.compare(settings) == []
    assert topics.apply(settings) == []


@pytest.mark.kafka
def test_a_missing_source_is_made_with_the_partitions_asked_for(kafka_settings: Settings) -> None:
    topics.apply(kafka_settings, partitions=3)
    with admin_client(kafka_settings.kafka) as client:
        found = topics.partition_counts(
            client, [kafka_settings.source.topic, kafka_settings.topics.review, kafka_settings.topics.models]
        )
    assert sorted(found.values()) == [1, 3, 3]
    assert topics.compare(kafka_settings) == []


@pytest.mark.kafka
def test_a_changed_cleanup_policy_is_found_and_set_again(kafka_settings: Settings) -> None:
    topics.apply(kafka_settings)
    review = kafka_settings.topics.review
    with admin_client(kafka_settings.kafka) as client:
        client.alter_configs([ConfigResource("TOPIC", review, {"cleanup.policy": "delete"})])
    expected = [f"{review}: expected cleanup.policy=compact,delete, found cleanup.policy=delete"]
    assert sentences(compared(kafka_settings, 1)) == expected
    assert sentences(topics.apply(kafka_settings)) == expected
    assert topics.compare(kafka_settings) == []


@pytest.mark.kafka
def test_what_the_operator_may_tune_is_left_alone(kafka_settings: Settings) -> None:
    topics.apply(kafka_settings)
    with admin_client(kafka_settings.kafka) as client:
        tuned = ConfigResource("TOPIC", kafka_settings.topics.review, {"retention.ms": "86400000"})
        client.alter_configs([tuned])
        shown = ConfigResource("TOPIC", kafka_settings.topics.review, ["retention.ms"])
        until(lambda: "86400000" in str(client.describe_configs([shown])))
    assert topics.compare(kafka_settings) == []


@pytest.mark.kafka
def test_a_source_that_grew_gets_more_review_partitions(kafka_settings: Settings) -> None:
    topics.apply(kafka_settings)
    with admin_client(kafka_settings.kafka) as client:
        client.create_partitions({kafka_settings.source.topic: 6})
    compared(kafka_settings, 3)
    grown = topics.apply(kafka_settings)
    assert [difference.topic for difference in grown] == [
        kafka_settings.topics.review,
        kafka_settings.topics.dead_letters,
        kafka_settings.topics.snapshots,
    ]
    assert topics.compare(kafka_settings) == []


@pytest.mark.kafka
def test_partitions_that_are_too_many_are_told_but_not_touched(kafka_settings: Settings) -> None:
    topics.apply(kafka_settings)
    with admin_client(kafka_settings.kafka) as client:
        client.create_partitions({kafka_settings.topics.models: 3})
    (left,) = compared(kafka_settings, 1)
    assert topics.apply(kafka_settings) == []
    assert not left.applicable
    assert "expected 1 partition, found 3 partitions (to be mended by hand" in str(left)


def test_the_embedded_broker_plans_its_one_number_of_partitions(embedded_settings: Settings) -> None:
    plans = topics.wanted(embedded_settings, 4)
    assert {plan.partitions for plan in plans} == {4}


def two_sources(settings: Settings) -> Settings:
    """The same house with a log that intake writes."""
    name = settings.source.topic
    topics = replace(settings.topics, transactions=f"{name}-log")
    sources = {"cards": Source(topic=f"{name}-cards"), "cash": Source(topic=f"{name}-cash")}
    return with_log(replace(settings, topics=topics, sources=sources))


def test_with_several_sources_their_topics_and_the_log_are_wanted_too(settings: Settings) -> None:
    several = two_sources(settings)
    made = {difference.topic: str(difference) for difference in topics.apply(several)}
    assert len(made) == 8
    assert settings.source.topic not in made
    assert "expected a source of transactions with 4 partitions" in made[f"{settings.source.topic}-cash"]
    assert "expected a topic with 4 partitions" in made[several.topics.transactions]
    assert topics.compare(several) == []


@pytest.mark.kafka
def test_the_log_keeps_the_timestamps_of_the_sources_and_sets_the_partitions_of_the_review_topic(
    kafka_settings: Settings,
) -> None:
    several = two_sources(kafka_settings)
    topics.apply(several)
    log = several.topics.transactions
    with admin_client(several.kafka) as client:
        client.alter_configs([ConfigResource("TOPIC", log, {"message.timestamp.type": "LogAppendTime"})])
        client.create_partitions({log: 6, several.sources["cash"].topic: 5})
    found = sentences(compared(several, 4))
    assert (
        f"{log}: expected message.timestamp.type=CreateTime, found message.timestamp.type=LogAppendTime"
        in found
    )
    assert f"{several.topics.review}: expected 6 partitions, found 4 partitions" in found
    topics.apply(several)
    assert topics.compare(several) == []


def test_a_source_under_the_name_of_the_log_is_refused() -> None:
    sources = {"cards": Source(topic="fraudwatch.transactions")}
    with pytest.raises(ConfigurationError, match="expected different names"):
        topics.wanted(Settings(sources=sources), 4)
