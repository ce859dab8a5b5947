"""Faust as fraudwatch runs it: its own app and worker, changed where FACTS and DESIGN D1, D2 say.

Private names of Faust and aiokafka are used here, in `fraudwatch.stream.transport`, `fetching` and `record_batches`,
nowhere else.
`require_known_faust` refuses a version that does not have them.
"""

import asyncio
import importlib.metadata
from collections.abc import Callable
from typing import Any

import faust

from fraudwatch.errors import ConfigurationError
from fraudwatch.stream.record_batches import shows_its_bytes
from fraudwatch.stream.transport import (
    PRIVATE_ATTRIBUTES,
    PRIVATE_NAMES,
    ChunkTransport,
    Transport,
)

KNOWN_FAUST = "0.15."


class App(faust.App):  # type: ignore[misc]
    """An app without tables: it writes no files. Its topics that are read raw come in chunks, unless `stock`."""

    def __init__(self, group: str, *, stock: bool, chunk_records: int, **options: Any) -> None:
        self._stock = stock
        self.chunk_records = chunk_records
        super().__init__(group, **options)

    def handled_to(self, topic: str, partition: int) -> int:
        """The offset up to which a partition is handled, markers of transactions included.

        0 where nothing was delivered, and with the stock transport, which knows of records only.
        """
        offset: int = 0 if self._stock else self.consumer.handled_to(topic, partition)
        return offset

    def _create_directories(self) -> None:
        """Faust would make directories for table data in the working directory."""

    def _new_transport(self) -> Transport:
        return (Transport if self._stock else ChunkTransport)(self.conf.broker_consumer, self)


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
    *PRIVATE_NAMES,
    (faust.App, "_create_directories"),
    (faust.App, "_new_transport"),
    (faust.Worker, "_schedule_shutdown"),
)


def require_known_faust() -> None:
    """Raises ConfigurationError unless the installed Faust and aiokafka are ones these modules were written for."""
    version = importlib.metadata.version("faust-streaming")
    lost = [f"{owner.__name__}.{name}" for owner, name in _PRIVATE_NAMES if not hasattr(owner, name)]
    lost += [
        f"{owner.__name__}.{name}"
        for owner, names in PRIVATE_ATTRIBUTES
        for name in names
        if name not in owner.__init__.__code__.co_names
    ]
    lost += [] if shows_its_bytes() else ["MemoryRecords.__reduce__"]
    if not version.startswith(KNOWN_FAUST) or lost:
        raise ConfigurationError(
            f"expected faust-streaming {KNOWN_FAUST}x, found {version} with aiokafka "
            f"{importlib.metadata.version('aiokafka')}"
            + (f" without {', '.join(lost)}" if lost else "")
            + ". Install the versions fraudwatch was released with: "
            'pip install "faust-streaming>=0.15.2,<0.16" "aiokafka>=0.14,<0.15".'
        )
