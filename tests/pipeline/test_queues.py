"""Two queues on the way of a transaction: what a lane says is raised, named, and found again after a restart."""

import msgspec
import pytest

from fraudwatch.alerts import Alert, encode
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.errors import SnapshotError
from fraudwatch.pipeline import Batch, Pipeline, train
from fraudwatch.records import Chunk, Record


def with_share(settings: Settings, share: float) -> Settings:
    return msgspec.structs.replace(
        settings, alerts=msgspec.structs.replace(settings.alerts, typology_share=share)
    )


def folded(settings: Settings, model: Model, stream: list[Record]) -> tuple[Pipeline, Batch]:
    pipeline = Pipeline(settings, model=model)
    return pipeline, pipeline.fold(Chunk.of(stream))


@pytest.fixture(scope="module")
def opened(configured: Settings, model: Model, stream: list[Record]) -> list[Alert]:
    return [alert for alert in folded(configured, model, stream)[1].alerts if alert.kind == "alert"]


def test_alerts_of_both_queues_are_raised_and_a_lanes_sentence_comes_first(
    opened: list[Alert], model: Model
) -> None:
    lanes = {lane.name: lane for lane in model.lanes}
    assert {alert.queue for alert in opened} == {"amount", "typology"}
    for alert in opened:
        assert (alert.lane is None) == (alert.queue == "amount")
        if alert.lane is not None:
            first = alert.reasons[0]
            assert (first.code, first.sentence) == (lanes[alert.lane].code, lanes[alert.lane].sentence)
            assert first.surprise == alert.score >= alert.edge


def test_a_transaction_that_opened_an_alert_of_a_lane_is_as_surprising_as_the_alert_says(
    configured: Settings, model: Model, stream: list[Record]
) -> None:
    _, batch = folded(configured, model, stream)
    found = batch.assessments
    offsets = {int(offset): row for row, offset in enumerate(found.transactions.offsets)}
    of_lanes = [alert for alert in batch.alerts if alert.kind == "alert" and alert.lane is not None]
    assert of_lanes
    for alert in of_lanes:
        row = offsets[alert.episode.transactions[0].position.offset]
        assert found.lane_surprises[found.lanes.index(alert.lane or ""), row] == alert.score


def test_without_a_share_no_lane_raises_anything(
    configured: Settings, model: Model, stream: list[Record]
) -> None:
    pipeline, batch = folded(with_share(configured, 0.0), model, stream)
    assert {alert.queue for alert in batch.alerts} == {"amount"}
    assert len(pipeline.policy.lanes) == 0
    assert not batch.assessments.lane_surprises.any()


def test_without_a_share_lanes_are_not_even_measured_and_a_model_has_none(
    configured: Settings, model: Model, stream: list[Record]
) -> None:
    """What nobody is told costs nothing; state kept so has no account-days to fit a model with lanes on."""
    pipeline, batch = folded(with_share(configured, 0.0), model, stream)
    assert batch.observations is not None
    assert not batch.observations.composites.any()
    assert Pipeline.of(pipeline.settings, pipeline.state())[0].training.seen == pipeline.training.seen
    assert train(pipeline.settings, pipeline.training).lanes == ()
    with pytest.raises(SnapshotError, match="typology_share"):
        Pipeline.of(configured, pipeline.state())


def test_what_was_published_of_a_lane_is_an_episode_of_that_lane_again(
    configured: Settings, model: Model, stream: list[Record]
) -> None:
    pipeline, batch = folded(configured, model, stream)
    published = [encode(alert) for alert in batch.alerts]
    amounts = Pipeline(with_share(configured, 0.0), model=model)
    amounts.fold(Chunk.of(stream), publish=False)
    amounts.policy.lanes = pipeline.policy.lanes
    newest_ms = pipeline.policy.edge.newest_ms
    by_amounts = {one.alert_id for one in amounts.policy.episodes.kept(newest_ms)}
    assert amounts.follow(published, since=0, until=len(stream)) > 0
    known = {
        one.alert_id: one
        for one in pipeline.policy.episodes.kept(newest_ms)
        if one.lane is not None and one.alert_id not in by_amounts
    }
    again = {one.alert_id: one for one in amounts.policy.episodes.kept(newest_ms) if one.lane is not None}
    assert known
    assert {name: one.lane for name, one in again.items()} == {name: one.lane for name, one in known.items()}
    for one in again.values():
        assert one.lane in {reason.spec.name for reason in one.reasons.values()}
