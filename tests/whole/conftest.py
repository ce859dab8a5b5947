"""The simulated stream as a real worker is given it, and what the quality gates compare whole streams with."""

import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from fraudwatch.broker.replay import Row
from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.simulate import Plan, messages

sys.path.insert(0, str(Path(__file__).parents[1] / "quality"))
import beside  # noqa: F401 (the plain forms of other tests)

CONFIGURATION = Path(__file__).parents[2] / "configs" / "simulated.yaml"
RECORDS = 12_000


@pytest.fixture
def simulated(kafka: str, unique_name: Callable[[str], str]) -> Callable[..., Settings]:
    """Settings on topics of their own; what a test tells beside."""

    def told(**more: str) -> Settings:
        name = unique_name("whole")
        own = ("review", "dead_letters", "dispositions", "models", "transactions", "snapshots")
        return load(
            CONFIGURATION,
            {},
            {
                "kafka.bootstrap_servers": kafka,
                "kafka.group": name,
                "kafka.session_timeout": "6s",
                "source.topic": f"{name}.source",
                "metrics.port": "0",
                **{f"topics.{topic}": f"{name}.{topic}" for topic in own},
                **more,
            },
        )

    return told


@pytest.fixture
def rows() -> list[Row]:
    found = islice(messages(Plan(accounts=150, days=60, seed=5)), RECORDS)
    return [Row(message.key, message.value, message.event_time_ms) for message in found]
