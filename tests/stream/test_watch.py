"""Whoever watches a topic that is deleted ends; whoever gets no answer goes on asking."""

import asyncio
from typing import Any

import pytest

from fraudwatch.errors import BrokerError
from fraudwatch.stream import watch


class Cluster:
    """Answers with these topics, one answer after the other; None is no answer."""

    def __init__(self, *answers: set[str] | None) -> None:
        self.answers = list(answers)

    async def topics(self) -> set[str]:
        answer = self.answers.pop(0)
        if answer is None:
            await asyncio.sleep(60)
        assert answer is not None
        return answer


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "ANSWER_SECONDS", 0.01)
    monkeypatch.setattr(watch, "LOOK_EVERY_SECONDS", 0.0)


def ask(*answers: set[str] | None) -> Any:
    asyncio.run(watch._require(["payments", "cards"], Cluster(*answers)))


def test_a_topic_that_is_missing_twice_was_deleted() -> None:
    with pytest.raises(BrokerError, match="expected to go on reading cards, found that it was deleted"):
        ask({"payments"}, {"payments", "other"})


@pytest.mark.parametrize(
    "answers", [[{"payments", "cards"}], [set(), {"payments", "cards"}], [None], [set(), None]]
)
def test_a_topic_that_is_there_or_not_spoken_of_was_not(answers: list[set[str] | None]) -> None:
    ask(*answers)
