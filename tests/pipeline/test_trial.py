"""The trial of a model beside the one in use: what it shows, and that it is the same however records are cut."""

from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings
from fraudwatch.config.settings import Trial as TrialSettings
from fraudwatch.detection import Model
from fraudwatch.pipeline import Pipeline, TrainingSample, train
from fraudwatch.pipeline.compared import Comparison
from fraudwatch.records import Chunk, Record

DAY = 86_400_000


@pytest.fixture(scope="module")
def settings(configured: Settings) -> Settings:
    return replace(configured, trial=TrialSettings(span=Duration(2 * DAY), transactions=1_000, share=0.5))


@pytest.fixture(scope="module")
def refitted(settings: Settings, stream: list[Record]) -> Model:
    """On the first two thirds, where the one in use has seen the first half."""
    pipeline = Pipeline(settings)
    pipeline.fold(Chunk.of(stream[: 2 * len(stream) // 3]))
    return train(settings, pipeline.training)


@pytest.fixture(scope="module")
def astray(settings: Settings, stream: list[Record]) -> Model:
    """Fitted on transactions of which all are small: whatever is usual is extreme to it."""
    pipeline = Pipeline(settings)
    pipeline.fold(Chunk.of(stream[: len(stream) // 2]))
    blocks = pipeline.training.state()
    rows = blocks["rows"]
    blocks["rows"] = rows[np.argsort(np.nan_to_num(rows[:, 0]))][: len(rows) // 5].copy()
    blocks["lots"] = blocks["lots"][: len(blocks["rows"])].copy()
    return train(settings, TrainingSample.of(settings.training, blocks))


Try = Callable[..., tuple[Pipeline, Comparison]]


@pytest.fixture
def tried(settings: Settings, model: Model, stream: list[Record]) -> Try:
    """Folds the half that the model in use has not seen, beside a candidate."""

    def go(candidate: Model, batch: int = 1_000) -> tuple[Pipeline, Comparison]:
        pipeline = Pipeline(settings, model=model)
        half = len(stream) // 2
        pipeline.fold(Chunk.of(stream[:half]))
        pipeline.try_out(candidate)
        assert pipeline.trial is not None
        for begin in range(half, len(stream), batch):
            pipeline.fold(Chunk.of(stream[begin : begin + batch]))
        found = pipeline.trial.concluded({0: pipeline.trial.report()})
        assert found is not None
        return pipeline, found

    return go


def test_a_model_beside_itself_agrees_with_itself(tried: Try, model: Model, settings: Settings) -> None:
    pipeline, found = tried(model)
    assert pipeline.trial is not None
    assert pipeline.trial.is_over
    assert found.overlap == 1.0
    assert found.psi == found.psi_in_use
    assert found.objections(settings.trial) == []


def test_a_model_of_the_same_stream_is_let_in(tried: Try, refitted: Model, settings: Settings) -> None:
    _, found = tried(refitted)
    assert found.objections(settings.trial) == []
    assert 0.3 <= found.overlap <= 1.0
    assert found.transactions >= 1_000
    assert found.days >= 2.0


def test_a_model_that_has_learned_something_else_is_kept_out_and_why_is_said(
    tried: Try, astray: Model, settings: Settings
) -> None:
    _, found = tried(astray)
    objections = found.objections(settings.trial)
    assert any("not those of its own sample" in objection for objection in objections)


@pytest.mark.parametrize("batch", [1, 37, 5_000])
def test_the_same_comes_out_however_records_are_cut(tried: Try, refitted: Model, batch: int) -> None:
    assert tried(refitted, batch)[1] == tried(refitted, 1_000)[1]


def test_nothing_else_changes_while_a_model_is_tried(
    settings: Settings, model: Model, astray: Model, stream: list[Record]
) -> None:
    alone, beside = Pipeline(settings, model=model), Pipeline(settings, model=model)
    beside.try_out(astray)
    batches = [pipeline.fold(Chunk.of(stream[:6_000])) for pipeline in (alone, beside)]
    assert len(batches[0].alerts) > 0
    assert batches[0].alerts == batches[1].alerts
    assert batches[0].assessments.score.tobytes() == batches[1].assessments.score.tobytes()


def test_another_model_in_use_ends_the_trial_and_the_same_one_does_not(
    settings: Settings, model: Model, refitted: Model
) -> None:
    pipeline = Pipeline(settings, model=model)
    pipeline.try_out(refitted)
    pipeline.use(model)
    assert pipeline.trial is not None
    pipeline.use(refitted)
    assert pipeline.trial is None


def test_without_a_model_in_use_there_is_nothing_to_compare(settings: Settings, model: Model) -> None:
    pipeline = Pipeline(settings)
    pipeline.try_out(model)
    assert pipeline.trial is None


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"psi": 0.3}, "PSI 0.30, limit 0.25"),
        ({"overlap": 0.1}, "10% of the account-days"),
        ({"alert_rate": 9.0}, "9 times the alerts"),
        ({"alert_rate": 0.05}, "0.05 times the alerts"),
        ({"psi_in_use": 5.0}, None),
    ],
)
def test_each_limit_keeps_out_by_itself(change: dict[str, float], objection: str | None) -> None:
    good = Comparison("v", 5_000, 1.0, psi=0.1, psi_in_use=0.1, overlap=0.8, alert_rate=1.0, account_days=20)
    found = replace(good, **change).objections(TrialSettings())
    assert len(found) == (objection is not None)
    assert objection is None or objection in found[0]
