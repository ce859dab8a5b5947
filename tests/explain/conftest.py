"""A small simulated stream, a model of its first half, and moments of its second: just before a transaction."""

import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Alerts, Detection, Settings, Training
from fraudwatch.detection import Model
from fraudwatch.explain import Explanation
from fraudwatch.pipeline import Pipeline, train
from fraudwatch.records import NO_TIMESTAMP, Chunk, Record
from fraudwatch.simulate import Plan, rows

sys.path.insert(0, str(Path(__file__).parent))

from asking import DAY, Before, before_each


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings(
        alerts=Alerts(alerts_per_day=6, explore=0.2),
        detection=Detection(detectors=("hbos", "pca")),
        training=Training(min_transactions=2_000, min_span=Duration(7 * DAY)),
    )


@pytest.fixture(scope="session")
def stream() -> list[Record]:
    plan = Plan(accounts=120, days=22, seed=5, start=date(2024, 3, 1), cases_per_day=3.0)
    return [Record("t", 0, offset, NO_TIMESTAMP, None, row) for offset, row in enumerate(rows(plan))]


@pytest.fixture(scope="session")
def model(settings: Settings, stream: list[Record]) -> Model:
    pipeline = Pipeline(settings)
    pipeline.fold(Chunk.of(stream[: len(stream) // 2]))
    return train(settings, pipeline.training)


@pytest.fixture(scope="session")
def moments(settings: Settings, model: Model, stream: list[Record]) -> list[Before]:
    """Alerts of both queues, what joined one, samples, what came near to an edge, and what is nothing special."""
    half = len(stream) // 2
    pipeline = Pipeline(settings)
    pipeline.fold(Chunk.of(stream[:half]))
    pipeline.use(model)
    batch = pipeline.fold(Chunk.of(stream[half:]))
    found = batch.assessments
    opened = [alert for alert in batch.alerts if alert.kind == "alert"]
    rows = {int(offset): row for row, offset in enumerate(found.transactions.offsets)}
    chosen: set[int] = set()
    for queue, is_sample, most in (("amount", False, 3), ("typology", False, 3), ("amount", True, 1)):
        of = [alert for alert in opened if (alert.queue, alert.sample) == (queue, is_sample)]
        chosen |= {alert.episode.transactions[0].position.offset for alert in of[-most:]}
    joined = [half + row for row in found.alert_ids if half + row not in chosen]
    by_score = np.argsort(np.nan_to_num(found.score, nan=-99.0))[::-1]
    below = [half + row for row in by_score.tolist() if row not in found.alert_ids]
    chosen |= {*joined[-2:], *below[:2], *below[200:800:300]}
    assert all(offset - half in rows.values() for offset in chosen)
    return before_each(settings, model, stream, sorted(chosen), begin=half)


@pytest.fixture(scope="session")
def explanations(moments: list[Before]) -> list[tuple[Before, Explanation]]:
    return [(before, before.explanation()) for before in moments]
