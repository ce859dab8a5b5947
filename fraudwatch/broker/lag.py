"""How far the worker's group is behind the end of its source topic. Works on the embedded broker too."""

from collections.abc import Sequence
from typing import Any

import msgspec
from kafka import TopicPartition

from fraudwatch.broker.admin import admin_client, begin_offsets, committed_offsets, end_offsets, partitions_of
from fraudwatch.config.settings import Settings


class PartitionLag(msgspec.Struct, frozen=True):
    """One partition: the offset after its newest record, the group's commit (None: never), records between.

    Without a commit everything that is still in the partition counts.
    """

    partition: int
    end: int
    committed: int | None
    lag: int


def group_lag(settings: Settings) -> tuple[PartitionLag, ...]:
    """Each partition of the source topic, as the workers' group has committed it.

    Raises BrokerError when Kafka does not answer or there is no such topic. In records only: a lag in time would
    need the record at each committed offset to be read.
    """
    with admin_client(settings.kafka) as client:
        partitions = partitions_of(client, settings.source.topic)
        return measure(client, settings.kafka.group, partitions)


def measure(client: Any, group: str, partitions: Sequence[TopicPartition]) -> tuple[PartitionLag, ...]:
    """The same over an open admin client, for those who ask again and again."""
    # Commits first: a group that is on the move cannot look as if it were past the end.
    committed = committed_offsets(client, group, partitions)
    begin = begin_offsets(client, partitions)
    end = end_offsets(client, partitions)
    return tuple(_lag(at.partition, begin[at], end[at], committed[at]) for at in partitions)


def _lag(partition: int, begin: int, end: int, committed: int | None) -> PartitionLag:
    behind = end - max(begin, committed or 0)
    return PartitionLag(partition, end, committed, max(0, behind))
