"""A state that is void is made again, and what made it void is found: the records are folded one by one (DESIGN D9).

On assignment as in the middle of a batch. Restoring is the Restorer's; a record that raises voids the state it is
folded into, so each one found costs a restore before and another after it.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fraudwatch.records import Chunk, DeadLetter
from fraudwatch.stream.parts import Batch
from fraudwatch.stream.poison import Poison, VoidStateError, place_of
from fraudwatch.stream.states import PartitionState, States

logger = logging.getLogger(__name__)

Part = tuple[PartitionState, Chunk, Batch]
"""What came of a chunk in the state of its partition."""


Bring = Callable[[Mapping[int, int], Callable[[], bool]], Awaitable[None]]
"""Makes states those of some positions, for as long as the assignment stands."""


class Restores(Protocol):
    """`fraudwatch.stream.restore.Restorer`: every state in line with an assignment, or only some."""

    async def restore(self, committed: Mapping[int, int], stands: Callable[[], bool]) -> None: ...
    async def bring(self, committed: Mapping[int, int], stands: Callable[[], bool]) -> None: ...


@dataclass
class Replayed:
    """What came of records, maybe folded one by one. `is_delivered`: nothing of it is left to be sent."""

    parts: list[Part] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    is_delivered: bool = False


Deliver = Callable[[Replayed], Awaitable[None]]
"""Returns once the broker holds all that came of it."""


class Recovery:
    """Raises what the restorer raises, and PoisonError past the limit."""

    def __init__(self, states: States, restorer: Restores, poison: Poison) -> None:
        self._states = states
        self._restorer = restorer
        self._poison = poison

    async def restore(self, committed: Mapping[int, int], stands: Callable[[], bool]) -> None:
        """As the restorer does, whatever poison lies on the way.

        It was acknowledged as a dead letter already.
        """
        await self._past_poison(self._restorer.restore, committed, stands)

    async def replay(self, void: VoidStateError, deliver: Deliver) -> Replayed:
        """Folds the records of a batch whose state became void, none of which was published, one by one.

        When it returns, the state is whole and has all of them but the poison, and what came of them is delivered.
        """
        partition = void.chunk.partition
        self._say(void)
        await self._make_again(partition, int(void.chunk.offsets[0]))
        replayed, waiting = Replayed(is_delivered=True), Replayed()
        for one in singly(void.chunk):
            state = self._states[partition]
            try:
                waiting.parts.append((state, one, await self._states.run(state.fold, one)))
            except VoidStateError as found:
                waiting.letters.append(self._found(found))
                # Before the restore: open episodes come back from what is published.
                waiting = await self._delivered(waiting, replayed, deliver)
                await self._make_again(partition, int(one.offsets[0]))
        await self._delivered(waiting, replayed, deliver)
        if not replayed.letters:
            logger.warning("partition %d: one by one, the records of that batch raised nothing", partition)
        return replayed

    @staticmethod
    async def _delivered(waiting: Replayed, replayed: Replayed, deliver: Deliver) -> Replayed:
        await deliver(waiting)
        replayed.parts += waiting.parts
        replayed.letters += waiting.letters
        return Replayed()

    async def _make_again(self, partition: int, position: int) -> None:
        """The state of this partition up to a position, before which all is delivered."""
        self._drop(partition)
        await self._past_poison(self._restorer.bring, {partition: position}, _always)

    async def _past_poison(
        self, bring: Bring, positions: Mapping[int, int], stands: Callable[[], bool]
    ) -> None:
        while True:
            try:
                return await bring(positions, stands)
            except VoidStateError as void:
                self._say(void)
                self._drop(void.chunk.partition)
                await self._find(void, stands)

    async def _find(self, void: VoidStateError, stands: Callable[[], bool]) -> None:
        """The poison among the records of a void state; it leaves no state, or one that has all of them."""
        partition = void.chunk.partition
        await self._past_poison(self._restorer.bring, {partition: int(void.chunk.offsets[0])}, stands)
        if not stands():
            return
        state = self._states[partition]
        for one in singly(void.chunk):
            try:
                await self._states.run(state.fold, one, publish=False)
            except VoidStateError as found:
                self._drop(partition)
                self._found(found)
                return
            state.reach(one)

    def _drop(self, partition: int) -> None:
        if self._states.get(partition) is not None:
            self._states.drop(partition)

    def _found(self, void: VoidStateError) -> DeadLetter:
        letter = self._poison.found(void.chunk.record(0), void.__cause__)
        record = letter.record
        logger.error(
            "%s, partition %d, offset %d is poison and goes to the dead letters: %s. Please report it with the record",
            record.topic,
            record.partition,
            record.offset,
            letter.detail,
        )
        return letter

    @staticmethod
    def _say(void: VoidStateError) -> None:
        chunk = void.chunk
        logger.error(
            "%s, partition %d, offsets %d to %d: an error in fraudwatch, %s. The state of the partition is restored",
            chunk.topic,
            chunk.partition,
            int(chunk.offsets[0]),
            int(chunk.offsets[-1]),
            place_of(void.__cause__),
        )


def singly(chunk: Chunk) -> Iterator[Chunk]:
    """Each record as a chunk of its own."""
    return (chunk.part(row, row + 1) for row in range(len(chunk)))


def _always() -> bool:
    """Faust takes no partition away before the batch is handled."""
    return True
