"""The running worker: what Faust calls, in the order it calls it.

assigned → models and verdicts read → states restored → [ batch → handle → acknowledge → report ]… → revoked → …
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fraudwatch.config.settings import Settings
from fraudwatch.metrics import Metrics
from fraudwatch.records import Chunk
from fraudwatch.stream.app import build_app, raw_topic
from fraudwatch.stream.assignment import Assignment, Committed
from fraudwatch.stream.batches import take_batches
from fraudwatch.stream.delivery import Delivery
from fraudwatch.stream.dispositions import DispositionReader
from fraudwatch.stream.feeding import Feeder
from fraudwatch.stream.handler import Handler
from fraudwatch.stream.health import Health
from fraudwatch.stream.misplaced import AccountPlaces
from fraudwatch.stream.models import ModelReader
from fraudwatch.stream.parts import Parts
from fraudwatch.stream.poison import Poison
from fraudwatch.stream.publishing import Published, Publisher, Withheld
from fraudwatch.stream.recovery import Recovery
from fraudwatch.stream.restore import Restorer
from fraudwatch.stream.snapshots import Loader, Snapshots
from fraudwatch.stream.states import States
from fraudwatch.stream.trainer import Trainer
from fraudwatch.stream.trials import Trials
from fraudwatch.stream.watch import Watch
from fraudwatch.stream.whole import WholeTopic

logger = logging.getLogger(__name__)


class Live:
    """Wires one worker and gives Faust its agent and its handlers.

    `partitions` are those of the topics that are there, by name. `fixed` is a model that is never replaced. A shadow
    publishes nothing, and neither reads nor writes models.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        metrics: Metrics,
        loop: asyncio.AbstractEventLoop,
        *,
        partitions: Mapping[str, int],
        fixed: Any | None,
        shadow: bool,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._fixed = fixed
        self._warm_up = parts.warm_up
        self._version: str | None = None
        self._has_started = False
        self.app = build_app(settings, loop)
        self.health = Health(settings.stream.stalled_after / 1000)
        source = settings.source.topic
        poison = Poison(settings.stream.poison_per_hour)
        self._states = States(
            parts.make_pipeline, partitions[source], AccountPlaces(settings), poison, parts.restore_pipeline
        )
        published = self._published(parts)
        publisher: Publisher = Withheld(self._use) if shadow else published
        loader = Loader(settings, self._states, metrics, self.health) if settings.snapshots.every else None
        restorer = Restorer(settings, self._states, metrics, self.health, loader)
        self._recovery = Recovery(self._states, restorer, poison)
        self._handler = Handler(self._states, publisher, metrics, self._recovery)
        self._snapshots: Snapshots | None = None
        if loader is not None:
            self._snapshots = Snapshots(
                settings,
                self._states,
                self._handler.between,
                lambda: self.app.producer,
                loader.newest,
                metrics,
            )
        models = WholeTopic(settings, settings.topics.models)
        reads_models = fixed is None and not shadow
        self._models = ModelReader(models, parts.load, self._use, metrics) if reads_models else None
        self._dispositions: DispositionReader | None = None
        if verdicts := partitions.get(settings.topics.dispositions):
            topic = WholeTopic(settings, settings.topics.dispositions, verdicts)
            self._dispositions = DispositionReader(topic, parts.read_disposition, metrics)
        self._trials: Trials | None = None
        if self._models is not None:
            self._trials = Trials(
                settings, self._states, self._models, self._handler.between, published.tell, metrics
            )
        self._trainer = Trainer(
            settings,
            parts,
            self._states,
            publisher.send_model,
            metrics,
            trials=self._trials,
            tell=published.tell,
            feeder=Feeder(parts, self._states, publisher.send_model, self._models, published.tell),
            is_shadow=shadow,
        )
        self._watch = Watch(settings, self._states, metrics, self.health, self.app.handled_to)
        self._assignment = Assignment(self.app, self._restore, self._revoked)
        self.app.on_before_shutdown.connect(self._end)
        self.app.agent(raw_topic(self.app, source), name="transactions", concurrency=1)(self._take_batches)
        metrics.budget(settings.alerts.alerts_per_day)
        metrics.shadow(shadow)

    def _published(self, parts: Parts) -> Published:
        topics = self._settings.topics
        delivery = Delivery(lambda: self.app.producer, topics.dead_letters, parts.letter_headers)
        return Published(topics, delivery, parts.encode, parts.encode_shorter)

    async def _take_batches(self, stream: Any) -> None:
        await take_batches(self.app, stream, self._settings.stream, self._handle)

    async def _handle(self, chunks: Sequence[Chunk]) -> Callable[[], None]:
        handled = await self._handler.handle(chunks)

        def report() -> None:
            self._handler.report(handled)
            self.health.moved()
            self._look_at_model()

        return report

    async def _use(self, model: Any) -> None:
        await self._handler.use(model)
        self._version = model.version
        self._look_at_model()

    def _look_at_model(self) -> None:
        if self._fixed is None:
            self._trainer.consider()
        if self._version is not None:
            self.health.state = self._said_of_model(self._version)
            return
        progress = self._trainer.progress
        if progress is None:
            self.health.state = "no model yet, the owner of partition 0 gathers its sample"
        else:
            self.health.state = f"warming up, {progress:.0%} of the training sample"
            self._metrics.training_progress(progress)

    def _said_of_model(self, version: str) -> str:
        said = [f"model {version}"]
        if self._fixed is not None:
            said.append("fixed")
        findings = [state.finding for state in self._states.held if state.finding is not None]
        if degraded := [found.worst for found in findings if found.is_degraded]:
            changed, psi = max(degraded, key=lambda worst: worst[1])
            said.append(f"degraded: the stream has changed ({changed}, PSI {psi:.2f})")
        if self._trials is not None and (trial := self._trials.progress):
            said.append(f"{trial[0]} on trial, {trial[1]:.0%}")
        return ", ".join(said)

    def _revoked(self) -> None:
        self.health.revoked()
        if self._snapshots is not None:
            self._snapshots.revoked()

    async def _restore(self, committed: Committed, stands: Callable[[], bool]) -> None:
        await self._start_once()
        await self._recovery.restore({place.partition: at or 0 for place, at in committed.items()}, stands)
        self._metrics.misplaced_accounts(self._states.accounts.misplaced)
        if stands():
            partitions = sorted(place.partition for place in committed)
            self._look_at_model()
            self.health.assigned(partitions)
            if self._snapshots is not None:
                self._snapshots.assigned(partitions, self.app.consumer_generation_id)
            keep_out_of_collections()
            logger.info("live on partitions %s; %s", partitions, self.health.state)

    async def _start_once(self) -> None:
        if self._has_started:
            return
        self._has_started = True
        self.app.add_future(self._watch.run())
        if self._warm_up is not None:
            await self._states.run(self._warm_up)
        if self._fixed is not None:
            await self._use(self._fixed)
        if self._models is not None:
            await self._models.catch_up()
            self.app.add_future(self._models.follow())
        if self._trials is not None:
            self.app.add_future(self._trials.run(lambda: self.health.is_in_place))
        if self._dispositions is not None:
            await self._dispositions.catch_up()
            self.app.add_future(self._dispositions.follow())
        self.health.is_prepared = True

    async def _end(self, *_: Any, **__: Any) -> None:
        await self._trainer.close()
        if self._trials is not None:
            await self._trials.close()
        # Half of what is left until the process is cut off: what was handled is committed already.
        if self._snapshots is not None and self.app.conf.stream_wait_empty:
            await self._snapshots.close(self._settings.stream.shutdown / 2000)

    def close(self) -> None:
        """After the loop has ended."""
        self._states.close()


def keep_out_of_collections() -> None:
    """What is there by now stays for as long as the process: the garbage collector need not look through it again.

    It looked for 100 to 200 ms each time, and nothing was judged meanwhile.
    """
    gc.collect()
    gc.freeze()
