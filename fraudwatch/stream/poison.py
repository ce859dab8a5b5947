"""Poison: a record that makes our own code raise, which is a defect of ours and never the record's fault (DESIGN D9).

Whoever folded it has a state that stopped in mid-record: void, to be restored. Which records are poison is kept here
for as long as the process lives, so that no state folds one again.
"""

import traceback
from collections import defaultdict
from pathlib import Path

import numpy as np

from fraudwatch.errors import PoisonError
from fraudwatch.records import Chunk, DeadLetter, Record, Refusal, Stage

HOUR_MS = 3_600_000
PACKAGE = Path(__file__).parents[1]


class VoidStateError(Exception):
    """Folding these records, maybe one, raised: the state of their partition is void. The error is the cause."""

    def __init__(self, chunk: Chunk) -> None:
        super().__init__(f"partition {chunk.partition}, from offset {int(chunk.offsets[0])}")
        self.chunk = chunk


class Poison:
    """The poison of the partitions this process has met, and the limit on it.

    An hour is one of the log: of the records' own Kafka timestamps. So a restart, which meets the same poison again,
    does not begin to count anew, and a long log that is folded again may hold what came over a year.
    """

    def __init__(self, limit_per_hour: int) -> None:
        self._limit = limit_per_hour
        self._timestamps: defaultdict[tuple[str, int], dict[int, int]] = defaultdict(dict)

    def without(self, chunk: Chunk) -> Chunk:
        """The chunk without what is known to be poison."""
        known = self._timestamps.get((chunk.topic, chunk.partition))
        if not known or not len(chunk):
            return chunk
        kept = np.flatnonzero(~np.isin(chunk.offsets, list(known))).tolist()
        if len(kept) == len(chunk):
            return chunk
        return Chunk(
            chunk.topic,
            chunk.partition,
            chunk.offsets[kept],
            chunk.timestamps_ms[kept],
            [chunk.keys[row] for row in kept],
            [chunk.values[row] for row in kept],
        )

    def found(self, record: Record, error: BaseException | None) -> DeadLetter:
        """The record is poison from now on; what is to be published of it.

        Raises PoisonError where that is one too many for an hour.
        """
        place = place_of(error)
        self._timestamps[record.topic, record.partition][record.offset] = record.timestamp_ms
        self._judge(record, place)
        return DeadLetter(record, Stage.PIPELINE, Refusal.INTERNAL, place)

    def _judge(self, last: Record, place: str) -> None:
        times = [time for known in self._timestamps.values() for time in known.values()]
        near = sum(abs(time - last.timestamp_ms) < HOUR_MS for time in times)
        if near > self._limit:
            raise PoisonError(
                f"{last.topic}: expected at most {self._limit} records an hour that raise an error in fraudwatch "
                f"itself (stream.poison_per_hour), found {near}, the last at partition {last.partition}, offset "
                f"{last.offset}: {place}. The process ends without acknowledging it. Report it with that record, and "
                "go back to the version before; or let more of them become dead letters."
            )


def place_of(error: BaseException | None) -> str:
    """Type and place of an error in our code. Not what it says: that may quote an account."""
    frames = traceback.extract_tb(error.__traceback__ if error is not None else None)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE)] or list(frames)
    if not ours:
        return type(error).__name__
    path = Path(ours[-1].filename)
    name = path.relative_to(PACKAGE.parent) if path.is_relative_to(PACKAGE) else path.name
    return f"{type(error).__name__} at {name}:{ours[-1].lineno}"
