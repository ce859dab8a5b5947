"""Alerts say when the model no longer describes the stream: on the same alerts, however records are cut."""

import pytest
from msgspec.structs import replace

from fraudwatch.alerts import Alert, encode, read
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Drift, Settings
from fraudwatch.detection import Model
from fraudwatch.pipeline import Batch, Pipeline
from fraudwatch.records import Chunk, Record

DAY = 86_400_000


def drifting(configured: Settings, limit: float) -> Settings:
    return replace(configured, drift=Drift(limit=limit, window=Duration(2 * DAY)))


def folded(pipeline: Pipeline, records: list[Record], batch: int) -> list[Batch]:
    return [
        pipeline.fold(Chunk.of(records[begin : begin + batch])) for begin in range(0, len(records), batch)
    ]


def alerts(batches: list[Batch]) -> list[Alert]:
    return [alert for batch in batches for alert in batch.alerts]


@pytest.mark.parametrize("batch", [61, 10_000])
def test_the_note_stands_on_the_same_alerts_in_whatever_batches(
    configured: Settings, model: Model, stream: list[Record], batch: int
) -> None:
    settings = drifting(configured, 0.001)
    expected = alerts(folded(Pipeline(settings, model=model), stream, 1_000))
    noted = [alert.model_note is not None for alert in expected]
    assert {True, False} <= set(noted)
    assert noted == sorted(noted)  # none of the first two days, of which nothing is known yet
    assert alerts(folded(Pipeline(settings, model=model), stream, batch)) == expected


def test_within_the_limit_there_is_no_note(configured: Settings, model: Model, stream: list[Record]) -> None:
    batches = folded(Pipeline(drifting(configured, 100.0), model=model), stream, 1_000)
    assert batches[-1].drift is not None
    assert batches[-1].drift.psi.keys() >= {"score", "amount", "rhythm"}
    assert {alert.model_note for alert in alerts(batches)} == {None}


def test_a_note_is_read_back_and_says_what_changed_in_both_languages(
    configured: Settings, model: Model, stream: list[Record]
) -> None:
    last = alerts(folded(Pipeline(drifting(configured, 0.001), model=model), stream, 1_000))[-1]
    assert read(encode(last)) == last
    assert last.model_note is not None
    assert last.model_note.en.startswith("The stream has changed since the model was fitted, ")
    assert last.model_note.fr.startswith("Le flux a changé depuis que le modèle fut ajusté, surtout ")
