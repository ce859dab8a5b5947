"""Faust as fraudwatch runs it: its own app, consumer and worker, changed where FACTS and DESIGN D1, D2 say.

Private names of Faust and aiokafka are used here and nowhere else. `require_known_faust` refuses a version
that does not have them.
"""

import asyncio
import importlib.metadata
import logging
from collections.abc import Callable
from typing import Any

import faust
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from faust.transport.drivers import aiokafka as driver

from fraudwatch.errors import ConfigurationError

logger = logging.getLogger(__name__)

KNOWN_FAUST = "0.15."
# Faust hard-wires 1,500 ms, during which a hot partition waits for the idle ones of its broker.
FETCH_WAIT_MS = 100


class ConsumerThread(driver.AIOKafkaConsumerThread):  # type: ignore[misc]
    """Faust's consumer with a short fetch and a sticky assignor.

    Sticky, because a partition that moves has its state restored: Faust's choice without tables is round
    robin, which may move every partition whenever a member joins or leaves.
    """

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        consumer._partition_assignment_strategy = (StickyPartitionAssignor,)
        return consumer


class Consumer(driver.Consumer):  # type: ignore[misc]
    """Commits what is acknowledged before a revoke forgets it (faust-streaming 502), and seeks everywhere.

    Records that are fetched while a rebalance ends are thrown away, and Faust seeks back to the committed
    offset only where there is one: the beginning of a partition nobody had committed yet was lost.
    """

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[Any]) -> None:
        await self.commit()
        await super().on_partitions_revoked(revoked)

    async def perform_seek(self) -> None:
        await super().perform_seek()
        uncommitted = [place for place in self.assignment() if not self._committed_offset[place]]
        if uncommitted:
            places = [driver.ensure_aiokafka_TP(place) for place in uncommitted]
            await self._thread.seek_to_beginning(*places)


class Transport(driver.Transport):  # type: ignore[misc]
    """The stock transport with our consumer."""

    Consumer = Consumer


class App(faust.App):  # type: ignore[misc]
    """An app without tables: it writes no files."""

    def _create_directories(self) -> None:
        """Faust would make directories for table data in the working directory."""

    def _new_transport(self) -> Transport:
        return Transport(self.conf.broker_consumer, self)


class Worker(faust.Worker):  # type: ignore[misc]
    """Calls `on_stop_asked` as soon as the process is asked to end, or begins to end by itself."""

    def __init__(
        self, app: App, *, on_stop_asked: Callable[[], None], loop: asyncio.AbstractEventLoop
    ) -> None:
        self._on_stop_asked = on_stop_asked
        super().__init__(app, loop=loop, override_logging=False, redirect_stdouts=False, quiet=True)
        self.spinner = None  # it writes to standard output even where the worker is quiet

    def _schedule_shutdown(self, signal: Any) -> None:
        self._on_stop_asked()
        super()._schedule_shutdown(signal)

    async def stop(self) -> None:
        self._on_stop_asked()
        await super().stop()


_PRIVATE_NAMES = (
    (driver.AIOKafkaConsumerThread, "_create_worker_consumer"),
    (driver.Consumer, "_new_consumer_thread"),
    (driver.Consumer, "on_partitions_revoked"),
    (driver.Consumer, "perform_seek"),
    (driver.AIOKafkaConsumerThread, "seek_to_beginning"),
    (faust.App, "_create_directories"),
    (faust.App, "_new_transport"),
    (faust.Worker, "_schedule_shutdown"),
)


def require_known_faust() -> None:
    """Raises ConfigurationError unless the installed Faust is one this module was written for."""
    found = importlib.metadata.version("faust-streaming")
    lost = [f"{owner.__name__}.{name}" for owner, name in _PRIVATE_NAMES if not hasattr(owner, name)]
    if not found.startswith(KNOWN_FAUST) or lost:
        raise ConfigurationError(
            f"expected faust-streaming {KNOWN_FAUST}x, found {found}"
            + (f" without {', '.join(lost)}" if lost else "")
            + '. Install the versions fraudwatch was released with: pip install "faust-streaming>=0.15.2,<0.16".'
        )
