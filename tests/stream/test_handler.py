"""One batch: what is folded, what is sent, and what has to be acknowledged before it counts as handled."""

import asyncio
import math
import threading
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiokafka.errors import KafkaTimeoutError
from msgspec.structs import replace

from fraudwatch.config.settings import Settings, Topics
from fraudwatch.decode.columns import by_column
from fraudwatch.errors import BrokerError
from fraudwatch.metrics import Metrics, read_sample
from fraudwatch.pipeline import Assessments, Batch
from fraudwatch.records import NO_TIMESTAMP, Chunk, Record, Transaction
from fraudwatch.stream.delivery import Delivery
from fraudwatch.stream.handler import Handled, Handler
from fraudwatch.stream.misplaced import AccountPlaces
from fraudwatch.stream.poison import Poison
from fraudwatch.stream.publishing import Published
from fraudwatch.stream.recovery import Recovery
from fraudwatch.stream.states import States

TOPICS = Topics()


class OneAlertEach:
    """A pipeline that raises one alert for every record, and remembers them."""

    def __init__(self) -> None:
        self.folded: list[int] = []
        self.models: list[str] = []
        self.policy = SimpleNamespace(edge=SimpleNamespace(raised_from=math.inf), budgets={})

    def use(self, model: Any) -> None:
        self.models.append(model.version)

    def fold(self, chunk: Chunk, *, publish: bool = True) -> Batch:
        records = [chunk.record(row) for row in range(len(chunk))]
        self.folded += [record.offset for record in records]
        none = np.zeros(0, np.int64)
        rows = by_column([], none, none)
        nothing = Assessments(rows, np.zeros(0, np.uint8), np.zeros(0), np.zeros(0, np.int16), (), {})
        alerts: list[Any] = [SimpleNamespace(alert_id=f"{r.partition}-{r.offset}") for r in records]
        return Batch(len(records), nothing, [], alerts, 0, 0, {}, none)


class Wire:
    """A producer whose deliveries the test acknowledges, or fails."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes | None, int | None]] = []
        self.deliveries: list[asyncio.Future[None]] = []

    async def send(self, topic: str, key: bytes | None, value: Any, partition: int | None, *_: Any) -> Any:
        assert topic == TOPICS.review
        self.sent.append((key, partition))
        self.deliveries.append(asyncio.get_running_loop().create_future())
        return self.deliveries[-1]

    async def acknowledge(self, error: Exception | None = None) -> None:
        """Every delivery, as soon as there is one."""
        while not self.deliveries:
            await asyncio.sleep(0.001)
        for delivery in self.deliveries:
            if error is None:
                delivery.set_result(None)
            else:
                delivery.set_exception(error)
        self.deliveries.clear()


class Bench:
    """A handler with two partitions on a wire."""

    def __init__(self) -> None:
        self.wire = Wire()
        make: Any = lambda partition, partitions, model: OneAlertEach()  # noqa: E731
        poison = Poison(0)
        self.states = States(make, 2, AccountPlaces(Settings()), poison)
        self.metrics = Metrics()
        delivery = Delivery(lambda: self.wire, TOPICS.dead_letters, lambda letter: [])
        never: Any = None
        recovery = Recovery(self.states, never, poison)
        publisher = Published(TOPICS, delivery, lambda alert: b"{}", lambda alert: b"")
        self.handler = Handler(self.states, publisher, self.metrics, recovery)
        for partition in range(2):
            self.states.make(partition)

    def pipeline(self, partition: int) -> Any:
        return self.states[partition].pipeline

    def empty_parts(self, *partitions: int) -> Any:
        """What came of a batch without records."""
        nothing = chunk(0, 0, 0).part(1)
        return [(self.states[p], nothing, self.pipeline(p).fold(nothing)) for p in partitions]

    def edges(self) -> dict[str, float]:
        """The edge of each partition, as shown."""
        found = read_sample(self.metrics.expose().decode()).get("fraudwatch_edge", [])
        return {labels["partition"]: value for labels, value in found}

    async def handle(self, *chunks: Chunk, error: Exception | None = None) -> None:
        handling = asyncio.create_task(self.handler.handle(chunks))
        while not handling.done():
            if self.wire.deliveries:
                await self.wire.acknowledge(error)
            await asyncio.sleep(0.001)
        await handling


def chunk(partition: int, first: int, last: int) -> Chunk:
    return Chunk.of([Record("t", partition, offset, 0, None, b"x") for offset in range(first, last + 1)])


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def test_records_that_come_again_are_neither_folded_nor_published_again() -> None:
    async def scenario() -> None:
        bench = Bench()
        await bench.handle(chunk(0, 0, 4))
        await bench.handle(chunk(0, 2, 6))
        assert bench.pipeline(0).folded == [0, 1, 2, 3, 4, 5, 6]
        assert [key for key, _ in bench.wire.sent] == [f"0-{offset}".encode() for offset in range(7)]
        assert bench.states[0].position == 7

    run(scenario())


def test_records_that_come_again_never_move_the_position_back() -> None:
    async def scenario() -> None:
        bench = Bench()
        await bench.handle(chunk(0, 0, 4))
        await bench.handler.handle([chunk(0, 0, 2)])
        assert bench.states[0].position == 5

    run(scenario())


def test_partitions_of_one_batch_keep_their_order_and_their_alerts_their_partition() -> None:
    async def scenario() -> None:
        bench = Bench()
        await bench.handle(chunk(1, 0, 2), chunk(0, 5, 7))
        assert bench.pipeline(0).folded == [5, 6, 7]
        assert bench.pipeline(1).folded == [0, 1, 2]
        assert dict(bench.wire.sent) == {
            b"0-5": 0, b"0-6": 0, b"0-7": 0, b"1-0": 1, b"1-1": 1, b"1-2": 1,
        }  # fmt: skip

    run(scenario())


def test_a_batch_is_not_handled_before_its_last_alert_is_acknowledged() -> None:
    async def scenario() -> None:
        bench = Bench()
        handling = asyncio.create_task(bench.handler.handle([chunk(0, 0, 2)]))
        while len(bench.wire.deliveries) < 3:
            await asyncio.sleep(0.001)
        for delivery in bench.wire.deliveries[:2]:
            delivery.set_result(None)
        await asyncio.sleep(0.05)
        assert not handling.done()
        assert bench.states[0].position == 0
        bench.wire.deliveries[2].set_result(None)
        await handling
        assert bench.states[0].position == 3

    run(scenario())


def test_what_came_of_a_partition_is_on_its_way_while_the_next_one_is_folded() -> None:
    async def scenario() -> None:
        bench = Bench()
        may_end = threading.Event()
        fold = bench.pipeline(1).fold

        def held(*given: Any, **more: Any) -> Batch:
            assert may_end.wait(10)
            return fold(*given, **more)  # type: ignore[no-any-return]

        bench.pipeline(1).fold = held
        handling = asyncio.create_task(bench.handler.handle([chunk(0, 0, 2), chunk(1, 0, 1)]))
        while len(bench.wire.sent) < 3:
            await asyncio.sleep(0.001)
        await bench.wire.acknowledge()
        assert bench.states[0].position == 0
        may_end.set()
        await bench.wire.acknowledge()
        await handling
        assert [state.position for state in bench.states.held] == [3, 2]

    run(scenario())


def test_a_fold_that_fails_leaves_no_delivery_behind() -> None:
    async def scenario() -> None:
        bench = Bench()

        def failing(*_: Any, **__: Any) -> Batch:
            raise BrokerError("no")

        bench.pipeline(1).fold = failing
        with pytest.raises(BrokerError, match="no"):
            await bench.handler.handle([chunk(0, 0, 2), chunk(1, 0, 1)])
        assert bench.states[0].position == 0
        assert len(asyncio.all_tasks()) == 1

    run(scenario())


def test_a_delivery_that_fails_is_an_error_and_the_position_stays() -> None:
    async def scenario() -> None:
        bench = Bench()
        with pytest.raises(BrokerError, match=f"expected {TOPICS.review} to acknowledge what was sent"):
            await bench.handle(chunk(0, 0, 2), error=KafkaTimeoutError())
        assert bench.states[0].position == 0

    run(scenario())


def test_a_model_is_swapped_between_two_batches_and_at_once_where_there_is_none() -> None:
    async def scenario() -> None:
        bench = Bench()
        model: Any = SimpleNamespace(version="v1", span_ms=(0, 1))
        await bench.handler.use(model)
        assert bench.pipeline(0).models == bench.pipeline(1).models == ["v1"]

        handling = asyncio.create_task(bench.handler.handle([chunk(0, 0, 0)]))
        while not bench.wire.deliveries:
            await asyncio.sleep(0.001)
        newer: Any = SimpleNamespace(version="v2", span_ms=(0, 1))
        swapping = asyncio.create_task(bench.handler.use(newer))
        await asyncio.sleep(0.05)
        assert bench.pipeline(0).models == ["v1"]
        await bench.wire.acknowledge()
        await asyncio.gather(handling, swapping)
        assert bench.pipeline(0).models == ["v1", "v2"]

    run(scenario())


def test_the_edge_of_a_partition_is_shown_from_its_first_batch_with_a_model() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.handler.report(Handled(0, bench.empty_parts(0, 1), 0.0))
        assert bench.edges() == {}
        bench.pipeline(1).policy.edge.raised_from = 4.5
        bench.handler.report(Handled(0, bench.empty_parts(0, 1), 0.0))
        assert bench.edges() == {"1": 4.5}

    run(scenario())


def test_what_a_handled_batch_says_is_counted() -> None:
    async def scenario() -> None:
        bench = Bench()
        state = bench.states[0]
        timed = [Record("t", 0, offset, time, None, b"x") for offset, time in enumerate((0, 1, NO_TIMESTAMP))]
        nothing = state.pipeline.fold(chunk(0, 0, 0).part(1))
        batch = replace(nothing, conflicts=2, cut=3, evicted=4, returned=5)
        bench.handler.report(Handled(3, [(state, Chunk.of(timed), batch)], 0.0))
        counted = {
            "acknowledged_seconds_count": 2,
            "conflicts_total": 2,
            "alerts_cut_total": 3,
            "accounts_evicted_total": 4,
            "accounts_returned_total": 5,
        }
        found = read_sample(bench.metrics.expose().decode())
        assert {name: found[f"fraudwatch_{name}"] for name in counted} == {
            name: [({}, float(count))] for name, count in counted.items()
        }

    run(scenario())


def test_alerts_that_open_are_counted_by_queue_and_lane() -> None:
    async def scenario() -> None:
        bench = Bench()
        state = bench.states[0]
        state.pipeline.policy.budgets = {("amount", ""): 30.0, ("typology", "testing"): 10.0}
        rows = np.arange(3)
        made = by_column([Transaction(f"t{row}", "a", 0, 100, "EUR") for row in rows], rows, rows)
        alerts: list[Any] = [
            SimpleNamespace(alert_id=name, severity="low", kind=kind, sample=False, queue=queue, lane=lane)
            for name, kind, queue, lane in (
                ("a", "alert", "typology", "testing"),
                ("b", "update", "typology", "testing"),
                ("c", "alert", "amount", None),
            )
        ]
        found = Assessments(
            made, np.zeros(3, np.uint8), np.zeros(3), np.zeros(3, np.int16), (), {0: "a", 1: "b", 2: "c"}
        )
        batch = Batch(3, found, [], alerts, 0, 0, {}, np.zeros(0, np.int64))
        bench.handler.report(Handled(3, [(state, chunk(0, 0, 2), batch)], 0.0))
        shown = read_sample(bench.metrics.expose().decode())
        counted = {of["lane"]: count for of, count in shown["fraudwatch_queue_alerts_total"]}
        assert counted == {"": 1.0, "testing": 1.0}
        budgets = {of["lane"]: budget for of, budget in shown["fraudwatch_queue_budget_per_day"]}
        assert budgets == {"": 30.0, "testing": 10.0}

    run(scenario())


def test_a_partition_that_went_to_another_worker_shows_no_edge_again() -> None:
    async def scenario() -> None:
        bench = Bench()
        bench.pipeline(0).policy.edge.raised_from = 4.5
        parts = bench.empty_parts(0)
        bench.states.drop(0)
        bench.handler.report(Handled(0, parts, 0.0))
        assert bench.edges() == {}

    run(scenario())
