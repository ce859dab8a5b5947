"""The partitions the group has given to this process, and whether they are still the ones."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from aiokafka import TopicPartition

from fraudwatch.errors import FraudwatchError
from fraudwatch.stream.batches import give_up
from fraudwatch.stream.engine import App

LOOK_SECONDS = 0.5

Committed = dict[TopicPartition, int | None]
"""Every assigned partition, and the offset of its first record that was not acknowledged; None without a commit."""


class Assignment:
    """Told by Faust; tells `prepare` what is assigned while every record is held back, and `on_revoked`.

    `prepare` is awaited in `on_rebalance_complete`, the one place that holds every record back while heartbeats go
    on (FACTS §1). It is given a function that says whether the assignment still stands. When it returns, Faust
    seeks to the commits and goes live; a FraudwatchError out of it ends the process.
    """

    def __init__(
        self,
        app: App,
        prepare: Callable[[Committed, Callable[[], bool]], Awaitable[None]],
        on_revoked: Callable[[], None],
    ) -> None:
        self._app = app
        self._prepare = prepare
        self._on_revoked = on_revoked
        self._epoch = 0
        self._is_there = asyncio.Event()
        app.on_partitions_revoked.connect(self._revoked)
        app.on_partitions_assigned.connect(self._assigned)
        app.on_rebalance_complete.connect(self._complete)

    async def _revoked(self, *_: Any, **__: Any) -> None:
        self._epoch += 1
        self._is_there.clear()
        self._on_revoked()

    async def _assigned(self, *_: Any, **__: Any) -> None:
        self._is_there.set()

    async def _complete(self, *_: Any, **__: Any) -> None:
        epoch = self._epoch

        def stands() -> bool:
            return self._epoch == epoch and not self._app.should_stop

        try:
            await self._prepare(await self._committed(), stands)
        except FraudwatchError as error:
            give_up(self._app, error)
            raise
        if not stands():
            await self._next()

    async def _committed(self) -> Committed:
        if not self._app.consumer.assignment():
            return {}
        committed = await self._app.consumer.seek_to_committed()
        return {TopicPartition(*place): offset for place, offset in committed.items()}

    async def _next(self) -> None:
        """Faust would go live on the old assignment if this returned between a revoke and the next one."""
        while not self._app.should_stop:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_there.wait(), LOOK_SECONDS)
                return
