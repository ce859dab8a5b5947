"""One batch of records, from raw bytes to acknowledged alerts (DESIGN D2, the order of steps)."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraudwatch.metrics import Metrics
from fraudwatch.records import Chunk, Outcome, Transactions
from fraudwatch.stream.parts import Alert, Batch
from fraudwatch.stream.publishing import Publisher
from fraudwatch.stream.states import PartitionState, States


@dataclass(frozen=True)
class Handled:
    """What came of a batch, partition by partition; everything in it is delivered."""

    records: int
    parts: list[tuple[PartitionState, Chunk, Batch]]
    publish_seconds: float


class Handler:
    """Folds, delivers, and only then lets the caller acknowledge.

    Any exception means that a state may have moved while its alerts did not: the process has to end.
    """

    def __init__(
        self,
        states: States,
        publisher: Publisher,
        metrics: Metrics,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._states = states
        self._publisher = publisher
        self._metrics = metrics
        self._timer = timer
        self._turn = asyncio.Lock()

    async def use(self, model: Any) -> None:
        """Swaps the model between two batches: at once where none is on its way."""
        async with self._turn:
            await self._states.use(model)
        self._metrics.model(model.version, model.span_ms[1])

    async def handle(self, chunks: Sequence[Chunk]) -> Handled:
        """Handles chunks of any partitions, each partition's in the order of its offsets.

        When it returns, every alert and dead letter is acknowledged by the broker and the records may be.
        Raises BrokerError for a delivery that failed, and whatever the pipeline raises.
        """
        async with self._turn:
            return await self._handle(chunks)

    async def _handle(self, chunks: Sequence[Chunk]) -> Handled:
        parts = await self._states.run(
            self._fold, [(self._states[chunk.partition], chunk) for chunk in chunks]
        )
        started = self._timer()
        await self._publisher.send(
            [(state.partition, alert) for state, _, batch in parts for alert in batch.alerts],
            [letter for _, _, batch in parts for letter in batch.dead_letters],
        )
        for state, chunk, _ in parts:
            state.reach(chunk)
        return Handled(sum(map(len, chunks)), parts, self._timer() - started)

    @staticmethod
    def _fold(work: Sequence[tuple[PartitionState, Chunk]]) -> list[tuple[PartitionState, Chunk, Batch]]:
        return [(state, chunk, state.fold(chunk)) for state, chunk in work]

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
            self._metrics.acknowledged(chunk.timestamps_ms)
            self._report_alerts(chunk, batch)
            self._report_edge(state)
        self._metrics.misplaced_accounts(self._states.accounts.misplaced)

    def _report_edge(self, state: PartitionState) -> None:
        raised_from = state.pipeline.policy.edge.raised_from
        # A partition that went to another worker meanwhile has no series here any more.
        if math.isfinite(raised_from) and self._states.get(state.partition) is state:
            self._metrics.edge(state.partition, raised_from)

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
            event_time_ms=of.event_time_ms[behind],
            ingest_time_ms=chunk.timestamps_ms[records],
        )


def _newest(transactions: Transactions) -> int | None:
    return int(transactions.event_time_ms.max()) if len(transactions) else None


def _kind(alert: Alert) -> str:
    return "sample" if alert.sample else alert.kind
