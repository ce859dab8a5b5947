"""A record that our own code cannot bear becomes a dead letter; the state and all around it are as without it."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fraudwatch.config.settings import Settings
from fraudwatch.decode.columns import by_column
from fraudwatch.errors import BrokerError, PoisonError
from fraudwatch.metrics import Metrics, read_sample
from fraudwatch.pipeline import Assessments, Batch
from fraudwatch.records import Chunk, DeadLetter, Record, Refusal, Stage, Transaction
from fraudwatch.stream.conversion import Conversion
from fraudwatch.stream.handler import Handled, Handler
from fraudwatch.stream.misplaced import AccountPlaces
from fraudwatch.stream.parts import IntakeParts
from fraudwatch.stream.poison import HOUR_MS, Poison, place_of
from fraudwatch.stream.recovery import Recovery
from fraudwatch.stream.states import States


class Brittle:
    """A pipeline with an alert for every record; folding poison raises with the record half in its state."""

    def __init__(self, log: "Log", partition: int) -> None:
        self.log = log
        self.partition = partition
        self.state: list[int] = []
        self.policy = SimpleNamespace(edge=SimpleNamespace(raised_from=math.inf))

    def fold(self, chunk: Chunk, *, publish: bool = True) -> Batch:
        self.log.folds += 1
        for offset in chunk.offsets.tolist():
            self.state.append(offset)
            if (self.partition, offset) in self.log.poison:
                raise self.log.error
        if self.log.is_ill_in_batches and len(chunk) > 1:
            raise ValueError("together they are too many")
        none = np.zeros(0, np.int64)
        rows = by_column([], none, none)
        nothing = Assessments(rows, np.zeros(0, np.uint8), np.zeros(0), np.zeros(0, np.int16), (), {})
        published = chunk.offsets.tolist() if publish else []
        alerts: list[Any] = [SimpleNamespace(alert_id=f"{self.partition}-{offset}") for offset in published]
        return Batch(len(chunk), nothing, [], alerts, 0, 0, {}, none)


class Log:
    """What every partition holds, what of it is poison, and a restorer that folds it in pieces."""

    def __init__(self, *poison: tuple[int, int]) -> None:
        self.poison = set(poison)
        self.error: Exception = KeyError("account-4711")
        self.is_ill_in_batches = False
        self.folds = 0
        self.restored: list[Mapping[int, int]] = []
        self.published: list[str] = []
        self.published_then: list[int] = []
        self.states: States

    async def restore(self, committed: Mapping[int, int], stands: Callable[[], bool]) -> None:
        await self.bring(committed, stands)

    async def bring(self, committed: Mapping[int, int], stands: Callable[[], bool]) -> None:
        self.restored.append(dict(committed))
        self.published_then.append(len(self.published))
        for partition, end in committed.items():
            if not stands():
                return
            state = self.states.get(partition) or self.states.make(partition)
            while stands() and state.position < end:
                piece = chunk(partition, state.position, min(state.position + 4, end) - 1)
                await self.states.run(state.fold, piece, publish=False)
                state.reach(piece)


class Bench:
    """A handler of two partitions over a log; what it publishes is kept."""

    def __init__(self, log: Log, *, limit: int = 10) -> None:
        poison = Poison(limit)
        make: Any = lambda partition, partitions, model: Brittle(log, partition)  # noqa: E731
        self.states = log.states = States(make, 2, AccountPlaces(Settings()), poison)
        self.metrics = Metrics()
        self.recovery = Recovery(self.states, log, poison)
        self.handler = Handler(self.states, self, self.metrics, self.recovery)
        self.alerts: list[str] = []
        self.letters: list[DeadLetter] = []
        self.is_down = False
        for partition in range(2):
            self.states.make(partition)

    async def send(self, alerts: Any, dead_letters: Any) -> None:
        if self.is_down:
            raise BrokerError("no answer")
        self.alerts += [alert.alert_id for _, alert in alerts]
        self.letters += dead_letters

    async def send_model(self, model: Any, artefact: Any, after: str) -> None:
        raise NotImplementedError

    async def handle(self, *chunks: Chunk) -> Handled:
        return await self.handler.handle(chunks)

    def state(self, partition: int) -> list[int]:
        pipeline: Any = self.states[partition].pipeline
        found: list[int] = pipeline.state
        return found


def chunk(partition: int, first: int, last: int) -> Chunk:
    return Chunk.of([record(partition, offset) for offset in range(first, last + 1)])


def record(partition: int, offset: int, timestamp_ms: int = 0) -> Record:
    return Record("t", partition, offset, timestamp_ms, None, b"x%d" % offset)


def offsets(partition: int, *wanted: range) -> list[str]:
    return [f"{partition}-{offset}" for part in wanted for offset in part]


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(scenario)


def test_the_culprit_alone_becomes_a_dead_letter_and_the_state_is_as_without_it() -> None:
    async def scenario() -> None:
        bench = Bench(Log((0, 13)))
        await bench.handle(chunk(0, 0, 9))
        await bench.handle(chunk(0, 10, 19))
        (letter,) = bench.letters
        assert (letter.record.offset, letter.record.value) == (13, b"x13")
        assert (letter.stage, letter.reason) == (Stage.PIPELINE, Refusal.INTERNAL)
        assert bench.state(0) == [*range(13), *range(14, 20)]
        assert bench.states[0].position == 20

    run(scenario())


def test_every_other_record_is_published_once_and_in_order() -> None:
    async def scenario() -> None:
        bench = Bench(Log((0, 13)))
        await bench.handle(chunk(0, 0, 9), chunk(1, 0, 3))
        await bench.handle(chunk(0, 10, 19), chunk(1, 4, 7))
        of_0 = [alert for alert in bench.alerts if alert.startswith("0-")]
        assert of_0 == offsets(0, range(13), range(14, 20))
        assert [alert for alert in bench.alerts if alert.startswith("1-")] == offsets(1, range(8))

    run(scenario())


def test_the_first_the_last_and_several_in_one_batch_and_in_two_partitions_are_found() -> None:
    async def scenario() -> None:
        bench = Bench(Log((0, 10), (0, 14), (0, 15), (0, 19), (1, 5)))
        await bench.handle(chunk(0, 0, 9), chunk(1, 0, 3))
        await bench.handle(chunk(0, 10, 19), chunk(1, 4, 7))
        found = [(letter.record.partition, letter.record.offset) for letter in bench.letters]
        assert found == [(0, 10), (0, 14), (0, 15), (0, 19), (1, 5)]
        assert bench.state(0) == [*range(10), *range(11, 14), *range(16, 19)]
        assert bench.state(1) == [0, 1, 2, 3, 4, 6, 7]
        assert (bench.states[0].position, bench.states[1].position) == (20, 8)
        assert len(bench.alerts) == len(set(bench.alerts)) == 28 - 5

    run(scenario())


def test_a_state_is_made_again_only_up_to_what_is_published() -> None:
    """Open episodes come back from the review topic."""

    async def scenario() -> None:
        log = Log((0, 13), (0, 17))
        bench = Bench(log)
        log.published = bench.alerts
        await bench.handle(chunk(0, 0, 9))
        await bench.handle(chunk(0, 10, 19))
        assert [at[0] for at in log.restored] == [10, 13, 17]
        assert log.published_then == [10, 13, 16]

    run(scenario())


def test_the_other_partitions_keep_their_states() -> None:
    async def scenario() -> None:
        bench = Bench(Log((0, 3)))
        other = bench.states[1]
        await bench.handle(chunk(1, 0, 4), chunk(0, 0, 5))
        assert bench.states[1] is other
        assert bench.state(1) == [0, 1, 2, 3, 4]

    run(scenario())


def test_no_snapshot_is_taken_of_a_state_that_was_made_again_before_what_came_of_the_batch_is_delivered() -> (
    None
):
    async def scenario() -> None:
        bench = Bench(Log((0, 9)))
        bench.is_down = True
        with pytest.raises(BrokerError):
            await bench.handle(chunk(0, 0, 9))
        assert not bench.states[0].is_whole
        bench.is_down = False
        bench.states.drop(0)
        bench.states.make(0)
        await bench.handle(chunk(0, 0, 9))
        assert bench.states[0].is_whole

    run(scenario())


def test_a_batch_that_fails_as_a_whole_only_is_handled_record_by_record_without_a_dead_letter() -> None:
    async def scenario() -> None:
        log = Log()
        bench = Bench(log)
        await bench.handle(chunk(0, 0, 0))
        log.is_ill_in_batches = True
        await bench.handle(chunk(0, 1, 5))
        assert bench.letters == []
        assert bench.alerts == offsets(0, range(6))
        assert bench.state(0) == list(range(6))

    run(scenario())


def test_poison_that_is_acknowledged_already_is_passed_when_a_state_is_restored_and_not_published_again() -> (
    None
):
    async def scenario() -> None:
        bench = Bench(Log((0, 0), (0, 6), (0, 7), (1, 9)))
        for partition in range(2):
            bench.states.drop(partition)
        await bench.recovery.restore({0: 12, 1: 10}, lambda: True)
        assert bench.state(0) == [*range(1, 6), *range(8, 12)]
        assert bench.state(1) == list(range(9))
        assert (bench.states[0].position, bench.states[1].position) == (12, 9 + 1)
        assert bench.letters == bench.alerts == []

    run(scenario())


def test_a_restore_that_is_not_wanted_any_more_ends_in_the_middle_of_looking_for_poison() -> None:
    async def scenario() -> None:
        log = Log((0, 6))
        bench = Bench(log)
        await bench.recovery.restore({0: 12}, lambda: len(log.restored) < 2)
        assert len(log.restored) <= 3

    run(scenario())


def test_a_piece_that_fails_as_a_whole_only_is_restored_record_by_record() -> None:
    async def scenario() -> None:
        log = Log()
        bench = Bench(log)
        log.is_ill_in_batches = True
        await bench.recovery.restore({0: 10, 1: 0}, lambda: True)
        assert bench.state(0) == list(range(10))

    run(scenario())


def test_poison_that_is_known_is_not_folded_again() -> None:
    async def scenario() -> None:
        log = Log((0, 3))
        bench = Bench(log)
        await bench.handle(chunk(0, 0, 9))
        bench.states.drop(0)
        before = len(log.restored)
        await bench.recovery.restore({0: 10, 1: 0}, lambda: True)
        assert len(log.restored) == before + 1
        assert bench.state(0) == [0, 1, 2, *range(4, 10)]

    run(scenario())


def test_too_much_poison_in_an_hour_ends_the_process_and_the_last_is_no_dead_letter() -> None:
    async def scenario() -> None:
        bench = Bench(Log((0, 2), (0, 11), (0, 12)), limit=2)
        await bench.handle(chunk(0, 0, 9))
        with pytest.raises(
            PoisonError, match=r"at most 2 records an hour.*found 3, .* partition 0, offset 12"
        ):
            await bench.handle(chunk(0, 10, 19))
        assert bench.alerts == offsets(0, range(2), range(3, 11))
        assert [letter.record.offset for letter in bench.letters] == [2, 11]

    run(scenario())


def test_an_hour_is_one_of_the_log() -> None:
    poison = Poison(1)
    poison.found(record(0, 1, timestamp_ms=0), None)
    poison.found(record(0, 2, timestamp_ms=HOUR_MS), None)
    with pytest.raises(PoisonError):
        poison.found(record(1, 7, timestamp_ms=HOUR_MS + 1), None)


def test_poison_met_again_counts_once() -> None:
    poison = Poison(1)
    for _ in range(3):
        poison.found(record(0, 1), None)
    with pytest.raises(PoisonError):
        poison.found(record(0, 2), None)


@pytest.mark.parametrize("error", [BrokerError("too many accounts in two partitions"), MemoryError()])
def test_what_is_no_records_fault_ends_the_process(error: Exception) -> None:
    async def scenario() -> None:
        log = Log((0, 3))
        log.error = error
        bench = Bench(log)
        with pytest.raises(type(error)):
            await bench.handle(chunk(0, 0, 9))
        assert log.restored == []

    run(scenario())


def test_poison_is_counted_among_the_records_and_the_dead_letters() -> None:
    async def scenario() -> None:
        bench = Bench(Log((0, 3)))
        handled = await bench.handle(chunk(0, 0, 9))
        bench.handler.report(replace(handled, parts=[]))
        found = read_sample(bench.metrics.expose().decode())
        assert found["fraudwatch_records_read_total"] == [({}, 1.0)]
        assert ({"stage": "pipeline", "reason": "internal"}, 1.0) in found["fraudwatch_dead_letters_total"]

    run(scenario())


def test_what_is_said_of_an_error_is_its_type_and_place_and_not_what_it_quotes() -> None:
    with pytest.raises(IndexError) as raised:
        Chunk.of([])
    said = place_of(raised.value)
    assert said.startswith("IndexError at fraudwatch/records.py:")
    assert place_of(KeyError("account-4711")) == "KeyError"


def test_intake_which_has_no_state_passes_poison_on_the_way() -> None:
    class Decoder:
        def decode(self, record: Record) -> list[Transaction]:
            if record.offset == 1:
                raise ValueError("account-4711")
            return [Transaction(str(record.offset), "a", 0, 100, "EUR")]

    parts = IntakeParts({"cards": Decoder()}, lambda t: t.transaction_id.encode(), lambda _: [])
    conversion = Conversion({"t": "cards"}, parts, "log", Poison(1))
    converted = conversion.convert([chunk(0, 0, 2)])
    assert [message.value for message in converted.messages] == [b"0", b"2"]
    (letter,) = converted.dead_letters
    assert (letter.record.offset, letter.reason) == (1, Refusal.INTERNAL)
    assert "4711" not in letter.detail
    assert converted.refusals == [("cards", "internal")]
    with pytest.raises(PoisonError):
        conversion.convert([chunk(1, 1, 1)])
