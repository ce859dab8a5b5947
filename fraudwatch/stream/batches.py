"""From an agent's stream to batches of records, and the rule of what is acknowledged when (DESIGN D1, FACTS §1)."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from fraudwatch.config.settings import Stream
from fraudwatch.records import Record
from fraudwatch.stream.engine import App
from fraudwatch.stream.raw import from_event

logger = logging.getLogger(__name__)

Handle = Callable[[list[Record]], Awaitable[Callable[[], None]]]
"""Handles a batch to its end, and gives what to do once its records are acknowledged."""


async def take_batches(app: App, stream: Any, limits: Stream, handle: Handle) -> None:
    """The body of an agent. `noack_take` on a `noack` stream acknowledges nothing by itself.

    Records are acknowledged in their order, and only after `handle` returned. An exception ends the process.
    """
    quiet = stream.noack()
    async for events in quiet.noack_take(limits.batch_records, within=limits.batch_wait / 1000):
        try:
            when_acknowledged = await handle([from_event(event) for event in events])
            for event in events:
                await quiet.ack(event)
            when_acknowledged()
        except Exception as error:
            give_up(app, error)
            raise


def give_up(app: App, error: Exception) -> None:
    """A batch is half done: the process ends, and what is not acknowledged is read again."""
    logger.critical("the process ends, what is not acknowledged is read again: %s", error)
    # Else the end would wait for this very batch.
    app.conf.stream_wait_empty = False
