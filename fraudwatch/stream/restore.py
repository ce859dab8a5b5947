"""The state of a partition on assignment: its newest snapshot, and the log from there on (D2).

`Restorer.restore` is awaited in Faust's `on_rebalance_complete`, the one place that holds every record back
while heartbeats go on, and where an exception ends the worker (FACTS §1).

position = max(snapshot, commit): what lies between the two is folded without publishing where the snapshot is older,
and skipped when the broker delivers it again where it is newer (`PartitionState.fold`).
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.metrics import Metrics
from fraudwatch.snapshots import Stamp
from fraudwatch.stream.clients import open_consumer, read_from
from fraudwatch.stream.fetching import Fetched, read_in_chunks
from fraudwatch.stream.health import Health
from fraudwatch.stream.snapshots import Loader, read_on
from fraudwatch.stream.states import PartitionState, States

logger = logging.getLogger(__name__)

FETCH_MS = 500
# Between two folds the assignment is looked at again: a fold of this many takes well under a second.
LARGEST_FOLD = 5_000
SAY_EVERY_SECONDS = 5.0


@dataclass
class _Gap:
    """What a state lacks: the records from its position up to `end`, which is not included.

    `begun` is the stamp of the snapshot it began with: what is folded since was published before.
    """

    state: PartitionState
    place: TopicPartition
    end: int
    begun: Stamp | None

    @property
    def records(self) -> int:
        """How many, at most: a log may have holes."""
        return max(self.end - self.state.position, 0)


class Restorer:
    """Brings the states in line with an assignment. Without a `loader` there are no snapshots."""

    def __init__(
        self,
        settings: Settings,
        states: States,
        metrics: Metrics,
        health: Health,
        loader: Loader | None = None,
    ) -> None:
        self._settings = settings
        self._states = states
        self._metrics = metrics
        self._health = health
        self._loader = loader
        self._begun: dict[int, Stamp] = {}

    async def restore(self, committed: Mapping[int, int], stands: Callable[[], bool]) -> None:
        """Makes the state of each partition that of its committed offset, or stops when the assignment changes.

        `committed` has every assigned partition: the offset of its first record that was not acknowledged, 0
        where there was none. `stands` says whether the assignment is still the one. States of other partitions
        are dropped; a state that is there already goes on from where it is. Raises BrokerError.
        """
        for state in self._states.held:
            if state.partition not in committed:
                self._states.drop(state.partition)
                self._metrics.forget(state.partition)
        await self.bring(committed, stands)

    async def bring(self, committed: Mapping[int, int], stands: Callable[[], bool]) -> None:
        """Does so for these partitions, and leaves the others alone. Raises BrokerError."""
        if not committed:
            return
        try:
            async with open_consumer(self._settings) as consumer:
                gaps = await self._find_gaps(consumer, committed, stands)
                if gaps := [gap for gap in gaps if gap.records]:
                    await self._fold(consumer, gaps, stands)
                for gap in gaps:
                    if gap.begun is not None and stands():
                        await self._follow_published(consumer, gap, gap.begun, stands)
        except KafkaError as error:
            raise BrokerError(
                f"{self._settings.source.topic}: expected to read the log up to the committed offsets, "
                f"found: {error!r}. The state cannot be made whole; restart when the broker answers."
            ) from error

    async def _find_gaps(
        self, consumer: Any, committed: Mapping[int, int], stands: Callable[[], bool]
    ) -> list[_Gap]:
        places = {
            partition: TopicPartition(self._settings.source.topic, partition) for partition in committed
        }
        first = await consumer.beginning_offsets(list(places.values()))
        last = await consumer.end_offsets(list(places.values()))
        gaps = []
        for partition, place in sorted(places.items()):
            if committed[partition] > last[place]:
                raise BrokerError(
                    f"{place.topic}, partition {partition}: expected the log to reach the committed offset "
                    f"{committed[partition]}, found its end at {last[place]}. The topic was made anew: reset "
                    f"the offsets of group {self._settings.kafka.group}, or use another kafka.group."
                )
            if self._loader is not None:
                loaded = await self._loader.load(consumer, partition, last[place], stands)
                if loaded is not None:
                    self._begun[partition] = loaded
            if not stands():
                return []
            state = self._begin(partition)
            await self._skip_what_is_gone(state, place, first[place], committed[partition])
            gaps.append(_Gap(state, place, committed[partition], self._begun.get(partition)))
        return gaps

    def _begin(self, partition: int) -> PartitionState:
        """The state that is held, or an empty one."""
        held = self._states.get(partition)
        if held is None:
            held = self._states.make(partition)
            self._begun.pop(partition, None)
            self._metrics.snapshots.restored_from("log")
        return held

    async def _skip_what_is_gone(
        self, state: PartitionState, place: TopicPartition, first: int, committed: int
    ) -> None:
        """The log may begin behind what the state knows: never without a word."""
        if first <= state.position:
            return
        is_refused = self._loader is not None and place.partition in self._loader.refused
        is_unread = 0 < committed < first
        if state.position > 0 or is_refused or is_unread:
            self._metrics.snapshots.degraded()
            await self._states.run(state.pipeline.history_lost)
            logger.error(
                "%s, partition %d: DEGRADED START: expected the log from offset %d on, found that it begins at %d: "
                "up to %d records are in no state. Accounts seen before have lost history and warm up again, until "
                "the longest of features.windows has passed. Lengthen the log's retention.",
                *(place.topic, place.partition, state.position, first, first - state.position),
            )
        else:
            logger.info("%s, partition %d: the log begins at offset %d", place.topic, place.partition, first)
        if is_unread:
            logger.error(
                "%s, partition %d: %d records, from the committed offset %d on, were removed from the log before they "
                "were assessed: LOST. Lengthen its retention past the longest lag.",
                *(place.topic, place.partition, first - committed, committed),
            )
        state.position = first

    async def _fold(self, consumer: Any, gaps: list[_Gap], stands: Callable[[], bool]) -> None:
        total, started = sum(gap.records for gap in gaps), time.monotonic()
        said = started
        read_from(consumer, {gap.place: gap.state.position for gap in gaps})
        read_in_chunks(consumer, self._settings.source.topic, LARGEST_FOLD)
        left = gaps
        while left and stands():
            fetched = await consumer.getmany(timeout_ms=FETCH_MS, max_records=1)
            for gap in left:
                for found in fetched.get(gap.place, []):
                    if not stands():
                        return
                    await self._fold_into(gap, found)
            left = [gap for gap in left if gap.records]
            # A finished partition stays assigned, and must not be fetched to its end.
            consumer.pause(*(gap.place for gap in gaps if not gap.records))
            if time.monotonic() - said > SAY_EVERY_SECONDS:
                said = time.monotonic()
                logger.info("restoring: %d of about %d records left", sum(gap.records for gap in left), total)
        if total and not left:
            logger.info("restored about %d records in %.1f s", total, time.monotonic() - started)

    async def _follow_published(
        self, consumer: Any, gap: _Gap, begun: Stamp, stands: Callable[[], bool]
    ) -> None:
        """Open episodes are what was published: another model may have been in use then (DESIGN D2)."""
        place = TopicPartition(self._settings.topics.review, gap.place.partition)
        published = await read_on(consumer, place, begun.review_offset, stands)
        if not stands():
            return
        state = gap.state
        changed = await self._states.run(
            state.pipeline.follow, published, since=begun.offset, until=state.position
        )
        self._begun.pop(gap.place.partition, None)
        if changed:
            logger.info(
                "%s, partition %d: %d open episodes are taken over from %s as they were published",
                *(*gap.place, changed, place.topic),
            )

    async def _fold_into(self, gap: _Gap, found: Fetched) -> None:
        chunk = found.chunk
        if chunk is not None and chunk.offsets[0] < gap.end:
            chunk = chunk.part(0, int(np.searchsorted(chunk.offsets, gap.end)))
            await self._states.run(gap.state.fold, chunk, publish=False)
            gap.state.reach(chunk)
            self._metrics.restored(len(chunk))
            self._health.moved()
        # Holes (compaction, transaction markers) are passed without a record.
        gap.state.position = max(gap.state.position, min(found.end, gap.end))
