"""A transaction explained by itself is judged as it was among all others, at the edges of its own moment."""

import numpy as np
import pytest
from asking import Before

from fraudwatch.alerts import Alert
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.explain import Decided, Explanation
from fraudwatch.explain.explaining import ALERTS
from fraudwatch.explain.moment import Moment
from fraudwatch.explain.own_history import OwnHistory
from fraudwatch.explain.subjects import shown_columns
from fraudwatch.features import Column
from fraudwatch.pipeline import Assessments, Pipeline
from fraudwatch.records import Chunk, Record


@pytest.fixture(scope="module")
def whole(
    settings: Settings, model: Model, stream: list[Record]
) -> tuple[int, Assessments, dict[int, Alert]]:
    """Everything folded at once: where it begins, the assessments, and alerts by the offset that opened them."""
    half = len(stream) // 2
    pipeline = Pipeline(settings)
    pipeline.fold(Chunk.of(stream[:half]))
    pipeline.use(model)
    batch = pipeline.fold(Chunk.of(stream[half:]))
    opened = {
        alert.episode.transactions[0].position.offset: alert
        for alert in batch.alerts
        if alert.kind == "alert"
    }
    return half, batch.assessments, opened


def test_it_is_decided_and_scored_as_among_all_others(
    explanations: list[tuple[Before, Explanation]], whole: tuple[int, Assessments, dict[int, Alert]]
) -> None:
    half, found, opened = whole
    decided = set()
    for before, explanation in explanations:
        row = before.record.offset - half
        decided.add(explanation.decided)
        assert explanation.standings[0].score == found.score[row]
        assert [one.score for one in explanation.standings[1:]] == found.lane_surprises[:, row].tolist()
        assert explanation.alert_id == found.alert_ids.get(row)
        assert (before.record.offset in opened) is (explanation.decided in (Decided.OPENED, Decided.SAMPLE))
        assert explanation.is_whole
    assert decided >= {Decided.OPENED, Decided.SAMPLE, Decided.BELOW}
    assert decided & {Decided.JOINED, Decided.UPDATED}


def test_edge_rank_and_distance_are_those_that_the_alert_says(
    explanations: list[tuple[Before, Explanation]], whole: tuple[int, Assessments, dict[int, Alert]]
) -> None:
    _, _, opened = whole
    queues = set()
    for before, explanation in explanations:
        alert = opened.get(before.record.offset)
        if alert is None:
            continue
        (own,) = [one for one in explanation.standings if one.lane == alert.lane]
        told = (alert.queue, alert.score, alert.edge, alert.distance, alert.rank)
        assert (own.queue, own.score, own.edge, own.distance, own.rank) == told
        queues.add(alert.queue)
    assert queues == {"amount", "typology"}


def test_every_reason_is_there_and_they_add_up_to_the_score(
    explanations: list[tuple[Before, Explanation]], model: Model
) -> None:
    for _, explanation in explanations:
        assert {reason.code for reason in explanation.reasons} == {spec.code for spec in model.reason_specs}
        assert sum(reason.lift for reason in explanation.reasons) == pytest.approx(
            explanation.standings[0].score
        )


def test_asked_without_a_change_the_policy_decides_as_it_did(
    explanations: list[tuple[Before, Explanation]],
) -> None:
    for before, explanation in explanations:
        moment = Moment(before.pipeline(), before.record)
        assert moment.would_alert(moment.observed) is (explanation.decided in ALERTS)


def test_where_records_of_the_account_are_gone_nothing_is_said_of_what_they_would_say(
    moments: list[Before],
) -> None:
    before = max(moments, key=lambda one: len(one.own))
    moment = Moment(before.pipeline(), before.record)
    assert OwnHistory(moment, before.own).is_whole
    assert not OwnHistory(moment, before.own[len(before.own) // 2 :]).is_whole


def test_what_a_person_reads_of_every_feature_that_is_judged_is_one_column(
    settings: Settings, model: Model
) -> None:
    columns = shown_columns(model.population, Pipeline(settings).catalogue)
    assert columns["amount"] is columns["amount_ratio"] is Column.AMOUNT
    assert columns["spend_24h_excess"] is Column.PRIOR_SUM_24H
    assert {spec.name for spec in model.specs} <= set(columns)


def test_copies_of_an_account_say_all_the_same(moments: list[Before]) -> None:
    moment = Moment(moments[0].pipeline(), moments[0].record)
    own = OwnHistory(moment, moments[0].own)
    amount = float(moment.transactions.amount_minor[0])
    columns, composites = own.observed(np.full(95, amount))
    assert len(columns) == 95
    assert all(np.array_equal(row, columns[0], equal_nan=True) for row in columns)
    assert np.array_equal(composites, np.repeat(moment.observed.composites, 95, axis=0))
