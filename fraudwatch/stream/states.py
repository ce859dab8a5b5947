"""The state of each partition this worker holds, and the one thread that touches it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import numpy as np

from fraudwatch.errors import FraudwatchError
from fraudwatch.records import NO_TIMESTAMP, Chunk
from fraudwatch.snapshots import Blocks, Stamp
from fraudwatch.stream.misplaced import AccountPlaces
from fraudwatch.stream.parts import Batch, Finding, Loaded, MakePipeline, Pipeline, RestorePipeline
from fraudwatch.stream.poison import Poison, VoidStateError

TRAINING_PARTITION = 0
"""Whoever owns this partition is the one trainer; in shadow, where nobody publishes, each worker is its own."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class PartitionState:
    """One partition's pipeline and how far the log has been folded into it.

    `accounts` and `poison` are shared by all of them.

    `position` is the offset of the first record not folded yet; it never goes back. `reached_ms` is the Kafka
    timestamp of the last record handled. `is_whole` is false from the first record of a fold until what came of it is
    delivered. `finding` is what the watch on the model said last, `told` what of it is in the metrics.
    """

    partition: int
    pipeline: Pipeline
    accounts: AccountPlaces
    poison: Poison
    position: int = 0
    reached_ms: int = NO_TIMESTAMP
    is_whole: bool = True
    finding: Finding | None = None
    told: Finding | None = None

    def fold(self, chunk: Chunk, *, publish: bool = True) -> Batch:
        """Folds the records that are new to this state, maybe none; the others were folded before.

        Known poison is left out. Raises BrokerError where too many accounts are in two partitions, and VoidStateError
        for an error in our own code: then nothing can be said of this state any more.
        """
        self.is_whole = False
        new = self.poison.without(chunk.part(int(np.searchsorted(chunk.offsets, self.position))))
        try:
            batch = self.pipeline.fold(new, publish=publish)
        except (FraudwatchError, MemoryError):  # no record's fault
            raise
        except Exception as error:
            if not len(new):
                raise
            raise VoidStateError(new) from error
        self.accounts.add(self.partition, batch.new_accounts.tolist())
        self.finding = batch.drift
        return batch

    def reach(self, chunk: Chunk) -> None:
        """The records are folded and what came of them is delivered."""
        if len(chunk) and chunk.offsets[-1] >= self.position:
            self.position = int(chunk.offsets[-1]) + 1
            self.reached_ms = int(chunk.timestamps_ms[-1])
        self.is_whole = True


class States:
    """The states by partition.

    Folding happens on one thread of its own: the event loop stays free for the producer, rebalances and
    signals while kernels run (they release the GIL), and two folds never meet. aiokafka's heartbeats have a
    third thread (Faust's consumer thread).
    """

    def __init__(
        self,
        make_pipeline: MakePipeline,
        partitions: int,
        accounts: AccountPlaces,
        poison: Poison,
        restore_pipeline: RestorePipeline | None = None,
    ) -> None:
        self.accounts = accounts
        self.partitions = partitions
        self._poison = poison
        self._make_pipeline = make_pipeline
        self._restore_pipeline = restore_pipeline
        self._held: dict[int, PartitionState] = {}
        self._model: Any | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fold")

    def __getitem__(self, partition: int) -> PartitionState:
        return self._held[partition]

    def get(self, partition: int) -> PartitionState | None:
        """The state of a partition, or None where another worker holds it."""
        return self._held.get(partition)

    @property
    def held(self) -> list[PartitionState]:
        """All states, by partition."""
        return [self._held[partition] for partition in sorted(self._held)]

    @property
    def model(self) -> Any | None:
        """The one in use."""
        return self._model

    def make(self, partition: int) -> PartitionState:
        """An empty state for a partition that is not held."""
        # Partitions may have been added to the topic since the start.
        self.partitions = max(self.partitions, partition + 1)
        pipeline = self._make_pipeline(partition, self.partitions, self._model)
        self._held[partition] = PartitionState(partition, pipeline, self.accounts, self._poison)
        return self._held[partition]

    async def load(self, stamp: Stamp, blocks: Blocks) -> tuple[PartitionState, Loaded]:
        """The state that a snapshot holds, in place of the one that is held.

        Raises SnapshotError where it does not fit, and the held one stays.
        """
        assert self._restore_pipeline is not None
        model = self._model
        pipeline, loaded = await self.run(
            self._restore_pipeline, blocks, stamp.partition, stamp.partitions, model
        )
        while model is not self._model:  # one came meanwhile
            model = self._model
            await self.run(pipeline.use, model)
        state = PartitionState(
            stamp.partition, pipeline, self.accounts, self._poison, stamp.offset, stamp.reached_ms
        )
        await self.run(self.accounts.add, stamp.partition, pipeline.accounts.tolist())
        self._held[stamp.partition] = state
        return state, loaded

    def drop(self, partition: int) -> None:
        """Another worker has the partition now."""
        del self._held[partition]

    async def use(self, model: Any) -> None:
        """Every state scores with this model from its next batch on; so do the states made later."""
        self._model = model
        for state in self.held:
            await self.run(state.pipeline.use, model)

    async def run(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs a function on the folding thread, after what was given to it before."""
        return await asyncio.get_running_loop().run_in_executor(
            self._thread, lambda: function(*args, **kwargs)
        )

    def close(self) -> None:
        """Lets a fold that is running end, and takes no further one."""
        self._thread.shutdown(wait=False, cancel_futures=True)
