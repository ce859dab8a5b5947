"""When a partition's state is saved: in turn, each once an interval, and all of them on a clean stop."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError

import fraudwatch
from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import fingerprint
from fraudwatch.errors import BrokerError, SnapshotError
from fraudwatch.metrics import Metrics
from fraudwatch.snapshots import Blocks, Stamp
from fraudwatch.stream.clients import open_consumer
from fraudwatch.stream.delivery import Producer
from fraudwatch.stream.snapshots.keys import SLOTS
from fraudwatch.stream.snapshots.writer import write
from fraudwatch.stream.states import PartitionState, States

logger = logging.getLogger(__name__)

Copied = tuple[Blocks, int, int]
"""A state's blocks, its position, and the Kafka timestamp it has reached."""


class Snapshots:
    """Takes the snapshots of the partitions this worker holds, one at a time.

    `between` runs a function on the folding thread while no batch is on its way. `newest` has the stamp of the newest
    snapshot of a partition, as the loader found it, and is kept up to date. A snapshot that cannot be written is said
    and counted, and tried again after the interval: the log is the truth. `clock` is seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        states: States,
        between: Callable[[Callable[[], Copied | None]], Awaitable[Copied | None]],
        producer: Callable[[], Producer],
        newest: dict[int, Stamp],
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._states = states
        self._between = between
        self._producer = producer
        self._newest = newest
        self._metrics = metrics
        self._clock = clock
        self._configuration = fingerprint(settings)
        self._every = settings.snapshots.every / 1000
        self._partitions: list[int] = []
        self._generation = 0
        self._task: asyncio.Task[None] | None = None

    def assigned(self, partitions: Iterable[int], generation: int) -> None:
        """These partitions are live from now on, in this generation of the group."""
        self.revoked()
        self._partitions = sorted(partitions)
        self._generation = generation
        self._task = asyncio.create_task(self._take_in_turn())

    def revoked(self) -> None:
        """A rebalance has begun: what is half written is left so, the next owner may be writing already."""
        self._partitions = []
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def close(self, seconds: float) -> None:
        """Saves every partition that is still held, for so long at most."""
        partitions = self._partitions
        self.revoked()
        try:
            async with asyncio.timeout(seconds):
                for partition in partitions:
                    await self._take(partition)
        except TimeoutError:
            logger.warning(
                "the states were not all saved within %.0f s: the next start reads more of the log", seconds
            )

    async def _take_in_turn(self) -> None:
        started, step = time.monotonic(), self._every / max(len(self._partitions), 1)
        due = {partition: started + step * (turn + 1) for turn, partition in enumerate(self._partitions)}
        while due:
            partition = min(due, key=due.__getitem__)
            await asyncio.sleep(max(0.0, due[partition] - time.monotonic()))
            await self._take(partition)
            # From its end on: what takes longer than the interval does not fill the whole of it.
            due[partition] = time.monotonic() + self._every

    async def _take(self, partition: int) -> None:
        try:
            await self._save(partition)
        except (BrokerError, KafkaError, SnapshotError) as error:
            self._metrics.snapshots.failed()
            logger.error("the state of partition %d could not be saved: %s", partition, error)
        except Exception:  # a defect of ours, and none that what is judged should suffer from
            self._metrics.snapshots.failed()
            logger.exception("the state of partition %d could not be saved", partition)

    async def _save(self, partition: int) -> None:
        state, newest = self._states.get(partition), self._newest.get(partition)
        if state is None:
            return
        if newest is not None and newest.offset == state.position:
            self._metrics.snapshots.still_good(partition, self._clock())
            return
        # Before the copy: no alert that is not in it lies before this offset.
        review_offset = await self._end_of_review(partition)
        created_ms = round(self._clock() * 1000)
        copied = await self._between(lambda: self._copy(state))
        if copied is None:
            return
        blocks, offset, reached_ms = copied
        stamp = Stamp(
            topic=self._settings.source.topic,
            partition=partition,
            partitions=self._states.partitions,
            offset=offset,
            reached_ms=reached_ms,
            # A group that was made anew begins to count anew.
            generation=max(self._generation, 0 if newest is None else newest.generation),
            review_offset=review_offset,
            slot=SLOTS[0] if newest is None else SLOTS[1 - newest.slot],
            created_ms=created_ms,
            code=fraudwatch.__version__,
            configuration=self._configuration,
        )
        await self._write(stamp, blocks)

    async def _write(self, stamp: Stamp, blocks: Blocks) -> None:
        started = time.monotonic()
        manifest, size = await write(stamp, blocks, self._send, self._metrics.snapshots.wrote)
        self._newest[stamp.partition] = stamp
        self._metrics.snapshots.finished()
        self._metrics.snapshots.taken(
            stamp.partition, at_seconds=stamp.created_ms / 1000, offset=stamp.offset, size=size
        )
        logger.info(
            "partition %d saved at offset %d: %.1f MB of %.1f in %.1f s; at most %.2f MB/s with snapshots.every",
            *(stamp.partition, stamp.offset, size / 1e6, manifest.bytes / 1e6, time.monotonic() - started),
            size / 1e6 / self._every,
        )

    def _copy(self, state: PartitionState) -> Copied | None:
        """On the folding thread; None where what came of the last fold is not delivered."""
        if not state.is_whole:
            return None
        started = time.perf_counter()
        blocks = state.pipeline.state()
        self._metrics.snapshots.held(time.perf_counter() - started)
        return blocks, state.position, state.reached_ms

    async def _end_of_review(self, partition: int) -> int:
        place = TopicPartition(self._settings.topics.review, partition)
        async with open_consumer(self._settings) as consumer:
            return int((await consumer.end_offsets([place]))[place])

    async def _send(self, key: bytes, value: bytes, partition: int) -> int:
        topic = self._settings.topics.snapshots
        try:
            sent: Any = await (await self._producer().send(topic, key, value, partition, None, None))
        except (KafkaError, ProducerSendError) as error:
            raise BrokerError(f"expected {topic} to acknowledge what was sent, found: {error!r}") from error
        return int(sent.offset)
