"""What was delivered and what of it is acknowledged: how far a partition may be committed (DESIGN D1).

The commit of a partition is the end of its longest run of acknowledged deliveries, from the first one on: it passes
no record that is not handled, in whatever order the acknowledgements come.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from fraudwatch.errors import BrokerError

Place = tuple[str, int]
"""Topic and partition. Faust's and aiokafka's own types are equal to it."""

# One is handled while the next one is there. More would only be older when their turn comes, and few rounds are
# large ones: what arrives meanwhile waits together.
MOST_ROUNDS = 2


@dataclass(slots=True)
class Span:
    """Offsets of one partition that were delivered together: from `begin` up to `end`, which is not included.

    What lies between its records (compaction, transaction markers) belongs to it. `round` is the fetch it came with.
    """

    place: Place
    begin: int
    end: int
    round: int = 0
    is_acknowledged: bool = False


class Ledger:
    """The spans of the partitions this process holds."""

    def __init__(self) -> None:
        self._open: dict[Place, deque[Span]] = {}
        self._reached: dict[Place, int] = {}
        self._done: dict[Place, int] = {}
        self._round = 0
        self._unhandled: Counter[int] = Counter()
        self._changed = asyncio.Event()

    def __iter__(self) -> Iterator[Place]:
        """The partitions that something was delivered of."""
        return iter(list(self._open))

    def begin_round(self) -> None:
        """What is delivered from here on came with another fetch."""
        self._round += 1

    def deliver(self, span: Span, first_offset: int) -> None:
        """The span goes to the agent; `first_offset` is that of its first record.

        Raises BrokerError when records before it were fetched and not delivered: a commit would pass them.
        """
        reached = self._reached.get(span.place)
        if reached is not None and reached < min(span.begin, first_offset):
            raise BrokerError(
                f"{span.place[0]}, partition {span.place[1]}: expected the records from offset {reached} on, found "
                f"{span.begin}. The process ends without committing past them; a restart reads them, or what "
                "the topic still holds of them."
            )
        span.round = self._round
        self._unhandled[span.round] += 1
        self._reached[span.place] = span.end
        self._open.setdefault(span.place, deque()).append(span)

    def acknowledge(self, span: Span) -> None:
        """All of its records are handled. One that was forgotten meanwhile changes nothing."""
        if span.is_acknowledged:
            return
        span.is_acknowledged = True
        self._unhandled[span.round] -= 1
        if self._unhandled[span.round] <= 0:
            del self._unhandled[span.round]
            self._changed.set()

    def skip(self, span: Span) -> None:
        """There is no record between `begin` and `end`: behind what was delivered, they count as that."""
        if self._reached.get(span.place) != span.begin:
            return
        self._reached[span.place] = span.end
        span.is_acknowledged = True
        self._open.setdefault(span.place, deque()).append(span)

    def committable(self, place: Place) -> int | None:
        """The offset of the first record that may be unhandled; None where nothing was acknowledged yet."""
        spans = self._open.get(place)
        while spans and spans[0].is_acknowledged:
            self._done[place] = max(spans.popleft().end, self._done.get(place, 0))
        return self._done.get(place)

    def seek(self, place: Place, offset: int | None) -> None:
        """The partition is read on from here; None where that is its first record, whatever its offset."""
        if offset is None:
            self._reached.pop(place, None)
        else:
            self._reached[place] = offset

    def forget(self) -> None:
        """Nothing delivered until here is to be committed any more: the partitions were taken away."""
        self._open.clear()
        self._reached.clear()
        self._done.clear()
        self._unhandled.clear()
        self._changed.set()

    @property
    def has_room(self) -> bool:
        """Whether another fetch may be asked for."""
        return len(self._unhandled) < MOST_ROUNDS

    async def wait_for_room(self, seconds: float) -> bool:
        """Waits until there is room, for so long at most; says whether there is."""
        self._changed.clear()
        if not self.has_room:
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except TimeoutError:
                return False
        return self.has_room
