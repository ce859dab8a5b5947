"""The topics fraudwatch needs (DESIGN §5): what they should be, how Kafka differs, and making it so."""

import time
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from kafka.admin import ConfigResource, ConfigResourceType

from fraudwatch.broker.admin import admin_client, partition_counts
from fraudwatch.broker.embedded import PARTITIONS, declare_topics
from fraudwatch.broker.rights import LACKING, LackingRightError
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError, ConfigurationError

DAY_MS = 86_400_000

# Intake keeps the timestamps of its sources, so that lateness is judged by arrival: what was taken once is taken again.
ANY_TIMESTAMP_MS = 2**63 - 1
# History is restored from the log, so what it loses is forgotten: three times the longest window by default.
LOG_RETENTION_MS = 90 * DAY_MS
# Alerts must outlive their episode (7 days at most) and the verdicts on it; a year is what an audit asks for.
REVIEW_RETENTION_MS = 365 * DAY_MS
# Long enough to repair a mapping after a holiday and replay what it refused.
DEAD_LETTER_RETENTION_MS = 30 * DAY_MS
# Kafka compacts closed segments only, and closes them at 1 GiB: replaced snapshots would fill ten times their room.
SNAPSHOT_SEGMENT_BYTES = 100 * 1024 * 1024
# Kafka's own limit is 1 MiB: a dead letter is a record that fitted it, and headers.
DEAD_LETTER_MAX_BYTES = 2 * 1024 * 1024


class TopicPlan(msgspec.Struct, frozen=True):
    """A topic as it should be.

    `config` must hold and is compared; `initial` and `replication` are only given to a topic that is made, and are
    the operator's to change afterwards.
    """

    name: str
    partitions: int
    replication: int
    config: dict[str, str] = {}
    initial: dict[str, str] = {}


class Difference(msgspec.Struct, frozen=True):
    """Something Kafka has otherwise than planned. `applicable`: `apply` can mend it."""

    topic: str
    kind: Literal["missing", "partitions", "config"]
    expected: str
    found: str
    applicable: bool = True

    def __str__(self) -> str:
        remedy = "" if self.applicable else " (to be mended by hand: delete the topic, or name another)"
        return f"{self.topic}: expected {self.expected}, found {self.found}{remedy}"


def wanted(settings: Settings, log_partitions: int) -> tuple[TopicPlan, ...]:
    """The topics fraudwatch owns, for a log of `log_partitions` partitions.

    An alert goes to the partition of its account in the log, so the review topic has as many; snapshots are by
    partition too. The embedded broker has one number of partitions for all topics. Raises ConfigurationError when two
    topics have one name.
    """
    topics = settings.topics
    plans = (
        *_log(settings, log_partitions),
        TopicPlan(
            topics.review,
            log_partitions,
            topics.replication,
            {"cleanup.policy": "compact,delete"},
            {"retention.ms": str(REVIEW_RETENTION_MS)},
        ),
        TopicPlan(
            topics.dead_letters,
            log_partitions,
            topics.replication,
            {"cleanup.policy": "delete"},
            {"retention.ms": str(DEAD_LETTER_RETENTION_MS), "max.message.bytes": str(DEAD_LETTER_MAX_BYTES)},
        ),
        TopicPlan(
            topics.dispositions,
            PARTITIONS if settings.kafka.embedded else 1,
            topics.replication,
            # The only record of what people concluded, and tiny: kept for good.
            {"cleanup.policy": "delete", "retention.ms": "-1"},
        ),
        TopicPlan(
            topics.models,
            PARTITIONS if settings.kafka.embedded else 1,
            topics.replication,
            {"cleanup.policy": "compact"},
        ),
        TopicPlan(
            topics.snapshots,
            log_partitions,
            topics.replication,
            {"cleanup.policy": "compact"},
            {"segment.bytes": str(SNAPSHOT_SEGMENT_BYTES)},
        ),
    )
    names = [*_given(settings), *(plan.name for plan in plans)]
    if len(set(names)) < len(names):
        raise ConfigurationError(
            "expected different names for the topics of sources, topics.transactions, topics.review, "
            "topics.dead_letters, topics.dispositions, topics.models and topics.snapshots, "
            f"found {', '.join(names)}"
        )
    return plans


def _log(settings: Settings, partitions: int) -> tuple[TopicPlan, ...]:
    """The topic that intake writes; a single source is the log itself."""
    if not settings.sources:
        return ()
    config = {
        "cleanup.policy": "delete",
        "message.timestamp.type": "CreateTime",
        "message.timestamp.after.max.ms": str(ANY_TIMESTAMP_MS),
        "message.timestamp.before.max.ms": str(ANY_TIMESTAMP_MS),
    }
    initial = {"retention.ms": str(LOG_RETENTION_MS)}
    return (
        TopicPlan(settings.topics.transactions, partitions, settings.topics.replication, config, initial),
    )


def _given(settings: Settings) -> tuple[str, ...]:
    """The topics of the sources, which are not fraudwatch's own."""
    return tuple(source.topic for source in settings.sources.values()) or (settings.source.topic,)


def compare(settings: Settings, *, partitions: int = PARTITIONS) -> list[Difference]:
    """How Kafka differs from what the settings need; empty when all is well.

    `partitions` is the number the log or a missing source topic would be made with. Raises BrokerError.
    """
    with admin_client(settings.kafka) as client:
        return _compare(client, settings, partitions)


def apply(settings: Settings, *, partitions: int = PARTITIONS) -> list[Difference]:
    """Make missing topics, add partitions, set what must hold; returns what was mended.

    A missing source topic, and the log where intake writes it, are made with `partitions` partitions; otherwise
    their number is left alone. What cannot be mended stays in `compare`. Raises BrokerError.
    """
    with admin_client(settings.kafka) as client:
        plans = {plan.name: plan for plan in _all_plans(client, settings, partitions)[0]}
        mended = [
            difference for difference in _compare(client, settings, partitions) if difference.applicable
        ]
        missing = [plans[difference.topic] for difference in mended if difference.kind == "missing"]
        if missing and settings.kafka.embedded:
            declare_topics(settings.kafka.bootstrap_servers, tuple(plan.name for plan in missing))
        elif missing:
            _create(client, missing)
        for difference in mended:
            if difference.kind == "partitions":
                client.create_partitions({difference.topic: plans[difference.topic].partitions})
            elif difference.kind == "config":
                _set_config(client, plans[difference.topic])
        _await_mended(client, settings, partitions)
        return mended


def _all_plans(client: Any, settings: Settings, partitions: int) -> tuple[list[TopicPlan], Mapping[str, int]]:
    """The topics of the sources and our own, as they should be, and how many partitions each that exists has."""
    given = _given(settings)
    names = [*given, *(plan.name for plan in wanted(settings, partitions))]
    counts = partition_counts(client, names)
    sources = [TopicPlan(name, counts.get(name, partitions), settings.topics.replication) for name in given]
    return [*sources, *wanted(settings, counts.get(settings.source.topic, partitions))], counts


def _compare(client: Any, settings: Settings, partitions: int) -> list[Difference]:
    plans, counts = _all_plans(client, settings, partitions)
    given = _given(settings)
    differences = [
        difference
        for plan in plans
        for difference in _compare_partitions(plan, counts.get(plan.name), source=plan.name in given)
    ]
    if settings.kafka.embedded:
        return differences  # it has no topic configuration
    existing = [plan for plan in plans if plan.name in counts and plan.config]
    return differences + _compare_config(client, existing)


def _compare_partitions(plan: TopicPlan, found: int | None, *, source: bool) -> list[Difference]:
    what = "a source of transactions" if source else "a topic"
    if found is None:
        expected = f"{what} with {_counted(plan.partitions)}"
        return [Difference(plan.name, "missing", expected, "no such topic")]
    if found == plan.partitions:
        return []
    # Partitions can be added, never taken away.
    expected = _counted(plan.partitions)
    return [Difference(plan.name, "partitions", expected, _counted(found), found < plan.partitions)]


def _compare_config(client: Any, plans: list[TopicPlan]) -> list[Difference]:
    if not plans:
        return []
    resources = [ConfigResource(ConfigResourceType.TOPIC, plan.name, list(plan.config)) for plan in plans]
    found = client.describe_configs(resources, config_filter="all")["topic"]
    # What may not be described comes back without its settings.
    if hidden := [plan.name for plan in plans if not plan.config.keys() <= found[plan.name].keys()]:
        raise LackingRightError("DescribeConfigs", hidden)
    return [
        Difference(plan.name, "config", f"{key}={value}", f"{key}={found[plan.name][key]['value']}")
        for plan in plans
        for key, value in plan.config.items()
        if _as_set(found[plan.name][key]["value"]) != _as_set(value)
    ]


def _create(client: Any, plans: list[TopicPlan]) -> None:
    topics = {
        plan.name: {
            "num_partitions": plan.partitions,
            "replication_factor": plan.replication,
            "configs": plan.config | plan.initial,
        }
        for plan in plans
    }
    client.create_topics(topics, wait_for_metadata=True)


def _set_config(client: Any, plan: TopicPlan) -> None:
    resource = ConfigResource(ConfigResourceType.TOPIC, plan.name, dict(plan.config))
    answer = client.alter_configs([resource])["topic"][plan.name]
    if LACKING in answer:
        raise LackingRightError("AlterConfigs", [plan.name])
    if answer != "OK":
        raise BrokerError(f"Kafka refused to set {plan.config} on the topic {plan.name}: {answer}")


def _await_mended(client: Any, settings: Settings, partitions: int) -> None:
    """A broker answers from metadata that trail the change by moments."""
    deadline = time.monotonic() + settings.kafka.request_timeout / 1000
    while left := [found for found in _compare(client, settings, partitions) if found.applicable]:
        if time.monotonic() > deadline:
            raise BrokerError(
                f"Kafka took the changes, but does not show them after {settings.kafka.request_timeout}: "
                + "; ".join(map(str, left))
            )
        time.sleep(0.05)


def _as_set(value: str) -> set[str]:
    """`compact,delete` and `delete,compact` say the same."""
    return set(value.split(","))


def _counted(partitions: int) -> str:
    return f"{partitions} partition" if partitions == 1 else f"{partitions} partitions"
