"""How far a replay may run ahead of the workers: in records, and on the embedded broker in bytes."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from kafka import TopicPartition

from fraudwatch.broker.embedded import KEPT_BYTES
from fraudwatch.broker.lag import PartitionLag, measure
from fraudwatch.errors import BrokerError

LOOK_SECONDS = 0.5
"""How often the group's commits are looked at while records flow; a worker commits once a second."""

HELD_LOOK_SECONDS = 0.1
"""How often while held back."""

RECORD_OVERHEAD_BYTES = 80
"""A record alone in its batch: 61 bytes of batch header and some twenty of its own."""

MAX_BYTES_AHEAD = 3 * 1024 * 1024
"""Of what the embedded broker keeps of a partition, what is filled: the rest is for a batch that is on its way."""
assert MAX_BYTES_AHEAD < KEPT_BYTES


class HoldBack:
    """Admits one record after another while the group keeps up; made when nothing of the replay was sent yet.

    Assumes that nobody else produces to the topic meanwhile (others are seen in the lag, not in the bytes).
    `patience_seconds`: how long the group may commit nothing while it is waited for, before BrokerError.
    """

    def __init__(
        self,
        client: Any,
        group: str,
        partitions: Sequence[TopicPartition],
        *,
        max_lag: int,
        max_bytes: int | None,
        patience_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._group = group
        self._partitions = partitions
        self._max_lag = max_lag
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._lags: tuple[PartitionLag, ...] = measure(client, group, partitions)
        self._looked_at = self._progressed_at = clock()
        self._ahead = [_Ahead(lag.end, max_bytes) for lag in self._lags]
        self._room = max_lag - self.lag

    @property
    def lag(self) -> int:
        """Records the group had not committed at the last look, those on their way to the broker included."""
        pairs = zip(self._lags, self._ahead, strict=True)
        return sum(lag.lag + max(0, ahead.position - lag.end) for lag, ahead in pairs)

    def admits(self, partition: int, size: int) -> bool:
        """Whether a record of `size` bytes (key and value) may go now; looks at the commits now and then."""
        now = self._clock()
        if self._has_room(partition, size):
            self._progressed_at = now
            if now - self._looked_at <= LOOK_SECONDS:
                return True
            self._look(now)
        elif now - self._looked_at >= HELD_LOOK_SECONDS:
            self._look(now)
            self._check_patience(now)
        return self._has_room(partition, size)

    def sent(self, partition: int, size: int) -> None:
        """A record that was admitted is on its way."""
        ahead = self._ahead[partition]
        ahead.position += 1
        ahead.add(size + RECORD_OVERHEAD_BYTES)
        self._room -= 1

    def found(self, partition: int, size: int) -> None:
        """A record that an earlier feed left: its bytes count as ours until the next look finds it committed."""
        self._ahead[partition].add(size + RECORD_OVERHEAD_BYTES)

    def _has_room(self, partition: int, size: int) -> bool:
        return self._room > 0 and self._ahead[partition].has_room(size + RECORD_OVERHEAD_BYTES)

    def _look(self, now: float) -> None:
        before = [lag.committed for lag in self._lags]
        self._lags = measure(self._client, self._group, self._partitions)
        self._looked_at = now
        committed = [lag.committed for lag in self._lags]
        for ahead, at in zip(self._ahead, committed, strict=True):
            ahead.committed(at or 0)
        self._room = self._max_lag - self.lag
        if committed != before:
            self._progressed_at = now

    def _check_patience(self, now: float) -> None:
        if now - self._progressed_at > self._patience_seconds:
            raise BrokerError(
                f"expected the group {self._group} to work off {self._partitions[0].topic}, but it committed "
                f"nothing for {self._patience_seconds:.0f} s while {self.lag} records wait: start a worker "
                "(fraudwatch worker), or look at the one that runs"
            )


class _Ahead:
    """What is in one partition, or on its way there, and not committed: sizes of the records up to `position`."""

    def __init__(self, end: int, max_bytes: int | None) -> None:
        self.position = end
        self._max_bytes = max_bytes
        self._bytes = 0
        self._sizes: deque[int] = deque()

    def has_room(self, size: int) -> bool:
        # A record larger than the bound goes alone.
        return self._max_bytes is None or not self._sizes or self._bytes + size <= self._max_bytes

    def add(self, size: int) -> None:
        """The size of the next record below `position` that was not counted yet."""
        if self._max_bytes is not None:
            self._sizes.append(size)
            self._bytes += size

    def committed(self, offset: int) -> None:
        while self._sizes and self.position - len(self._sizes) < offset:
            self._bytes -= self._sizes.popleft()
