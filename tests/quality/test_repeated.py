"""A stream that is cut otherwise: nothing differs, and what would differ is counted."""

from datetime import date

import msgspec
import numpy as np
import pytest
import repeated
from prepared import simulated_settings, stream
from repeated import compared, differences, told

from fraudwatch.backtest import span
from fraudwatch.config.settings import Settings
from fraudwatch.simulate import Plan

PLAN = Plan(accounts=40, days=60, seed=4, cases_per_day=1.0)
TRAINED = span(date(2024, 1, 1), date(2024, 1, 30), "train")
CUTS = ((1, 2_000), (1, 377), (3, 2_000))


@pytest.fixture(scope="module")
def settings() -> Settings:
    return simulated_settings({"alerts.alerts_per_day": "1"})


@pytest.fixture(scope="module")
def rows() -> list[bytes]:
    return list(stream(PLAN))


def test_nothing_differs_however_a_stream_is_cut(settings: Settings, rows: list[bytes]) -> None:
    differing, alerts = compared("simulated", settings, TRAINED, lambda: rows, CUTS)
    assert (differing.value, alerts.value) == (0, 0)
    assert f"{len(rows):,} transactions" in differing.meaning
    assert "of 0 alerts" not in alerts.meaning


def test_what_is_said_otherwise_or_by_another_model_is_counted(settings: Settings, rows: list[bytes]) -> None:
    one = told(settings, TRAINED, rows, 1, 2_000)
    assert differences(one, one) == 0
    said = one.said.copy()
    said[[3, 900]] ^= np.uint64(1)
    assert differences(one, one._replace(said=said)) == 2
    assert differences(one, one._replace(model="another")) == len(rows)
    assert differences(one, one._replace(ids=one.ids[1:], said=one.said[1:])) == len(rows)


@pytest.mark.parametrize("column", ["score", "strongest", "outcome", "lane_surprises"])
def test_everything_that_is_said_counts(settings: Settings, rows: list[bytes], column: str) -> None:
    pipeline = repeated.folding.Folding(settings, "stream", train_span=TRAINED)
    *_, folded = pipeline.fold(rows)
    batch = folded.batch
    changed = getattr(batch.assessments, column).copy()
    changed[..., 7] += 1
    other = msgspec.structs.replace(
        batch, assessments=msgspec.structs.replace(batch.assessments, **{column: changed})
    )
    assert np.flatnonzero(repeated.said_of(batch) != repeated.said_of(other)).tolist() == [7]
