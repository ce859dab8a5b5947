"""The state of a partition on assignment: a function of its log, folded again without publishing (D2).

`Restorer.restore` is awaited in Faust's `on_rebalance_complete`, the one place that holds every record back
while heartbeats go on, and where an exception ends the worker (FACTS §1).
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
from fraudwatch.stream.clients import open_consumer
from fraudwatch.stream.health import Health
from fraudwatch.stream.raw import to_chunk
from fraudwatch.stream.states import PartitionState, States

logger = logging.getLogger(__name__)

FETCH_MS = 500
# Between two folds the assignment is looked at again: a fold of this many takes well under a second.
LARGEST_FOLD = 5_000
SAY_EVERY_SECONDS = 5.0


@dataclass
class _Gap:
    """What a state lacks: the records from its position up to `end`, which is not included."""

    state: PartitionState
    place: TopicPartition
    end: int

    @property
    def records(self) -> int:
        """How many, at most: a log may have holes."""
        return max(self.end - self.state.position, 0)


class Restorer:
    """Brings the states in line with an assignment."""

    def __init__(self, settings: Settings, states: States, metrics: Metrics, health: Health) -> None:
        self._settings = settings
        self._states = states
        self._metrics = metrics
        self._health = health

    async def restore(self, committed: Mapping[int, int], stands: Callable[[], bool]) -> None:
        """Folds the log of each partition up to its committed offset, or stops when the assignment changes.

        `committed` has every assigned partition: the offset of its first record that was not acknowledged, 0
        where there was none. `stands` says whether the assignment is still the one. States of other partitions
        are dropped; a state that is there already goes on from where it is. Raises BrokerError.
        """
        for state in self._states.held:
            if state.partition not in committed:
                self._states.drop(state.partition)
                self._metrics.forget(state.partition)
        if not committed:
            return
        try:
            async with open_consumer(self._settings) as consumer:
                gaps = await self._find_gaps(consumer, committed)
                await self._fold(consumer, [gap for gap in gaps if gap.records], stands)
        except KafkaError as error:
            raise BrokerError(
                f"{self._settings.source.topic}: expected to read the log up to the committed offsets, "
                f"found: {error!r}. The state cannot be made whole; restart when the broker answers."
            ) from error

    async def _find_gaps(self, consumer: Any, committed: Mapping[int, int]) -> list[_Gap]:
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
            state = self._states.get(partition) or self._states.make(partition)
            state.position = max(state.position, first[place])
            gaps.append(_Gap(state, place, committed[partition]))
        return gaps

    async def _fold(self, consumer: Any, gaps: list[_Gap], stands: Callable[[], bool]) -> None:
        total, started = sum(gap.records for gap in gaps), time.monotonic()
        said = started
        consumer.assign([gap.place for gap in gaps])
        for gap in gaps:
            consumer.seek(gap.place, gap.state.position)
        left = gaps
        while left and stands():
            fetched = await consumer.getmany(timeout_ms=FETCH_MS, max_records=LARGEST_FOLD)
            for gap in left:
                if not stands():
                    return
                await self._fold_into(gap, fetched.get(gap.place, []), await consumer.position(gap.place))
            left = [gap for gap in left if gap.records]
            # A finished partition stays assigned, and must not be fetched to its end.
            consumer.pause(*(gap.place for gap in gaps if not gap.records))
            if time.monotonic() - said > SAY_EVERY_SECONDS:
                said = time.monotonic()
                logger.info("restoring: %d of about %d records left", sum(gap.records for gap in left), total)
        if total and not left:
            logger.info("restored about %d records in %.1f s", total, time.monotonic() - started)

    async def _fold_into(self, gap: _Gap, messages: list[Any], read_to: int) -> None:
        chunk = to_chunk(gap.place.topic, gap.place.partition, messages) if messages else None
        if chunk is not None and chunk.offsets[0] < gap.end:
            chunk = chunk.part(0, int(np.searchsorted(chunk.offsets, gap.end)))
            await self._states.run(gap.state.fold, chunk, publish=False)
            gap.state.reach(chunk)
            self._metrics.restored(len(chunk))
            self._health.moved()
        # Holes (compaction, transaction markers) are passed without a record.
        gap.state.position = max(gap.state.position, min(read_to, gap.end))
