"""Intake: several sources become one log of canonical transactions keyed by account, which the workers read.

It keeps no state. [ batch → convert → deliver → acknowledge → count ]…: what was not acknowledged is read and written
again after a restart; the workers find the repeats by their ids.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from fraudwatch.config.settings import Settings
from fraudwatch.errors import ConfigurationError
from fraudwatch.metrics import IntakeMetrics
from fraudwatch.records import Chunk
from fraudwatch.stream.app import build_app, raw_topic
from fraudwatch.stream.assignment import Assignment, Committed
from fraudwatch.stream.batches import take_batches
from fraudwatch.stream.cluster import look_at_cluster
from fraudwatch.stream.conversion import Conversion
from fraudwatch.stream.delivery import Delivery
from fraudwatch.stream.engine import require_known_faust
from fraudwatch.stream.health import Health
from fraudwatch.stream.parts import IntakeParts
from fraudwatch.stream.poison import Poison
from fraudwatch.stream.process import run_member, set_up_logging
from fraudwatch.stream.real import real_intake_parts
from fraudwatch.stream.rights import Operation
from fraudwatch.stream.sources import Sources


def run_intake(
    settings: Settings, *, parts: IntakeParts | None = None, metrics: IntakeMetrics | None = None
) -> int:
    """Runs until asked to end (SIGTERM, SIGINT: 0) or failing (1); gives the exit code. Wants the main thread.

    Its consumer group is `kafka.group` and `-intake`. Raises FraudwatchError for what a person has to change.
    """
    require_known_faust()
    set_up_logging()
    if not settings.sources:
        raise ConfigurationError(
            "sources: expected at least one source to take in, found none. A single source that is keyed by account "
            "needs no intake: `fraudwatch worker` reads it as `source`."
        )
    parts = real_intake_parts(settings) if parts is None else parts
    settings = replace(settings, kafka=replace(settings.kafka, group=f"{settings.kafka.group}-intake"))
    sources = {f"sources.{name}.topic": source.topic for name, source in settings.sources.items()}
    own = {
        "topics.transactions": settings.topics.transactions,
        "topics.dead_letters": settings.topics.dead_letters,
    }
    needs = dict.fromkeys(sources, (Operation.READ,)) | dict.fromkeys(own, (Operation.WRITE,))
    partitions = asyncio.run(look_at_cluster(settings, sources | own, needs=needs))
    metrics = metrics or IntakeMetrics(list(settings.sources))
    return run_member(
        settings,
        metrics,
        lambda loop: Intake(settings, parts, metrics, loop, partitions=partitions),
        f"intake of group {settings.kafka.group} on {settings.kafka.bootstrap_servers}: "
        f"{', '.join(sources.values())} → "
        f"{settings.topics.transactions} with {partitions[settings.topics.transactions]} partitions, "
        f"{settings.topics.dead_letters}",
    )


class Intake:
    """Wires one member and gives Faust its agent and its handlers. `partitions` are those of the topics, by name."""

    def __init__(
        self,
        settings: Settings,
        parts: IntakeParts,
        metrics: IntakeMetrics,
        loop: asyncio.AbstractEventLoop,
        *,
        partitions: Mapping[str, int],
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._is_watching = False
        self.app = build_app(settings, loop)
        self.health = Health(settings.stream.stalled_after / 1000)
        names = {source.topic: name for name, source in settings.sources.items()}
        poison = Poison(settings.stream.poison_per_hour)
        self._conversion = Conversion(names, parts, settings.topics.transactions, poison)
        self._delivery = Delivery(
            lambda: self.app.producer, settings.topics.dead_letters, parts.letter_headers
        )
        self._sources = Sources(settings, partitions, metrics, self.health, self.app.handled_to)
        self._assignment = Assignment(self.app, self._prepare, self.health.revoked)
        self.app.agent(raw_topic(self.app, *names), name="sources", concurrency=1)(self._take_batches)

    async def _take_batches(self, stream: Any) -> None:
        await take_batches(self.app, stream, self._settings.stream, self._handle)

    async def _handle(self, chunks: Sequence[Chunk]) -> Callable[[], None]:
        converted = self._conversion.convert(chunks)
        await self._delivery.send(converted.messages, converted.dead_letters)

        def report() -> None:
            self._sources.handled(chunks)
            self.health.moved()
            self._metrics.batch(
                converted.records,
                converted.transactions,
                converted.refusals,
                converted.newest_event_time_ms,
            )

        return report

    async def _prepare(self, committed: Committed, stands: Callable[[], bool]) -> None:
        """There is nothing to restore."""
        self._sources.assigned(committed)
        if not self._is_watching:
            self._is_watching = True
            self.app.add_future(self._sources.watch())
        if stands():
            self.health.state, self.health.is_prepared = f"{len(self._settings.sources)} sources", True
            self.health.assigned(self._sources.names(committed))

    def close(self) -> None:
        """Nothing is held."""
