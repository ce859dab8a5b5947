"""The trial of a model beside the one in use: what it shows, and that it is the same however records are cut."""

import dataclasses
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from zlib import crc32

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from fraudwatch.alerts import differences
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings
from fraudwatch.config.settings import Trial as TrialSettings
from fraudwatch.detection import Model
from fraudwatch.detection.model import episode_tails
from fraudwatch.pipeline import Pipeline, TrainingSample, compared, train
from fraudwatch.pipeline.compared import Comparison, Highest, compare, read_report
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
    """Folds what the model in use has not seen, beside a candidate, until its trial is over."""

    def go(candidate: Model, batch: int = 1_000) -> tuple[Pipeline, Comparison]:
        pipeline = Pipeline(settings, model=model)
        half = len(stream) // 2
        pipeline.fold(Chunk.of(stream[:half]))
        pipeline.try_out(candidate)
        assert pipeline.trial is not None
        for begin in range(half, len(stream), batch):
            pipeline.fold(Chunk.of(stream[begin : begin + batch]))
            if pipeline.trial.is_over:
                break
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
    (cut, found), (whole, expected) = tried(refitted, batch), tried(refitted, 1_000)
    assert found == expected
    assert cut.trial is not None
    assert whole.trial is not None
    assert cut.trial.report() == whole.trial.report()
    assert sum(whole.trial.changes.values()) > 0


def test_nothing_else_changes_while_a_model_is_tried(
    settings: Settings, model: Model, astray: Model, stream: list[Record]
) -> None:
    alone, beside = Pipeline(settings, model=model), Pipeline(settings, model=model)
    beside.try_out(astray)
    batches = [pipeline.fold(Chunk.of(stream[:6_000])) for pipeline in (alone, beside)]
    assert len(batches[0].alerts) > 0
    assert batches[0].alerts == batches[1].alerts
    assert batches[0].assessments.score.tobytes() == batches[1].assessments.score.tobytes()
    for name, block in alone.state().items():
        beside_it = beside.state()[name]
        assert block.version == beside_it.version
        arrays = {of: array.tobytes() for of, array in block.arrays.items()}
        assert arrays == {of: array.tobytes() for of, array in beside_it.arrays.items()}
    assert Pipeline.of(settings, beside.state(), model=model)[0].trial is None


@pytest.fixture
def whole_stream(settings: Settings) -> Settings:
    """Every account is on trial for as long as there are transactions, and nothing is explored."""
    return replace(
        settings,
        alerts=replace(settings.alerts, explore=0.0),
        trial=replace(settings.trial, share=1.0, span=Duration(365 * DAY)),
    )


def test_a_model_beside_itself_opens_the_same_alerts_if_both_begin_together(
    whole_stream: Settings, model: Model, stream: list[Record]
) -> None:
    pipeline = Pipeline(whole_stream, model=model)
    pipeline.try_out(model)
    assert pipeline.trial is not None
    alerts = [
        alert
        for begin in range(0, 9_000, 700)
        for alert in pipeline.fold(Chunk.of(stream[begin : begin + 700])).alerts
    ]
    opened = Counter(("same", alert.queue) for alert in alerts if alert.kind == "alert")
    assert pipeline.trial.changes == opened
    assert set(opened) == {("same", "amount"), ("same", "typology")}
    examples = pipeline.trial.differences.same.examples
    assert {example.headline for example in examples} <= {alert.headline.en for alert in alerts}


def test_what_was_explored_is_no_alert_of_either_model(
    whole_stream: Settings, model: Model, stream: list[Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(differences, "EXAMPLES", 10_000)
    exploring = replace(whole_stream, alerts=replace(whole_stream.alerts, explore=0.5))
    pipeline = Pipeline(exploring, model=model)
    pipeline.try_out(model)
    assert pipeline.trial is not None
    samples = {alert.alert_id for alert in pipeline.fold(Chunk.of(stream[:4_000])).alerts if alert.sample}
    told = {one.alert_id for kind in pipeline.trial.differences.kinds.values() for one in kind.examples}
    assert told
    assert samples
    assert not samples & told


def test_open_episodes_go_on_beside_a_candidate_as_they_would_with_it(
    whole_stream: Settings, model: Model, stream: list[Record]
) -> None:
    found = Pipeline(whole_stream, model=model).fold(Chunk.of(stream[:6_000])).assessments
    alerting: dict[str, list[int]] = {}
    for row, alert_id in found.alert_ids.items():
        alerting.setdefault(alert_id, []).append(row)
    later = {row: rows[0] for rows in alerting.values() for row in rows[1:]}
    joins = max(later, key=lambda row: found.score[row])
    pipeline = Pipeline(whole_stream, model=model)
    pipeline.fold(Chunk.of(stream[: later[joins] + 1]))
    pipeline.try_out(model)
    assert pipeline.trial is not None
    batch = pipeline.fold(Chunk.of(stream[later[joins] + 1 : joins + 1]))
    (alert_id,) = [alert_id for alert_id, rows in alerting.items() if joins in rows]
    assert batch.assessments.alert_ids[joins - later[joins] - 1] == alert_id
    assert not any(kind == "newly" for kind, _ in pipeline.trial.changes)


def test_without_lanes_what_lanes_found_is_no_longer_alerted_and_both_queues_are_judged(
    whole_stream: Settings, model: Model, stream: list[Record]
) -> None:
    bare = dataclasses.replace(model, lanes=(), lane_tables=episode_tails(np.empty((0, 0))))
    pipeline = Pipeline(whole_stream, model=model)
    pipeline.try_out(bare)
    assert pipeline.trial is not None
    pipeline.fold(Chunk.of(stream))
    changes = pipeline.trial.changes
    assert changes["no_longer", "typology"] > 0
    assert ("newly", "typology") not in changes
    reports = {0: read_report(pipeline.trial.report())}
    found = compare(reports, whole_stream, model, bare, 1)
    assert 0.4 < found.overlap < 0.6  # all of the amount queue, nothing of the lanes
    assert compare(reports, whole_stream, model, model, 1).overlap == found.overlap
    amounts_only = replace(whole_stream, alerts=replace(whole_stream.alerts, typology_share=0.0))
    assert compare(reports, amounts_only, model, bare, 1).overlap == 1.0


def test_partitions_are_judged_together_once_all_take_part_and_one_without_records_holds_nothing_up(
    settings: Settings, model: Model, refitted: Model, stream: list[Record]
) -> None:
    pipelines = [Pipeline(settings, partition=partition, partitions=3, model=model) for partition in range(3)]
    for pipeline in pipelines:
        pipeline.try_out(refitted)
    halves: list[list[Record]] = [[], []]
    for record in stream:
        account = msgspec.json.decode(record.value or b"")["account_id"]
        halves[crc32(account.encode()) % 2].append(record)
    for pipeline, half in zip(pipelines, halves, strict=False):
        pipeline.fold(Chunk.of(half))
    trials = [pipeline.trial for pipeline in pipelines if pipeline.trial is not None]
    reports = {partition: trial.report() for partition, trial in enumerate(trials)}
    for missing in range(3):
        assert trials[0].concluded({p: report for p, report in reports.items() if p != missing}) is None
    found = trials[0].concluded(reports)
    assert found is not None
    assert found == trials[2].concluded(reports)
    assert (found.partitions, found.transactions) == (
        2,
        sum(read_report(r).transactions for r in reports.values()),
    )
    assert found.objections(settings.trial) == []
    assert trials[0].concluded(reports | {1: b"strange"}) is None
    beside_another = Pipeline(settings, model=refitted)
    beside_another.try_out(model)
    assert beside_another.trial is not None
    assert beside_another.trial.concluded(reports) is None


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
    good = Comparison(
        "v", 5_000, 1.0, psi=0.1, psi_in_use=0.1, overlap=0.8, alert_rate=1.0, account_days=20, partitions=1
    )
    found = replace(good, **change).objections(TrialSettings())
    assert len(found) == (objection is not None)
    assert objection is None or objection in found[0]


def test_a_candidate_that_raises_an_error_is_kept_out_and_nothing_else_happens(
    settings: Settings, model: Model, stream: list[Record]
) -> None:
    torn = dataclasses.replace(model, population={})
    alone, beside = Pipeline(settings, model=model), Pipeline(settings, model=model)
    beside.try_out(torn)
    batches = [pipeline.fold(Chunk.of(stream[:3_000])) for pipeline in (alone, beside)]
    assert batches[0].alerts == batches[1].alerts
    assert beside.trial is not None
    assert beside.trial.is_over
    found = beside.trial.concluded({0: beside.trial.report()})
    assert found is not None
    (objection,) = found.objections(settings.trial)
    assert objection.startswith("it could not be tried: KeyError(")


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0.5, 1.0, 1.5, 2.0])), max_size=40),
    st.lists(st.integers(0, 40), max_size=3),
)
def test_the_highest_account_days_are_those_that_looking_at_all_at_once_gives(
    rows: list[tuple[int, float]], cuts: list[int]
) -> None:
    best: dict[int, float] = {}
    for key, score in rows:
        best[key] = max(score, best.get(key, 0.0))
    expected = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:4]
    bounds = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compared, "HELD", 4)
        in_turn, parts = Highest(), [Highest()]
        for begin, end in pairwise(bounds):
            keys = np.array([key for key, _ in rows[begin:end]], np.uint64)
            scores = np.array([score for _, score in rows[begin:end]])
            in_turn = in_turn.with_more(keys, scores)
            parts.append(Highest().with_more(keys, scores))
        assert Highest.of(parts, 4) == in_turn
    assert in_turn.first(4).tolist() == [key for key, _ in expected]
    assert [in_turn.reaching(edge) for edge in (0.0, 1.5)] == [
        len(expected),
        sum(s >= 1.5 for _, s in expected),
    ]
