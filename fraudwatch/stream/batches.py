"""From an agent's stream to batches of chunks, and the rule of what is acknowledged when (DESIGN D1, FACTS §1).

A batch is acknowledged in the order it came, and only after `handle` returned. An exception ends the process.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

from fraudwatch.config.settings import Stream
from fraudwatch.records import Chunk
from fraudwatch.stream.engine import App
from fraudwatch.stream.raw import by_partition, from_event, joined

logger = logging.getLogger(__name__)

# Between two chunks of one fetch Faust's delivery and its stream take a few turns of the loop.
TURNS = 8

Handle = Callable[[Sequence[Chunk]], Awaitable[Callable[[], None]]]
"""Handles a batch, one chunk a partition, to its end; gives what to do once its records are acknowledged."""


async def take_batches(app: App, stream: Any, limits: Stream, handle: Handle) -> None:
    """The body of an agent of raw topics, whichever transport they come by."""
    if limits.transport == "stock":
        await _take_records(app, stream, limits, handle)
    else:
        await _take_chunks(app, stream, limits, handle)


async def _take_chunks(app: App, stream: Any, limits: Stream, handle: Handle) -> None:
    """An event is a chunk. Those that wait are handled together: a small one costs as much as a large one."""
    quiet = stream.noack()
    async with aclosing(_gathered(quiet, limits.batch_records)) as batches:
        async for events in batches:
            await _handle(app, quiet, events, joined(event.value for event in events), handle)


async def _gathered(quiet: Any, most: int) -> AsyncGenerator[list[Any], None]:
    """The events that are there, up to `most` records or one event; waits for the first.

    The next one is asked for ahead, by a task: whoever awaits it while the flow is being suspended would wait with
    unhandled events in hand, and the rebalance for those.
    """
    events = aiter(quiet.events())
    coming: asyncio.Task[Any] = asyncio.ensure_future(anext(events))
    try:
        while True:
            batch = [await coming]
            coming = asyncio.ensure_future(anext(events))
            records = len(batch[0].value)
            while records < most and await _comes_at_once(coming):
                batch.append(coming.result())
                records += len(batch[-1].value)
                coming = asyncio.ensure_future(anext(events))
            yield batch
    except StopAsyncIteration:
        return
    finally:
        coming.cancel()


async def _comes_at_once(coming: asyncio.Task[Any]) -> bool:
    """Lets the loop turn, so that what was fetched together can come together, and waits for nothing."""
    for _ in range(TURNS):
        if coming.done():
            break
        await asyncio.sleep(0)
    return coming.done() and coming.exception() is None


async def _take_records(app: App, stream: Any, limits: Stream, handle: Handle) -> None:
    """An event is a record. `noack_take` on a `noack` stream acknowledges nothing by itself."""
    quiet = stream.noack()
    async for events in quiet.noack_take(limits.batch_records, within=limits.batch_wait / 1000):
        await _handle(app, quiet, events, by_partition(map(from_event, events)), handle)


async def _handle(
    app: App, quiet: Any, events: Sequence[Any], chunks: Sequence[Chunk], handle: Handle
) -> None:
    try:
        when_acknowledged = await handle(chunks)
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
