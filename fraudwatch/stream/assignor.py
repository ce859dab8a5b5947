"""Which member of the group gets which partitions: as few move as can, and partitions of one number stay together."""

from collections.abc import Mapping
from typing import Any

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.sticky.sticky_assignor import (
    StickyAssignmentExecutor,
    StickyAssignorMemberMetadataV1,
    StickyPartitionAssignor,
)
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment


class CopartitioningAssignor(StickyPartitionAssignor):  # type: ignore[misc]
    """aiokafka's sticky assignor (KIP-54) over groups of topics instead of topics.

    Topics with as many partitions and the same subscribers are one group: partition 3 of all of them goes to one
    member. Sticky, because a partition that moves has its state restored. It goes by the name of the one it
    extends, so that members of both can be in a group; who leads it decides.
    """

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, Any]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """By member. The first topic of a group, by name, stands in for all of them."""
        told = {member: cls.parse_member_metadata(metadata) for member, metadata in members.items()}
        groups = _groups(cluster, told)
        executor = StickyAssignmentExecutor(
            cluster, {member: _reduced(metadata, groups) for member, metadata in told.items()}
        )
        executor.perform_initial_assignment()
        executor.balance()
        cls._latest_partition_movements = executor.partition_movements
        return {
            member: ConsumerProtocolMemberAssignment(
                cls.version,
                sorted(
                    (topic, partitions)
                    for first, partitions in executor.get_final_assignment(member)
                    for topic in groups[first]
                ),
                b"",
            )
            for member in members
        }


def _groups(
    cluster: ClusterMetadata, told: Mapping[str, StickyAssignorMemberMetadataV1]
) -> dict[str, list[str]]:
    """The topics of each group, by its first one."""
    alike: dict[tuple[int, frozenset[str]], list[str]] = {}
    for topic in sorted({topic for metadata in told.values() for topic in metadata.subscription}):
        partitions = len(cluster.partitions_for_topic(topic) or ())
        subscribers = frozenset(member for member, metadata in told.items() if topic in metadata.subscription)
        alike.setdefault((partitions, subscribers), []).append(topic)
    return {topics[0]: topics for topics in alike.values()}


def _reduced(
    metadata: StickyAssignorMemberMetadataV1, groups: Mapping[str, list[str]]
) -> StickyAssignorMemberMetadataV1:
    """What a member told, of the topics that stand in for their group."""
    return StickyAssignorMemberMetadataV1(
        partitions=[place for place in metadata.partitions if place.topic in groups],
        generation=metadata.generation,
        subscription=[topic for topic in metadata.subscription if topic in groups],
    )
