"""A model fitted anew: tried, put in use or kept out, by one worker for all, and what a person decides above it."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from fraudwatch.broker.models import Versions, choose, versions
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings, Trial
from fraudwatch.detection.versions import (
    Bytes,
    Decision,
    Messages,
    Register,
    candidate_messages,
    chosen,
    decided,
    pointer_to,
    reported,
    to_messages,
)
from fraudwatch.errors import ArtefactError, BrokerError
from fraudwatch.metrics import Metrics, read_sample
from fraudwatch.stream.trials import REPORT_EVERY_SECONDS, Trials

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]


class FakeModel(msgspec.Struct):
    version: str
    span_ms: tuple[int, int] = (0, 1)


class FakeComparison(msgspec.Struct):
    bad: float

    def objections(self, limits: Trial) -> list[str]:
        return ["it is a bad one"] if self.bad else []


class FakeTrial:
    """Enough once the report of partition 0 says that it is over."""

    def __init__(self, candidate: FakeModel) -> None:
        self.candidate = candidate
        self.progress = 0.5
        self.is_over = False
        self.bad = 0.0
        self.changes = {("newly", "amount"): 2}

    def report(self) -> bytes:
        return b"over" if self.is_over else b"running"

    def concluded(self, messages: dict[int, bytes]) -> FakeComparison | None:
        return FakeComparison(self.bad) if messages.get(0) == b"over" else None


def artefact(version: str) -> Bytes:
    return Bytes(b"m", version.encode())


class FakeStates(dict[int, Any]):
    """By partition, beside the model in use."""

    def __init__(self, model: FakeModel, held: dict[int, Any]) -> None:
        super().__init__(held)
        self.model = model

    @property
    def held(self) -> list[Any]:
        return list(self.values())


class Desk:
    """Trials of a worker that owns partition 0, whose messages come back at once; what it decides later, if slow."""

    def __init__(self, partition: int = 0) -> None:
        self.now = 7.0
        self.register = Register()
        self.sent: Messages = []
        self.held_back: Messages = []
        self.is_slow = self.is_down = self.is_down_for_decisions = False
        self.metrics = Metrics()
        self.pipeline = SimpleNamespace(trial=None, try_out=self.try_out)
        state = SimpleNamespace(partition=partition, pipeline=self.pipeline)
        self.states: Any = FakeStates(FakeModel("v1"), {partition: state})
        self.take(to_messages("v1", artefact("v1")))
        self.trials = Trials(
            Settings(), self.states, self, self.between, self.tell, self.metrics, clock=lambda: self.now
        )

    def take(self, messages: Messages) -> None:
        for key, value in messages:
            self.register.add(key, value)

    async def load(self, pointer: Any) -> FakeModel:
        if pointer.version == "torn":
            raise ArtefactError("chunk 1 is missing")
        return FakeModel(pointer.version, (0, 5))

    async def between(self, look: Callable[[], Any]) -> Any:
        return look()

    async def tell(self, messages: Messages) -> None:
        is_decision = b"/trial-" not in messages[0][0]
        if self.is_down or (self.is_down_for_decisions and is_decision):
            raise BrokerError("no answer")
        self.sent += messages
        if self.is_slow and is_decision:
            self.held_back += messages
        else:
            self.take(messages)

    def try_out(self, candidate: FakeModel | None) -> None:
        self.pipeline.trial = candidate and FakeTrial(candidate)

    async def look(self) -> None:
        """Until nothing is due any more."""
        for _ in range(8):
            self.trials.consider()
            for _ in range(4):
                await asyncio.sleep(0)

    def over(self, *, bad: bool = False) -> None:
        self.pipeline.trial.is_over = True
        self.pipeline.trial.bad = float(bad)

    def count(self, decision: str) -> float:
        sample = read_sample(self.metrics.expose().decode())["fraudwatch_model_decisions_total"]
        return {labels["decision"]: value for labels, value in sample}[decision]

    def trial_alerts(self) -> dict[tuple[str, str], float]:
        samples = read_sample(self.metrics.expose().decode()).get("fraudwatch_trial_alerts", [])
        return {(labels["change"], labels["queue"]): value for labels, value in samples}


def run(scenario: Any) -> None:
    asyncio.run(scenario())


def test_a_candidate_is_tried_and_put_in_use_once_its_trial_is_over() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.take(candidate_messages("v2", artefact("v2")))
        await desk.look()
        assert desk.trials.progress == ("v2", 0.5)
        assert desk.sent == [(b"v2/trial-0", b"running")]
        assert desk.trial_alerts()["newly", "amount"] == 2
        desk.over()
        await desk.look()
        assert desk.register.in_use == pointer_to("v2", artefact("v2"))
        expected = Decision(
            "v2", True, "trainer", 7_000, "within all limits of its trial", "v1", 5, {"bad": 0.0}
        )
        assert desk.register.decisions["v2"] == expected
        assert desk.trials.candidate is None
        assert desk.trials.trained_until_ms == 5
        assert (desk.count("promoted"), desk.count("kept_out")) == (1, 0)
        assert desk.trial_alerts() == {}

    run(scenario)


def test_a_bad_one_is_kept_out_with_the_reason() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.take(candidate_messages("v2", artefact("v2")))
        await desk.look()
        desk.over(bad=True)
        await desk.look()
        assert desk.register.in_use == pointer_to("v1", artefact("v1"))
        decision = desk.register.decisions["v2"]
        assert (decision.promoted, decision.note) == (False, "it is a bad one")
        assert desk.pipeline.trial is None
        assert (desk.count("promoted"), desk.count("kept_out")) == (0, 1)

    run(scenario)


def test_one_that_cannot_be_used_is_kept_out() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.take(candidate_messages("torn", artefact("torn")))
        await desk.look()
        assert "cannot be used: chunk 1 is missing" in desk.register.decisions["torn"].note

    run(scenario)


def test_a_decision_is_told_once_however_late_it_comes_back() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.is_slow = True
        desk.take(candidate_messages("v2", artefact("v2")))
        await desk.look()
        desk.over()
        await desk.look()
        told = len(desk.sent)
        await desk.look()
        assert len(desk.sent) == told > 0
        assert desk.pipeline.trial is None
        assert desk.register.in_use == pointer_to("v1", artefact("v1"))
        desk.take(desk.held_back)
        assert desk.register.in_use == pointer_to("v2", artefact("v2"))

    run(scenario)


def test_what_could_not_be_told_is_decided_again() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.take(candidate_messages("v2", artefact("v2")))
        await desk.look()
        desk.over()
        desk.is_down_for_decisions = True
        await desk.look()
        assert desk.register.decisions == {}
        desk.is_down_for_decisions = False
        await desk.look()
        assert desk.register.decisions["v2"].promoted

    run(scenario)


def test_a_person_who_chooses_meanwhile_has_the_last_word() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.take(candidate_messages("v2", artefact("v2")))
        await desk.look()
        desk.over()
        desk.is_slow = True
        await desk.look()  # decided, and on its way
        desk.take(chosen(pointer_to("v1", artefact("v1")), choice="ada's"))
        desk.take(desk.held_back)
        assert desk.register.in_use is not None
        assert desk.register.in_use.version == "v1"

    run(scenario)


def test_a_report_that_could_not_be_told_is_told_again() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.take(candidate_messages("v2", artefact("v2")))
        desk.is_down = True
        await desk.look()
        desk.is_down = False
        await desk.look()
        assert desk.sent == []  # not at once
        desk.now += REPORT_EVERY_SECONDS
        await desk.look()
        assert desk.sent == [(b"v2/trial-0", b"running")]
        desk.now += REPORT_EVERY_SECONDS
        await desk.look()
        assert len(desk.sent) == 1  # nothing is new

    run(scenario)


def test_whoever_holds_other_partitions_tells_of_them_and_leaves_the_decision_to_the_trainer() -> None:
    async def scenario() -> None:
        desk = Desk(partition=3)
        desk.take(candidate_messages("v2", artefact("v2")))
        await desk.look()
        desk.over()
        desk.take(reported("v2", 0, b"over"))
        await desk.look()
        assert desk.sent == [(b"v2/trial-3", b"running"), (b"v2/trial-3", b"over")]
        desk.take(decided(Decision("v2", False, "trainer", 1, "too far")))
        await desk.look()
        assert desk.pipeline.trial is None
        assert desk.trial_alerts() == {}
        desk.take(candidate_messages("torn", artefact("torn")))
        await desk.look()
        assert len(desk.sent) == 2

    run(scenario)


def test_at_the_end_of_the_worker_nothing_is_begun_any_more() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.take(candidate_messages("v2", artefact("v2")))
        await desk.trials.close()
        await desk.look()
        assert desk.pipeline.trial is None

    run(scenario)


def test_what_was_reported_beside_another_model_begins_anew() -> None:
    async def scenario() -> None:
        desk = Desk()
        desk.take(candidate_messages("v2", artefact("v2")))
        await desk.look()
        first = desk.pipeline.trial
        desk.pipeline.trial = None  # as `Pipeline.use` does with another model
        await desk.look()
        assert desk.pipeline.trial is not first
        assert desk.sent == [(b"v2/trial-0", b"running")] * 2

    run(scenario)


@pytest.fixture
def refitting(settings: Settings) -> Settings:
    """Every 200 records, each a millisecond of event time; a trial takes 100."""
    training = replace(settings.training, min_transactions=100, refit_every=Duration(200))
    return replace(settings, training=training, trial=Trial(transactions=100))


def known(settings: Settings) -> Versions:
    return versions(settings)


def promoted(settings: Settings) -> list[str]:
    return [one.version for one in known(settings).all if one.state in ("in use", "replaced")]


def feed_until(
    worker: Any, broker: Any, numbered: Numbered, condition: Callable[[], bool], records: int = 20
) -> None:
    """Records, as long as something is to come about."""

    def came_about() -> bool:
        broker.send(numbered(1, records))
        return condition()

    worker.until(came_about, 60)


def test_a_worker_refits_tries_and_promotes_and_a_rollback_and_a_restart_keep_what_was_decided(
    refitting: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(2)  # one of which stays empty
    worker = start(refitting)
    worker.until(lambda: worker.is_ready)
    feed_until(worker, broker, numbered, lambda: len(promoted(refitting)) == 2)
    first, second = promoted(refitting)
    assert set(known(refitting).register.trials[second]) == {0, 1}
    worker.until(lambda: f"model {second} is in use" in worker.said)
    assert f"model {second} is on trial beside the one in use" in worker.said
    assert known(refitting).named(second).decision is not None
    assert worker.shows('fraudwatch_model_decisions_total{decision="promoted"} 1.0')
    assert worker.shows('fraudwatch_fits_total{occasion="schedule"} 1.0')

    topic = known(refitting)
    choose(refitting, topic.pointer(topic.before), who="ada", note="too many", at_ms=1, before="")
    worker.until(lambda: f"model {first}" in worker.ask("/ready")[1])
    assert worker.end() == 0
    again = start(refitting)
    again.until(lambda: again.is_ready)
    assert f"model {first}" in again.ask("/ready")[1]
    decision = known(refitting).named(first).decision
    assert decision is not None
    assert (decision.by, decision.note) == ("ada", "too many")


def test_a_bad_model_is_tried_and_kept_out_and_a_restart_does_not_try_it_again(
    refitting: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    refitting = replace(refitting, training=replace(refitting.training, sample=777))
    worker = start(refitting)
    worker.until(lambda: worker.is_ready)

    def is_kept_out() -> bool:
        return any(one.state == "kept out" for one in known(refitting).all)

    feed_until(worker, broker, numbered, is_kept_out)
    (first,) = promoted(refitting)
    bad = next(one for one in known(refitting).all if one.state == "kept out")
    assert bad.decision is not None
    assert bad.decision.note == "it is a bad one"
    worker.until(lambda: f"model {bad.version} is kept out: it is a bad one" in worker.said)
    assert worker.shows('fraudwatch_model_decisions_total{decision="kept_out"} 1.0')
    assert f"model {first}" in worker.ask("/ready")[1]
    assert worker.end() == 0
    again = start(refitting)
    again.until(lambda: again.is_ready)
    broker.send(numbered(1, 50))
    again.until(lambda: bool(again.lines("live")))
    assert f"model {first}" in again.ask("/ready")[1]
    assert f"model {bad.version} is on trial" not in again.said
