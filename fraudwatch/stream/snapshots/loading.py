"""From a partition of the snapshots topic to a state: the newest whole one, else the one before, else none."""

import logging
import time
from collections.abc import Callable
from typing import Any

from aiokafka import TopicPartition

from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import fingerprint
from fraudwatch.errors import BrokerError, SnapshotError
from fraudwatch.metrics import Metrics
from fraudwatch.snapshots import Manifest, Stamp
from fraudwatch.stream.health import Health
from fraudwatch.stream.snapshots.reader import Found, find, read_blocks
from fraudwatch.stream.states import States

logger = logging.getLogger(__name__)

SAY_EVERY_SECONDS = 5.0


class Loader:
    """Puts the states of snapshots into `states`.

    `newest` has the stamp of the newest snapshot of each partition that was looked at and has one that can be read;
    `refused` are the partitions that have snapshots, none of which could be used.
    """

    def __init__(
        self,
        settings: Settings,
        states: States,
        metrics: Metrics,
        health: Health,
        *,
        until: int | None = None,
    ) -> None:
        """`until`: a snapshot of more than the records before this offset is passed over."""
        self._until = until
        self._settings = settings
        self._states = states
        self._metrics = metrics
        self._health = health
        self._configuration = fingerprint(settings)
        self.newest: dict[int, Stamp] = {}
        self.refused: set[int] = set()

    async def load(self, consumer: Any, partition: int, end: int, stands: Callable[[], bool]) -> Stamp | None:
        """Looks for the snapshots of a partition; a newer one than the state that is held, if any, takes its place.

        Gives the stamp of the one that did. `end` is that of the log. What is found and cannot be used is said and
        counted. Returns early once `stands` is false. Raises BrokerError for a snapshot of another log, KafkaError.
        """
        place = TopicPartition(self._settings.topics.snapshots, partition)
        self.newest.pop(partition, None)
        self.refused.discard(partition)
        found = await find(consumer, place)
        for one in found:
            if one.manifest is not None:
                self._require_this_log(one.manifest.stamp, end)
        found = [one for one in found if not self._is_too_new(one)]
        held = self._states.get(partition)
        for one in found:
            if not stands():
                return None
            if await self._is_done_with(consumer, place, one, stands):
                return None if self._states.get(partition) is held else self.newest[partition]
        if found:
            self.refused.add(partition)
            logger.error(
                "%s, partition %d: no snapshot can be used; the state is folded from the log", *place
            )
        else:
            logger.info("%s, partition %d: there is no snapshot", *place)
        return None

    async def _is_done_with(
        self, consumer: Any, place: TopicPartition, found: Found, stands: Callable[[], bool]
    ) -> bool:
        """Whether nothing more is to be looked for: this one is in use, or what is held is as good."""
        if found.manifest is None:
            return self._refuse(place, found, found.error)
        stamp = found.manifest.stamp
        held = self._states.get(place.partition)
        if held is not None and held.position >= stamp.offset:
            self.newest[place.partition] = stamp
            return True
        try:
            return await self._use(consumer, place, found, found.manifest, stands)
        except SnapshotError as error:
            return self._refuse(place, found, error)

    def _is_too_new(self, found: Found) -> bool:
        return (
            self._until is not None
            and found.manifest is not None
            and found.manifest.stamp.offset > self._until
        )

    def _refuse(self, place: TopicPartition, found: Found, error: SnapshotError | None) -> bool:
        self._metrics.snapshots.damaged()
        logger.error(
            "%s, partition %d: the snapshot in slot %d, with its manifest at offset %d, cannot be used: %s",
            *(*place, found.slot, found.offset, error),
        )
        return False

    async def _use(
        self,
        consumer: Any,
        place: TopicPartition,
        found: Found,
        manifest: Manifest,
        stands: Callable[[], bool],
    ) -> bool:
        progress = _Progress(place, len(manifest.pieces), self._metrics, self._health)
        blocks = await read_blocks(consumer, place, found, stands, progress.read)
        if blocks is None:
            return True
        stamp = manifest.stamp
        state, loaded = await self._states.load(stamp, blocks)
        self.newest[place.partition] = stamp
        metrics = self._metrics.snapshots
        metrics.restored_from("snapshot")
        metrics.blocks(dropped=len(loaded.dropped), anew=len(loaded.anew))
        metrics.taken(
            place.partition, at_seconds=stamp.created_ms / 1000, offset=stamp.offset, size=progress.bytes
        )
        logger.info(
            "%s, partition %d: restored from the snapshot at offset %d of %s, %.1f MB, in %.1f s",
            *(
                stamp.topic,
                place.partition,
                state.position,
                stamp.code,
                progress.bytes / 1e6,
                progress.seconds,
            ),
        )
        for name in loaded.dropped:
            logger.warning(
                "%s, partition %d: block %s of the snapshot is not known here: left out", *place, name
            )
        for name, cause in loaded.anew.items():
            logger.warning("%s, partition %d: block %s begins anew: %s", *place, name, cause)
        if stamp.configuration != self._configuration:
            logger.info("the snapshot was taken with other settings of detection (%s)", stamp.configuration)
        return True

    def _require_this_log(self, stamp: Stamp, end: int) -> None:
        topic, partitions = self._settings.source.topic, self._states.partitions
        if stamp.topic == topic and stamp.partitions == partitions and stamp.offset <= end:
            return
        expected = f"a state of {topic} with {partitions} partitions, up to offset {end} at most"
        raise BrokerError(
            f"{self._settings.topics.snapshots}, partition {stamp.partition}: expected {expected}; found one of "
            f"{stamp.topic} with {stamp.partitions} partitions, at offset {stamp.offset}. It is of another log, or "
            "accounts have moved between its partitions: no state can be right. Stop all workers and run `fraudwatch "
            "rebuild`, which removes the snapshots and folds the log anew, or name another topics.snapshots."
        )


class _Progress:
    """How far the reading of a snapshot has come; told to metrics and health, and now and then to the log."""

    def __init__(self, place: TopicPartition, pieces: int, metrics: Metrics, health: Health) -> None:
        self._place = place
        self._pieces = pieces
        self._metrics = metrics
        self._health = health
        self._read = 0
        self._started = self._said = time.monotonic()
        self.bytes = 0

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self._started

    def read(self, size: int) -> None:
        """Another piece of so many bytes is there."""
        self._read += 1
        self.bytes += size
        self._metrics.snapshots.read(size)
        self._health.moved()
        if time.monotonic() - self._said > SAY_EVERY_SECONDS:
            self._said = time.monotonic()
            logger.info(
                "%s, partition %d: reading the snapshot, %d of %d pieces",
                *(*self._place, self._read, self._pieces),
            )
