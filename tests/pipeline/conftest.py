"""A small simulated stream, and a model fitted on its first weeks."""

from datetime import date

import pytest

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Alerts, Detection, Settings, Training
from fraudwatch.detection import Model
from fraudwatch.pipeline import Pipeline, train
from fraudwatch.records import NO_TIMESTAMP, Chunk, Record
from fraudwatch.simulate import Plan, rows

DAY = 86_400_000


@pytest.fixture(scope="session")
def configured() -> Settings:
    return Settings(
        alerts=Alerts(alerts_per_day=8),
        training=Training(min_transactions=2_000, min_span=Duration(7 * DAY)),
        detection=Detection(),
    )


@pytest.fixture(scope="session")
def stream() -> list[Record]:
    plan = Plan(accounts=300, days=24, seed=5, start=date(2024, 3, 1), cases_per_day=3.0)
    return [Record("t", 0, offset, NO_TIMESTAMP, None, row) for offset, row in enumerate(rows(plan))]


@pytest.fixture(scope="session")
def model(configured: Settings, stream: list[Record]) -> Model:
    pipeline = Pipeline(configured)
    pipeline.fold(Chunk.of(stream[: len(stream) // 2]))
    return train(configured, pipeline.training)
