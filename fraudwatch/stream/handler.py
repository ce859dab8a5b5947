"""One batch of records, from raw bytes to acknowledged alerts (DESIGN D2, the order of steps)."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from fraudwatch.metrics import Metrics
from fraudwatch.records import Chunk, DeadLetter, Outcome, Transactions
from fraudwatch.stream.parts import Alert, Batch
from fraudwatch.stream.poison import VoidStateError
from fraudwatch.stream.publishing import Publisher
from fraudwatch.stream.recovery import Part, Recovery, Replayed
from fraudwatch.stream.states import PartitionState, States

R = TypeVar("R")


@dataclass(frozen=True)
class Handled:
    """What came of a batch, partition by partition; everything in it is delivered. `poison` are dead letters too."""

    records: int
    parts: list[Part]
    publish_seconds: float
    poison: list[DeadLetter] = field(default_factory=list)


class Handler:
    """Folds, delivers, and only then lets the caller acknowledge.

    A state that becomes void is made again by `recovery`. Any exception that comes out of here means that a state may
    have moved while its alerts did not: the process has to end.
    """

    def __init__(
        self,
        states: States,
        publisher: Publisher,
        metrics: Metrics,
        recovery: Recovery,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._states = states
        self._publisher = publisher
        self._metrics = metrics
        self._recovery = recovery
        self._timer = timer
        self._turn = asyncio.Lock()

    async def use(self, model: Any) -> None:
        """Swaps the model between two batches: at once where none is on its way."""
        async with self._turn:
            await self._states.use(model)
        self._metrics.model(model.version, model.span_ms[1])

    async def between(self, look: Callable[[], R]) -> R:
        """Runs a function on the folding thread between two batches: what was folded is delivered, nothing moves."""
        async with self._turn:
            return await self._states.run(look)

    async def handle(self, chunks: Sequence[Chunk]) -> Handled:
        """Handles chunks of any partitions, each partition's in the order of its offsets.

        When it returns, every alert and dead letter is acknowledged by the broker and the records may be.
        Raises BrokerError for a delivery that failed, PoisonError for too much poison.
        """
        async with self._turn:
            return await self._handle(chunks)

    async def _handle(self, chunks: Sequence[Chunk]) -> Handled:
        """What came of one partition is on its way while the next one is folded."""
        parts: list[Part] = []
        poison: list[DeadLetter] = []
        deliveries: list[asyncio.Task[None]] = []
        try:
            for chunk in chunks:
                folded = await self._fold(chunk)
                parts += folded.parts
                poison += folded.letters
                if not folded.is_delivered:
                    deliveries.append(asyncio.create_task(self._deliver(folded)))
            started = self._timer()
            await asyncio.gather(*deliveries)
        except BaseException:
            for delivery in deliveries:
                delivery.cancel()
            await asyncio.gather(*deliveries, return_exceptions=True)
            raise
        for chunk in chunks:
            self._states[chunk.partition].reach(chunk)
        return Handled(sum(map(len, chunks)), parts, self._timer() - started, poison)

    async def _fold(self, chunk: Chunk) -> Replayed:
        state = self._states[chunk.partition]
        try:
            return Replayed([(state, chunk, await self._states.run(state.fold, chunk))])
        except VoidStateError as void:
            return await self._recovery.replay(void, self._deliver)

    async def _deliver(self, folded: Replayed) -> None:
        await self._publisher.send(
            [(state.partition, alert) for state, _, batch in folded.parts for alert in batch.alerts],
            [letter for _, _, batch in folded.parts for letter in batch.dead_letters] + folded.letters,
        )

    def report(self, handled: Handled) -> None:
        """Counts a batch, once its records are acknowledged."""
        for place, (state, chunk, batch) in enumerate(handled.parts):
            found = batch.assessments
            # The wait for the broker is one for the whole batch.
            publish = {"publish": handled.publish_seconds} if place == 0 else {}
            self._metrics.batch(
                records=batch.records,
                outcomes=np.bincount(found.outcome, minlength=len(Outcome)),
                scores=found.score,
                dead_letters=[(letter.stage, letter.reason) for letter in batch.dead_letters],
                stage_seconds={**batch.stage_seconds, **publish},
                newest_event_time_ms=_newest(found.transactions),
            )
            self._metrics.conflicts(batch.conflicts)
            self._metrics.alerts_cut(batch.cut)
            self._metrics.accounts_let_go(batch.evicted, batch.returned)
            self._metrics.queues(state.pipeline.policy.budgets)
            self._metrics.acknowledged(chunk.timestamps_ms)
            self._report_alerts(chunk, batch)
            self._report_edge(state)
            self._report_drift(state, batch)
        self._report_poison(handled.poison)
        self._metrics.misplaced_accounts(self._states.accounts.misplaced)

    def _report_poison(self, poison: Sequence[DeadLetter]) -> None:
        if not poison:
            return
        self._metrics.batch(
            records=len(poison),
            outcomes=np.zeros(len(Outcome), np.int64),
            scores=np.zeros(0),
            dead_letters=[(letter.stage, letter.reason) for letter in poison],
            stage_seconds={},
        )
        self._metrics.acknowledged(np.array([letter.record.timestamp_ms for letter in poison]))

    def _report_edge(self, state: PartitionState) -> None:
        raised_from = state.pipeline.policy.edge.raised_from
        # A partition that went to another worker meanwhile has no series here any more.
        if math.isfinite(raised_from) and self._states.get(state.partition) is state:
            self._metrics.edge(state.partition, raised_from)

    def _report_drift(self, state: PartitionState, batch: Batch) -> None:
        """Seldom: a finding is another one only where an event day has ended, or a model came."""
        found = batch.drift
        if found is None or self._states.get(state.partition) is not state or state.told is found:
            return
        state.told = found
        self._metrics.models.drift(state.partition, found.psi, is_degraded=found.is_degraded)

    def _report_alerts(self, chunk: Chunk, batch: Batch) -> None:
        if not batch.alerts:
            return
        found = batch.assessments
        rows = {alert_id: row for row, alert_id in found.alert_ids.items()}
        behind = [rows[alert.alert_id] for alert in batch.alerts]
        of = found.transactions
        # Not `of.rows`: what was folded may be the end of the chunk only.
        records = np.searchsorted(chunk.offsets, of.offsets[behind])
        self._metrics.alerts(
            [(alert.severity, _kind(alert)) for alert in batch.alerts],
            opened_by=[(alert.queue, alert.lane or "") for alert in batch.alerts if alert.kind == "alert"],
            event_time_ms=of.event_time_ms[behind],
            ingest_time_ms=chunk.timestamps_ms[records],
        )


def _newest(transactions: Transactions) -> int | None:
    return int(transactions.event_time_ms.max()) if len(transactions) else None


def _kind(alert: Alert) -> str:
    return "sample" if alert.sample else alert.kind
