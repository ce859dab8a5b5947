"""A detector that PyOD itself scores: a worker says so when it takes the model up, and judges as the backtest does."""

import logging
from itertools import islice
from pathlib import Path

import pytest

from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.pipeline import Pipeline, TrainingSample, train_artefact
from fraudwatch.records import Chunk, Record
from fraudwatch.simulate import Plan, messages
from fraudwatch.stream.real import real_parts

CONFIGURATION = Path(__file__).parents[2] / "configs" / "simulated.yaml"
RECORDS = 4_000


def told(detectors: str) -> Settings:
    return load(CONFIGURATION, environ={}, overrides={"detection.detectors": detectors})


@pytest.fixture(scope="module")
def chunk() -> Chunk:
    stream = islice(messages(Plan(accounts=60, days=90, seed=3)), RECORDS)
    return Chunk.of(
        [Record("log", 0, offset, -1, each.key, each.value) for offset, each in enumerate(stream)]
    )


def taken_up(settings: Settings, chunk: Chunk) -> Model:
    sample = TrainingSample(settings.training)
    Pipeline(settings, training=sample).fold(chunk)
    model = real_parts(settings).load(train_artefact(settings, sample))
    assert isinstance(model, Model)
    return model


def test_a_worker_says_what_has_no_compiled_form_and_what_it_costs(
    chunk: Chunk, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        taken_up(told("[hbos, lof, ocsvm]"), chunk)
    (said,) = [record.getMessage() for record in caplog.records if "compiled form" in record.getMessage()]
    assert "no compiled form of lof and ocsvm: PyOD's decision_function" in said


def test_of_compiled_detectors_nothing_is_said(chunk: Chunk, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        taken_up(told("[hbos]"), chunk)
    assert not [record for record in caplog.records if "compiled form" in record.getMessage()]


def test_what_it_judges_is_the_same_however_the_records_were_cut(chunk: Chunk) -> None:
    settings = told("[lof]")
    model = taken_up(settings, chunk)
    whole = Pipeline(settings, model=model).fold(chunk).assessments.score[-300:]
    pipeline = Pipeline(settings, model=model)
    pieces = [pipeline.fold(chunk.part(begin, begin + 37)) for begin in range(0, RECORDS, 37)]
    scores = [score for piece in pieces for score in piece.assessments.score.tolist()]
    assert scores[-300:] == pytest.approx(whole.tolist(), abs=0, nan_ok=True)
