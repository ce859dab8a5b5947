"""One batch of records, from raw bytes to acknowledged alerts (DESIGN D2, the order of steps)."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fraudwatch.metrics import Metrics
from fraudwatch.records import Outcome, Record
from fraudwatch.stream.parts import Alert, Batch
from fraudwatch.stream.publishing import Publisher
from fraudwatch.stream.states import PartitionState, States


@dataclass(frozen=True)
class Handled:
    """What came of a batch, partition by partition; everything in it is delivered."""

    records: int
    parts: list[tuple[PartitionState, list[Record], Batch]]
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

    async def handle(self, records: Sequence[Record]) -> Handled:
        """Handles records of any partitions, each partition's in the order of its offsets.

        When it returns, every alert and dead letter is acknowledged by the broker and the records may be.
        Raises BrokerError for a delivery that failed, and whatever the pipeline raises.
        """
        async with self._turn:
            return await self._handle(records)

    async def _handle(self, records: Sequence[Record]) -> Handled:
        groups = [(self._states[partition], group) for partition, group in _by_partition(records).items()]
        parts = [(state, group, batch) for (state, group), batch in await self._fold(groups)]
        started = self._timer()
        await self._publisher.send(
            [(state.partition, alert) for state, _, batch in parts for alert in batch.alerts],
            [letter for _, _, batch in parts for letter in batch.dead_letters],
        )
        for state, group, _ in parts:
            state.reach(group)
        return Handled(len(records), parts, self._timer() - started)

    async def _fold(
        self, groups: list[tuple[PartitionState, list[Record]]]
    ) -> list[tuple[tuple[PartitionState, list[Record]], Batch]]:
        def fold_all() -> list[tuple[tuple[PartitionState, list[Record]], Batch]]:
            return [((state, group), state.fold(group)) for state, group in groups]

        return await self._states.run(fold_all)

    def report(self, handled: Handled) -> None:
        """Counts a batch, once its records are acknowledged."""
        for place, (state, group, batch) in enumerate(handled.parts):
            found = batch.assessments
            # The wait for the broker is one for the whole batch.
            publish = {"publish": handled.publish_seconds} if place == 0 else {}
            self._metrics.batch(
                records=batch.records,
                outcomes=np.bincount(found.outcome, minlength=len(Outcome)),
                scores=found.score,
                dead_letters=[(letter.stage, letter.reason) for letter in batch.dead_letters],
                stage_seconds={**batch.stage_seconds, **publish},
                newest_event_time_ms=max((t.event_time_ms for t in found.transactions), default=None),
            )
            self._metrics.conflicts(batch.conflicts)
            self._metrics.alerts_cut(batch.cut)
            self._report_alerts(group, batch)
            self._report_edge(state)
        self._metrics.misplaced_accounts(self._states.accounts.misplaced)

    def _report_edge(self, state: PartitionState) -> None:
        raised_from = state.pipeline.policy.edge.raised_from
        # A partition that went to another worker meanwhile has no series here any more.
        if math.isfinite(raised_from) and self._states.get(state.partition) is state:
            self._metrics.edge(state.partition, raised_from)

    def _report_alerts(self, group: list[Record], batch: Batch) -> None:
        found = batch.assessments
        rows = {alert_id: row for row, alert_id in enumerate(found.alert_ids) if alert_id is not None}
        behind = [rows[alert.alert_id] for alert in batch.alerts]
        timestamps = {record.offset: record.timestamp_ms for record in group}
        self._metrics.alerts(
            [(alert.severity, _kind(alert)) for alert in batch.alerts],
            event_time_ms=np.array([found.transactions[row].event_time_ms for row in behind], np.int64),
            ingest_time_ms=np.array([timestamps[int(found.offsets[row])] for row in behind], np.int64),
        )


def _kind(alert: Alert) -> str:
    return "sample" if alert.sample else alert.kind


def _by_partition(records: Sequence[Record]) -> dict[int, list[Record]]:
    groups: dict[int, list[Record]] = {}
    for record in records:
        groups.setdefault(record.partition, []).append(record)
    return dict(sorted(groups.items()))
