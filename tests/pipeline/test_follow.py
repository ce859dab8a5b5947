"""Open episodes are what was published, whatever a pipeline that folded the records again would make of them."""

from copy import deepcopy

import pytest

from fraudwatch.alerts import Alert, encode
from fraudwatch.alerts.episodes import Episode
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Chunk, Record
from fraudwatch.snapshots import Blocks

SAVED, UNTIL = 6_000, 7_500


class Life:
    """One pipeline that published until the end of the stream, and what it was on the way."""

    def __init__(self, settings: Settings, model: Model | None, stream: list[Record]) -> None:
        self.settings, self.model, self.stream = settings, model, stream
        pipeline = Pipeline(settings, model=model)
        pipeline.fold(Chunk.of(stream[:SAVED]))
        self.saved: Blocks = pipeline.state()
        self.published: list[Alert] = list(pipeline.fold(Chunk.of(stream[SAVED:UNTIL])).alerts)
        self.open = kept(pipeline)
        self.published += pipeline.fold(Chunk.of(stream[UNTIL:])).alerts

    def again(self, model: Model | None) -> Pipeline:
        """Restored with this model, and what came since folded without publishing."""
        pipeline, _ = Pipeline.of(self.settings, deepcopy(self.saved), model=model)
        pipeline.fold(Chunk.of(self.stream[SAVED:UNTIL]), publish=False)
        return pipeline

    def follow(self, pipeline: Pipeline, *more: bytes) -> int:
        messages = [*more, *map(encode, self.published)]
        return pipeline.follow(messages, since=SAVED, until=UNTIL)


def kept(pipeline: Pipeline) -> dict[str, Episode]:
    policy = pipeline.policy
    return {episode.alert_id: episode.copy() for episode in policy.episodes.kept(policy.edge.newest_ms)}


@pytest.fixture(scope="module")
def life(configured: Settings, model: Model, stream: list[Record]) -> Life:
    return Life(configured, model, stream)


@pytest.fixture(scope="module")
def quiet_life(configured: Settings, stream: list[Record]) -> Life:
    return Life(configured, None, stream)


def test_with_the_model_of_then_nothing_changes(life: Life, model: Model) -> None:
    pipeline = life.again(model)
    assert kept(pipeline) == life.open
    assert life.follow(pipeline, b"no alert at all") == 0
    assert kept(pipeline) == life.open


def test_episodes_that_another_model_does_not_see_are_taken_over_as_they_were_published(life: Life) -> None:
    pipeline = life.again(None)
    missing = life.open.keys() - kept(pipeline).keys()
    assert len(missing) > 1
    # Without a model no time passes for a policy: what has closed meanwhile is taken over too.
    assert life.follow(pipeline) >= len(missing)
    found = kept(pipeline)
    assert found.keys() >= life.open.keys()
    newest = {
        alert.alert_id: alert for alert in life.published
        if alert.episode.transactions[-1].position.offset < UNTIL
    }  # fmt: skip
    for name in missing:
        there, was = found[name], life.open[name]
        assert (there.account_id, there.severity, there.sequence) == (
            was.account_id,
            was.severity,
            was.sequence,
        )
        assert there.score == newest[name].score
        assert there.transactions == was.transactions[: len(there.transactions)]
        assert there.count == newest[name].episode.count


def test_what_goes_on_with_them_has_the_alert_ids_that_were_published(life: Life, model: Model) -> None:
    pipeline = life.again(None)
    life.follow(pipeline)
    pipeline.use(model)
    ids = {alert.alert_id for alert in life.published}
    updates = [
        alert
        for alert in pipeline.fold(Chunk.of(life.stream[UNTIL:])).alerts
        if alert.kind == "update" and alert.episode.transactions[0].position.offset < UNTIL
    ]
    assert updates
    assert {alert.alert_id for alert in updates} <= ids


def test_episodes_that_were_never_published_are_left_out(quiet_life: Life, model: Model) -> None:
    pipeline = quiet_life.again(model)
    opened = len(kept(pipeline))
    assert opened > 1
    assert quiet_life.follow(pipeline) == opened
    assert kept(pipeline) == {}


def test_samples_and_what_is_yet_to_come_open_nothing(life: Life) -> None:
    pipeline = life.again(None)
    before = kept(pipeline).keys()
    late = [a for a in life.published if a.sample or a.episode.transactions[0].position.offset >= UNTIL]
    assert any(alert.sample for alert in late)
    assert any(not alert.sample for alert in late)
    assert pipeline.follow(map(encode, late), since=SAVED, until=UNTIL) == 0
    assert kept(pipeline).keys() == before
