"""The running worker: what Faust calls, in the order it calls it.

assigned → models read → states restored → [ batch → handle → acknowledge → report ]… → revoked → assigned …
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from fraudwatch.config.settings import Settings
from fraudwatch.errors import FraudwatchError
from fraudwatch.metrics import Metrics
from fraudwatch.stream.app import build_app, raw_topic
from fraudwatch.stream.delivery import Delivery
from fraudwatch.stream.handler import Handler
from fraudwatch.stream.health import Health
from fraudwatch.stream.models import ModelReader
from fraudwatch.stream.parts import Parts
from fraudwatch.stream.raw import from_event
from fraudwatch.stream.restore import Restorer
from fraudwatch.stream.states import States
from fraudwatch.stream.trainer import Trainer
from fraudwatch.stream.watch import Watch

logger = logging.getLogger(__name__)

ASSIGNMENT_LOOK_SECONDS = 0.5


class Live:
    """Wires one worker and gives Faust its agent and its handlers. `fixed` is a model that is never replaced."""

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        metrics: Metrics,
        loop: asyncio.AbstractEventLoop,
        *,
        partitions: int,
        fixed: Any | None,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._fixed = fixed
        self.app = build_app(settings, loop)
        self.health = Health(settings.stream.stalled_after / 1000)
        self._states = States(parts.make_pipeline, partitions)
        delivery = Delivery(settings.topics, lambda: self.app.producer, parts)
        self._handler = Handler(self._states, delivery, metrics)
        self._restorer = Restorer(settings, self._states, metrics, self.health)
        self._models = ModelReader(settings, parts.load, self._use, metrics)
        self._trainer = Trainer(settings, parts, self._states, delivery.send_model)
        self._watch = Watch(settings, self._states, metrics, self.health)
        self._epoch = 0
        self._has_assignment = asyncio.Event()
        self._has_started = False
        self._connect()
        metrics.budget(settings.alerts.alerts_per_day)

    def _connect(self) -> None:
        self.app.on_partitions_revoked.connect(self._revoked)
        self.app.on_partitions_assigned.connect(self._assigned)
        self.app.on_rebalance_complete.connect(self._restore)
        self.app.on_before_shutdown.connect(self._end)
        self.app.agent(raw_topic(self.app, self._settings.source.topic), name="transactions", concurrency=1)(
            self._take_batches
        )

    async def _take_batches(self, stream: Any) -> None:
        """The agent. `noack_take` on a `noack` stream acknowledges nothing by itself (FACTS §1)."""
        quiet = stream.noack()
        limits = self._settings.stream
        async for events in quiet.noack_take(limits.batch_records, within=limits.batch_wait / 1000):
            try:
                await self._take(quiet, events)
            except Exception as error:
                self._fail(error)
                raise

    async def _take(self, stream: Any, events: Sequence[Any]) -> None:
        handled = await self._handler.handle([from_event(event) for event in events])
        for event in events:
            await stream.ack(event)
        self._handler.report(handled)
        self.health.moved()
        self._look_at_model()

    def _fail(self, error: Exception) -> None:
        """The states may have moved: the process ends, and what is not acknowledged is read again."""
        logger.critical("the worker ends, what is not acknowledged is read again: %s", error)
        # Else the end would wait for this very batch.
        self.app.conf.stream_wait_empty = False

    async def _use(self, model: Any) -> None:
        await self._handler.use(model)
        self._look_at_model()

    def _look_at_model(self) -> None:
        if self._fixed is not None:
            self.health.model_state = f"model {self._fixed.version}, fixed"
        elif self._models.version is not None:
            self.health.model_state = f"model {self._models.version}"
        else:
            self._trainer.consider()
            progress = self._trainer.progress
            if progress is None:
                self.health.model_state = "no model yet, the owner of partition 0 gathers its sample"
            else:
                self.health.model_state = f"warming up, {progress:.0%} of the training sample"
                self._metrics.training_progress(progress)

    async def _revoked(self, *_: Any, **__: Any) -> None:
        self._epoch += 1
        self._has_assignment.clear()
        self.health.revoked()

    async def _assigned(self, *_: Any, **__: Any) -> None:
        self._has_assignment.set()

    async def _restore(self, *_: Any, **__: Any) -> None:
        """Nothing flows while this runs, heartbeats go on. On return Faust seeks to the commits and goes live."""
        epoch = self._epoch

        def stands() -> bool:
            return self._epoch == epoch and not self.app.should_stop

        try:
            await self._start_once()
            committed = await self._committed()
            await self._restorer.restore(committed, stands)
        except FraudwatchError as error:
            self._fail(error)
            raise
        if stands():
            self._look_at_model()
            self.health.assigned(committed)
            logger.info("live on partitions %s; %s", sorted(committed), self.health.model_state)
        else:
            await self._next_assignment()

    async def _committed(self) -> dict[int, int]:
        if not self.app.consumer.assignment():
            return {}
        committed = await self.app.consumer.seek_to_committed()
        return {place.partition: max(offset or 0, 0) for place, offset in committed.items()}

    async def _next_assignment(self) -> None:
        """Faust would go live on the old assignment if this returned between a revoke and the next one."""
        while not self.app.should_stop:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._has_assignment.wait(), ASSIGNMENT_LOOK_SECONDS)
                return

    async def _start_once(self) -> None:
        if self._has_started:
            return
        self._has_started = True
        self.app.add_future(self._watch.run())
        if self._fixed is not None:
            await self._use(self._fixed)
        else:
            await self._models.catch_up()
            self.app.add_future(self._models.follow())
        self.health.models_read = True

    async def _end(self, *_: Any, **__: Any) -> None:
        await self._trainer.close()

    def close(self) -> None:
        """After the loop has ended."""
        self._states.close()
