"""`fraudwatch …`, which also keeps a journal and can die at a named point:

    python member.py DIRECTORY NAME ORDER worker …

Entries go to DIRECTORY/journal. Where a file DIRECTORY/NAME.POINT lies, the process kills itself when it next comes to
that point, after as many passes as the file says. ORDER is `right`; with `reversed` alerts and dead letters are sent
some time after their records were acknowledged, which the harness has to notice. At its end the histories it holds are
written to DIRECTORY/PID-PARTITION.state.
"""

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka.consumer.group_coordinator import GroupCoordinator
from histories import Held, of_pipeline
from journal import Died, Folded, Handled, Journal, Live, Made
from poison import defect
from states import write_state

from fraudwatch.cli import main
from fraudwatch.records import DeadLetter
from fraudwatch.stream.health import Health
from fraudwatch.stream.live import Live as Worker
from fraudwatch.stream.parts import Batch
from fraudwatch.stream.poison import VoidStateError
from fraudwatch.stream.publishing import Published
from fraudwatch.stream.recovery import Recovery
from fraudwatch.stream.snapshots import Snapshots
from fraudwatch.stream.states import PartitionState

INSIDE_SECONDS = 0.002
"""After a request was given to the client: it is on its way, and its answer is not here."""
REVERSED_SECONDS = 2.0


class Points:
    """The places at which this process may be told to kill itself."""

    def __init__(self, directory: Path, name: str, journal: Journal) -> None:
        self._directory, self._name, self._journal = directory, name, journal
        self._passed: dict[str, int] = {}

    def at(self, point: str) -> None:
        """Comes to a point."""
        told = self._directory / f"{self._name}.{point}"
        try:
            passes = int(told.read_text() or 0)
        except FileNotFoundError:
            return
        self._passed[point] = self._passed.get(point, -1) + 1
        if self._passed[point] >= passes:
            told.unlink()
            self._journal.note(Died(point=point))
            os.kill(os.getpid(), signal.SIGKILL)

    async def inside(self, point: str, doing: Any) -> Any:
        """Does something, and comes to the point in the middle of it, or before anybody knows that it is done."""
        task = asyncio.ensure_future(doing)
        await asyncio.wait([task], timeout=INSIDE_SECONDS)
        self.at(point)
        return await task


class Found(NamedTuple):
    """What became of the records of a batch."""

    records: int
    assessed: int
    dead: int


def found_in(batches: Sequence[Batch], poison: Sequence[DeadLetter]) -> Found:
    """Of all of them together."""
    return Found(
        records=sum(batch.records for batch in batches) + len(poison),
        assessed=sum(len(batch.assessments.transactions) for batch in batches),
        dead=sum(len(batch.dead_letters) for batch in batches) + len(poison),
    )


def watch_states(points: Points, journal: Journal) -> None:
    """Notes which records went into which state, and which of them are done."""
    numbers = itertools.count()
    make, fold, reach = PartitionState.__init__, PartitionState.fold, PartitionState.reach
    replay = Recovery.replay

    def noting_make(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        self.number = next(numbers)
        self.is_live, self.found, self.replayed_from = False, Found(0, 0, 0), None
        journal.note(Made(state=self.number, partition=self.partition))

    def noting_fold(self: Any, chunk: Any, *, publish: bool = True) -> Any:
        points.at("folding" if publish else "restoring")
        position, last = self.position, int(chunk.offsets[-1])
        batch = fold(self, chunk, publish=publish)
        self.is_live, self.found = publish, found_in([batch], [])
        if last >= position:
            journal.note(
                Folded(
                    state=self.number,
                    partition=self.partition,
                    position=max(position, int(chunk.offsets[0])),
                    before=position,
                    last=last,
                    is_live=publish,
                )
            )
        return batch

    def noting_reach(self: Any, chunk: Any) -> None:
        # Before the state says so itself: a snapshot may follow at once, a commit soon.
        last = int(chunk.offsets[-1])
        if self.is_live and last >= self.position:
            first = max(self.position, int(chunk.offsets[0]))
            if self.replayed_from is not None:
                first, self.replayed_from = self.replayed_from, None
            journal.note(Handled(partition=self.partition, first=first, last=last, **self.found._asdict()))
        reach(self, chunk)

    async def noting_replay(self: Any, void: VoidStateError, deliver: Any) -> Any:
        replayed = await replay(self, void, deliver)
        state = self._states[void.chunk.partition]
        state.is_live = True
        # Each poison cost it its state, and the one it has began there.
        state.replayed_from = int(void.chunk.offsets[0])
        state.found = found_in([batch for _, _, batch in replayed.parts], replayed.letters)
        return replayed

    PartitionState.__init__, PartitionState.fold = noting_make, noting_fold  # type: ignore[method-assign]
    PartitionState.reach = noting_reach  # type: ignore[method-assign]
    Recovery.replay = noting_replay  # type: ignore[method-assign]


def watch_assignment(journal: Journal) -> None:
    """Notes what this process reads."""
    assigned, revoked = Health.assigned, Health.revoked

    def noting_assigned(self: Any, partitions: Any) -> None:
        assigned(self, partitions)
        journal.note(Live(partitions=tuple(partitions)))

    def noting_revoked(self: Any) -> None:
        journal.note(Live(partitions=()))
        revoked(self)

    Health.assigned, Health.revoked = noting_assigned, noting_revoked  # type: ignore[method-assign]


def watch_publishing(points: Points) -> None:
    """Comes to the points between folding and acknowledging."""
    send = Published.send

    async def pointed_send(self: Any, alerts: Any, dead_letters: Any) -> None:
        if not alerts:
            await send(self, alerts, dead_letters)
            return
        await points.inside("publishing", send(self, alerts, dead_letters))
        points.at("published")

    Published.send = pointed_send  # type: ignore[method-assign]


def watch_requests(points: Points) -> None:
    """Comes to the points inside a commit and inside a snapshot."""
    request, send = GroupCoordinator._send_req, Snapshots._send

    async def pointed_request(self: Any, what: Any) -> Any:
        if "OffsetCommit" not in type(what).__name__:
            return await request(self, what)
        return await points.inside("committing", request(self, what))

    async def pointed_send(self: Any, key: bytes, value: bytes, partition: int) -> Any:
        return await points.inside("snapshot", send(self, key, value, partition))

    GroupCoordinator._send_req, Snapshots._send = pointed_request, pointed_send  # type: ignore[method-assign]


def keep_states(directory: Path) -> None:
    """Writes what is held at the end."""
    close = Worker.close

    def keeping_close(self: Any) -> None:
        for state in self._states.held:
            if not state.is_whole:
                continue  # it is in the middle of a batch, or failed there: nobody goes on from this state
            write_state(directory, Held(state.partition, state.position, of_pipeline(state.pipeline)))
        close(self)

    Worker.close = keeping_close  # type: ignore[method-assign]


def reverse() -> None:
    """Acknowledges first and publishes later: the mistake that the harness has to find."""
    send, later = Published.send, set()

    async def late_send(self: Any, alerts: Any, dead_letters: Any) -> None:
        async def send_later() -> None:
            await asyncio.sleep(REVERSED_SECONDS)
            await send(self, alerts, dead_letters)

        later.add(task := asyncio.ensure_future(send_later()))
        task.add_done_callback(later.discard)

    Published.send = late_send  # type: ignore[method-assign]


if __name__ == "__main__":
    where, name, order = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    del sys.argv[1:4]
    own = Journal(where / "journal")
    own_points = Points(where, name, own)
    watch_states(own_points, own)
    watch_assignment(own)
    watch_publishing(own_points)
    watch_requests(own_points)
    keep_states(where)
    if order == "reversed":
        reverse()
    with defect():
        main()
