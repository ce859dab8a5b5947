"""Everything folded anew: the snapshots taken away, the group set back to the beginning of the log."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import msgspec
from kafka import TopicPartition
from kafka.errors import GroupIdNotFoundError, NoError
from kafka.structs import OffsetAndMetadata

from fraudwatch.broker.admin import admin_client, begin_offsets, partition_counts, partitions_of
from fraudwatch.broker.lag import measure
from fraudwatch.broker.senders import sender
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError

_WITHOUT_MEMBERS = {"Empty", "Dead", ""}
_MANIFEST = b"/manifest"


class Anew(msgspec.Struct, frozen=True):
    """One partition of the log: its first record that is there, the group's commit, and records between the two."""

    partition: int
    begin: int
    committed: int | None
    records: int


class Rebuild(msgspec.Struct, frozen=True):
    """What is to be done. `snapshots` has the keys of the messages to remove, by partition, manifests first."""

    group: str
    topic: str
    partitions: tuple[Anew, ...]
    snapshots: dict[int, tuple[bytes, ...]]

    @property
    def messages(self) -> int:
        """How many messages hold snapshots."""
        return sum(map(len, self.snapshots.values()))

    @property
    def records(self) -> int:
        """How many records the group has committed that are still there."""
        return sum(at.records for at in self.partitions)


def planned(settings: Settings) -> Rebuild:
    """What a rebuild has to do; nothing is changed. Raises BrokerError, also while the group has members."""
    kafka, topic = settings.kafka, settings.source.topic
    with admin_client(kafka) as client:
        _require_nobody(client, kafka.group)
        partitions = partitions_of(client, topic)
        begin = begin_offsets(client, partitions)
        commits = {at.partition: at.committed for at in measure(client, kafka.group, partitions)}
        has_snapshots = bool(partition_counts(client, [settings.topics.snapshots]))
    return Rebuild(
        group=kafka.group,
        topic=topic,
        partitions=tuple(_anew(place, begin[place], commits[place.partition]) for place in partitions),
        snapshots=_kept(settings) if has_snapshots else {},
    )


def carry_out(settings: Settings, rebuild: Rebuild, *, rewind: bool = True) -> None:
    """Remove the snapshots by tombstones and, unless not asked to `rewind`, set the group back to the beginning.

    The snapshots go first: without them a group that is not set back yet only folds its log in silence. Raises
    BrokerError, also where a member has joined the group meanwhile.
    """
    if rebuild.messages:
        with sender(settings.kafka, settings.topics.snapshots) as producer:
            for partition, keys in rebuild.snapshots.items():
                for key in keys:
                    producer.send(partition, key, None)
            producer.flush()
    if rewind:
        with admin_client(settings.kafka) as client:
            _require_nobody(client, rebuild.group)
            _set_back(client, rebuild)


def _anew(place: TopicPartition, begin: int, committed: int | None) -> Anew:
    return Anew(place.partition, begin, committed, max((committed or 0) - begin, 0))


def _kept(settings: Settings) -> dict[int, tuple[bytes, ...]]:
    """Keys of the snapshots topic that have a value, by partition."""
    keys: defaultdict[int, dict[bytes, None]] = defaultdict(dict)
    for record in tail(settings, settings.topics.snapshots):
        if record.value is None:
            keys[record.partition].pop(record.key or b"", None)
        elif record.key is not None:
            keys[record.partition][record.key] = None
    return {
        partition: tuple(sorted(of, key=lambda key: (not key.endswith(_MANIFEST), key)))
        for partition, of in sorted(keys.items())
        if of
    }


def _require_nobody(client: Any, group: str) -> None:
    try:
        found: Mapping[str, Any] = client.describe_groups([group])[group]
    except GroupIdNotFoundError:
        return
    members = len(found.get("members") or ())
    if members or str(found.get("group_state") or "") not in _WITHOUT_MEMBERS:
        raise BrokerError(
            f"expected group {group} to have no members, found {members}: stop all workers first, and wait until "
            "the broker has noticed (kafka.session_timeout)"
        )


def _set_back(client: Any, rebuild: Rebuild) -> None:
    offsets = {
        TopicPartition(rebuild.topic, at.partition): OffsetAndMetadata(at.begin, "", -1)
        for at in rebuild.partitions
    }
    answers = client.alter_group_offsets(rebuild.group, offsets)
    refused = {place.partition: error for place, error in answers.items() if error is not NoError}
    if refused:
        names = ", ".join(
            f"partition {number}: {error.__name__}" for number, error in sorted(refused.items())
        )
        raise BrokerError(f"expected group {rebuild.group} to be set back, found it refused ({names})")
