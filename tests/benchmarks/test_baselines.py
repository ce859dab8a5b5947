"""The comparison is honest: what the ordinary programs compute is what the product computes."""

import importlib
from pathlib import Path

import end_to_end
import joblib
import msgspec
import numpy as np
import pytest
from end_to_end import Run
from ordinary import FEATURES, Job, Model
from prepared import (
    Fitted,
    chunks,
    fitted,
    fold,
    ordinary_model,
    simulated_settings,
    stream,
    write_ordinary_model,
)
from reporting import as_json, busy
from run import not_for_quoting, text, whole
from scale import FULL, QUICK, TINY

from fraudwatch.config.settings import Settings
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Outcome
from fraudwatch.simulate import Plan

PLAN = Plan(accounts=40, days=60, seed=4, cases_per_day=1.0)
FITTED_ON = Plan(accounts=40, days=60, seed=5, cases_per_day=1.0)
RECORDS = 3_000
OFFLINE = ("pipeline_stages", "scorers", "memory")


@pytest.fixture(scope="module")
def settings() -> Settings:
    return simulated_settings({"alerts.alerts_per_day": "1"})


@pytest.fixture(scope="module")
def fit(settings: Settings) -> Fitted:
    return fitted(settings, stream(FITTED_ON, RECORDS))


@pytest.fixture(scope="module")
def job(fit: Fitted, tmp_path_factory: pytest.TempPathFactory) -> Job:
    path = tmp_path_factory.mktemp("model") / "model.joblib"
    write_ordinary_model(path, ordinary_model(fit, records_per_day=75, alerts_per_day=1))
    return Job(Model.read(path))


def test_the_ordinary_job_scores_every_transaction_as_the_product_does(
    settings: Settings, fit: Fitted, job: Job
) -> None:
    values = list(stream(PLAN, RECORDS))
    pipeline = Pipeline(settings, model=fit.model)
    batches = [fold(pipeline, chunk) for chunk in chunks(values)]
    score = np.concatenate([batch.assessments.score for batch in batches])
    outcome = np.concatenate([batch.assessments.outcome for batch in batches])

    observed = [job.observe(value) for value in values]
    is_scored = np.array([each is not None for each in observed])
    assert (is_scored == (outcome == Outcome.SCORED.value)).all()
    rows = np.array([each.values for each in observed if each is not None])
    ordinary, contributions = job.model.judge(rows)
    assert len(ordinary) > 2_500
    is_equal = np.isclose(ordinary, score[is_scored], rtol=0.0, atol=1e-8)
    # Two ways to compute a value differ in its last bit, and now and then a band of evidence begins between the two.
    assert is_equal.mean() > 0.997
    np.testing.assert_allclose(ordinary, score[is_scored], rtol=0.0, atol=0.5)
    np.testing.assert_allclose(contributions.sum(axis=1), ordinary)


def test_the_ordinary_job_alerts_at_its_edge_and_names_the_reasons(job: Job) -> None:
    fresh = Job(job.model)
    alerts = fresh.take(stream(PLAN, RECORDS))
    assert 0 < len(alerts) == fresh.counts["alerts"] < RECORDS / 20
    assert all(key.startswith(b"A") and b'"reasons":' in value for key, value in alerts)


def test_a_record_that_comes_again_is_not_counted_twice(job: Job) -> None:
    fresh = Job(job.model)
    values = list(stream(PLAN, 200))
    fresh.take([*values, *values])
    assert fresh.counts["duplicates"] == 200
    assert sum(account.total for account in fresh.accounts.values()) == 200


def test_a_judged_feature_that_the_ordinary_job_lacks_is_refused(
    fit: Fitted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prepared.FEATURES", FEATURES[:-1])
    with pytest.raises(ValueError, match="new_24h_excess"):
        ordinary_model(fit, records_per_day=75, alerts_per_day=1)


def test_the_model_for_the_ordinary_job_is_a_file_of_arrays_and_pyod_objects(
    fit: Fitted, tmp_path: Path
) -> None:
    plain = ordinary_model(fit, records_per_day=75, alerts_per_day=1)
    write_ordinary_model(tmp_path / "model", plain)
    _, detectors, *_ = joblib.load(tmp_path / "model")
    assert [type(pyod).__module__.split(".")[0] for *_, pyod in detectors] == ["pyod"] * 3


def test_the_json_object_has_the_promised_keys() -> None:
    found = {name: importlib.import_module(name).measure(TINY) for name in OFFLINE}
    told = msgspec.json.decode(as_json(whole({"python": "3"}, TINY, found)))
    assert set(told) == {"versions", "for_quoting", *OFFLINE}
    assert told["for_quoting"] is False
    stages = told["pipeline_stages"]["uniform"]["50"]
    assert all(stages[name] > 0 for name in ("decode", "features", "detection", "alerts", "total"))
    assert {"isolation_forest", "hbos", "pca"} <= set(told["scorers"])
    assert all(each["largest_difference"] < 1e-9 for each in told["scorers"].values())
    assert told["memory"]["bytes_per_account"]["arrays"] > 0


def test_end_to_end_names_all_four_and_leaves_empty_what_is_not_installed() -> None:
    runs = {name: [Run(rate, 2.0, 100, 1.0)] for name, rate in (("fraudwatch", 300.0), ("floor", 900.0))}
    told = msgspec.json.decode(as_json(end_to_end.answer(runs, TINY).figures))
    assert told["end_to_end"] == {
        "fraudwatch": 300.0,
        "stock_faust": None,
        "quixstreams": None,
        "floor": 900.0,
    }
    assert told["end_to_end_ratios"]["floor"] == pytest.approx(1 / 3, abs=1e-4)


def test_a_short_run_and_a_busy_machine_are_said_above_every_table() -> None:
    runs = {name: [Run(1.0, 2.0, 100, 1.0)] for name in ("fraudwatch", "stock_faust", "quixstreams", "floor")}
    warnings = [not_for_quoting(TINY), busy(1.7)]
    told = text({"python": "3"}, warnings, {"end_to_end": end_to_end.answer(runs, TINY)})
    assert all(warning in told.partition("1. End to end")[0] for warning in warnings)
    assert not_for_quoting(FULL) is None
    assert busy(0.1) is None


def test_the_scale_of_make_bench_keeps_what_the_issue_asks_for() -> None:
    assert FULL.is_for_quoting
    assert not QUICK.is_for_quoting
    assert {1_000, 100_000, 1_000_000} == set(FULL.states)
    assert FULL.batches == (1, 32, 512, 4_096)
    assert FULL.rates == (1_000, 5_000, 20_000)
