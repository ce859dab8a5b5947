"""Lifts learned between two fits: sent once, as a small version, and never over a person's choice."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

from fraudwatch.detection import npz
from fraudwatch.detection.versions import (
    Bytes,
    Messages,
    Register,
    candidate_messages,
    chosen,
    to_messages,
)
from fraudwatch.errors import BrokerError
from fraudwatch.stream.feeding import Feeder

FITTED = Bytes(b"m", npz.encode({"combiner.c": np.zeros(2), "kept": np.ones(3)}))


class FakeModel(msgspec.Struct):
    version: str
    fit: str = "v0"
    fed_until_ms: int = 0


class Work:
    """A worker's model, the topic it reads and what its first partition has counted."""

    def __init__(self, *, is_shadow: bool = False) -> None:
        self.register = Register()
        self.take(to_messages("v0", FITTED))
        self.used: list[Any] = []
        self.sent: list[Messages] = []
        self.is_broken = False
        self.states = SimpleNamespace(model=FakeModel("v0"), run=self._run)
        self.lifts = SimpleNamespace(fit="v0", until_ms=7, is_due=True, fed=lambda: FakeModel("fed", "v0", 7))
        self.state: Any = SimpleNamespace(pipeline=SimpleNamespace(lifts=self.lifts))
        parts: Any = SimpleNamespace(
            pack_change=lambda model: Bytes(b"n", npz.encode({"combiner.c": np.ones(2)}))
        )
        self.feeder = Feeder(
            parts,
            self.states,  # type: ignore[arg-type]
            self._use,
            None if is_shadow else self,  # type: ignore[arg-type]
            None if is_shadow else self._tell,
        )

    async def _run(self, function: Any) -> Any:
        return function()

    async def _use(self, model: Any, artefact: Any, after: str) -> None:
        self.used.append(model.version)

    async def _tell(self, messages: Messages) -> None:
        if self.is_broken:
            raise BrokerError("gone")
        self.sent.append(messages)

    def take(self, messages: Messages) -> None:
        """What was sent is read."""
        for key, value in messages:
            self.register.add(key, value)

    def feed(self) -> None:
        asyncio.run(self.feeder.feed(self.state))

    @property
    def is_due(self) -> bool:
        return self.feeder.is_due(self.state)


def test_what_is_due_is_sent_once_and_on_record() -> None:
    work = Work()
    assert work.is_due
    work.feed()
    assert not work.is_due
    work.take(work.sent[0])
    assert work.register.in_use is not None
    assert (work.register.in_use.version, work.register.in_use.fitted) == ("fed", "v0")
    assert npz.decode(work.register.shelf.artefact(work.register.in_use).arrays)["combiner.c"].tolist() == [
        1,
        1,
    ]
    decision = work.register.decisions["fed"]
    assert (decision.promoted, decision.by, decision.before) == (True, "trainer", "v0")
    assert decision.note == "its lifts are learned until 1970-01-01 00:00"
    work.lifts.until_ms = 8
    assert not work.is_due  # the one before is not in use here yet
    work.states.model = FakeModel("fed")
    assert work.is_due


def test_it_is_tried_again_where_it_could_not_be_sent() -> None:
    work = Work()
    work.is_broken = True
    with pytest.raises(BrokerError):
        work.feed()
    assert work.is_due


def test_nothing_is_fed_while_a_model_is_on_trial() -> None:
    work = Work()
    work.take(candidate_messages("v1", FITTED))
    assert not work.is_due


def test_nothing_is_fed_over_a_persons_choice_of_earlier_lifts() -> None:
    work = Work()
    work.feed()
    work.take(work.sent[0])
    work.take(chosen(work.register.pointers["v0"], choice="x"))
    work.lifts.until_ms = 8
    assert not work.is_due


def test_nothing_is_sent_where_another_fit_came_in_use_meanwhile() -> None:
    work = Work()
    work.take(to_messages("v1", FITTED))
    work.feed()
    assert work.sent == []


def test_without_news_or_a_model_nothing_is_due() -> None:
    work = Work()
    work.lifts.is_due = False
    assert not work.is_due
    work.lifts.is_due, work.states.model = True, None
    assert not work.is_due


def test_in_shadow_the_worker_uses_it_itself() -> None:
    work = Work(is_shadow=True)
    assert work.is_due
    work.feed()
    assert work.used == ["fed"]
