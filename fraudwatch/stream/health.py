"""What /live and /ready answer from: whether records move, and whether the worker is in place."""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any


class Health:
    """Told by the handler, the restorer and the watch; read by the threads of the metrics port and by the watchdog.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, stalled_after_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stalled_after = stalled_after_seconds
        self._clock = clock
        self._started_at = self._moved_at = clock()
        self._looked_at: float | None = None
        self._waiting = 0
        self._partitions: tuple[int | str, ...] | None = None
        self.state = "waiting for the models topic"
        self.is_prepared = False

    def moved(self) -> None:
        """Records were handled or restored."""
        self._moved_at = self._clock()

    def looked(self, lag: Mapping[Any, int]) -> None:
        """The watch has seen how many records wait in each partition."""
        self._looked_at = self._clock()
        self._waiting = sum(lag.values())
        if not self._waiting:
            self.moved()

    def assigned(self, partitions: Iterable[int | str]) -> None:
        """These partitions, numbers or names, are restored and live."""
        self._partitions = tuple(partitions)
        self.moved()

    def revoked(self) -> None:
        """A rebalance has begun."""
        self._partitions = None
        self.moved()

    @property
    def is_in_place(self) -> bool:
        """Whether the partitions are restored and live."""
        return self._partitions is not None

    def stalled(self) -> tuple[float, str]:
        """For how many seconds nothing moved although it should have, and what it is that stands still."""
        now = self._clock()
        unseen = now - (self._started_at if self._looked_at is None else self._looked_at)
        still = now - self._moved_at if self._waiting else 0.0
        if unseen >= still:
            return unseen, f"the log was not looked at for {unseen:.0f} s"
        return still, f"{self._waiting} records wait and nothing moved for {still:.0f} s"

    def live(self) -> tuple[bool, str]:
        """False when nothing moved for too long although records wait, or the watch itself stands still."""
        seconds, why = self.stalled()
        if self._looked_at is not None and seconds > self._stalled_after:
            return False, f"stalled: {why}"
        return True, f"moving: {self._waiting} records wait" if self._waiting else "at the end of the log"

    def ready(self) -> tuple[bool, str]:
        """True once partitions are assigned and restored, and what has to be read first is read."""
        if self._partitions is None:
            return False, "waiting for partitions"
        if not self.is_prepared:
            return False, self.state
        held = (
            f"partitions {', '.join(map(str, self._partitions))}"
            if self._partitions
            else "no partition, a spare"
        )
        return True, f"{held}; {self.state}"
