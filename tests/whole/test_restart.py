"""The real worker, stopped and started anew in mid-stream: its state and its alerts are those of one that was not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from fraudwatch import alerts, detection
from fraudwatch.alerts import Alert
from fraudwatch.broker.lag import group_lag
from fraudwatch.broker.replay import Row, replay
from fraudwatch.broker.tail import tail
from fraudwatch.broker.topics import apply
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import dump
from fraudwatch.pipeline import Pipeline, dumped
from fraudwatch.pipeline.training import TrainingSample, train
from fraudwatch.records import Chunk, Record
from fraudwatch.stream.restored import restored

WORK_SECONDS = 240.0
PARTITIONS = 2


@pytest.fixture
def settings(simulated: Callable[..., Settings]) -> Settings:
    return simulated(**{"alerts.alerts_per_day": "60"})


@pytest.fixture
def model(settings: Settings, tmp_path: Path, rows: list[Row]) -> Path:
    """Fitted on the first half of the same stream."""
    sample = TrainingSample(settings.training)
    pipeline = Pipeline(settings, training=sample)
    values = [row.value for row in rows[: len(rows) // 2]]
    pipeline.fold(Chunk.of([Record("fit", 0, n, -1, None, value) for n, value in enumerate(values)]))
    detection.write(detection.pack(train(settings, sample)), tmp_path / "model")
    return tmp_path / "model"


def work(settings: Settings, directory: Path, model: Path, records: int, tell: signal.Signals) -> str:
    """Runs a worker until so many records are committed, and ends it; what it said."""
    configuration, log = directory / "settings.yaml", directory / "worker.log"
    configuration.write_text(dump(settings), encoding="utf-8")
    command = ["-m", "fraudwatch", "worker", "--config", str(configuration), "--model", str(model)]
    environment = {name: value for name, value in os.environ.items() if "__" not in name}
    with log.open("wb") as out:
        worker = subprocess.Popen([sys.executable, *command], stdout=out, stderr=out, env=environment)
    try:
        deadline = time.monotonic() + WORK_SECONDS
        while sum(part.committed or 0 for part in group_lag(settings)) < records:
            assert worker.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        worker.send_signal(tell)
        worker.wait(30)
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()
    return log.read_text()


def published(settings: Settings) -> list[Alert]:
    return [alerts.read(record.value or b"") for record in tail(settings, settings.topics.review)]


def as_if_in_one_go(settings: Settings, model: Path) -> dict[str, Alert]:
    """The newest word on each alert of a pipeline that folds the log of each partition without a stop."""
    found = {}
    artefact = detection.read(model)
    log = list(tail(settings, settings.source.topic))
    for partition in range(PARTITIONS):
        pipeline = Pipeline(settings, partition=partition, partitions=PARTITIONS)
        pipeline.use(detection.unpack(artefact, pipeline.catalogue.judged, pipeline.catalogue.lanes))
        mine = sorted((r for r in log if r.partition == partition), key=lambda record: record.offset)
        found |= {alert.alert_id: alert for alert in pipeline.fold(Chunk.of(mine)).alerts}
    return found


def test_a_worker_that_was_stopped_and_then_killed_alerts_and_knows_as_if_it_never_was(
    settings: Settings, rows: list[Row], model: Path, tmp_path: Path
) -> None:
    apply(settings, partitions=PARTITIONS)
    third = len(rows) // 3
    replay(settings, rows[:third])
    said = work(settings, tmp_path, model, third, signal.SIGTERM)
    assert said.count("saved at offset") == PARTITIONS
    replay(settings, rows[third : 2 * third])
    often = replace(
        settings,
        snapshots=replace(settings.snapshots, every=Duration(1_000)),
        stream=replace(settings.stream, transport="stock"),  # in between the other way records come in
    )
    said = work(often, tmp_path, model, 2 * third, signal.SIGKILL)
    assert said.count("restored from the snapshot at offset") == PARTITIONS
    replay(settings, rows[2 * third :])
    said = work(settings, tmp_path, model, len(rows), signal.SIGTERM)
    assert said.count("restored from the snapshot at offset") == PARTITIONS
    assert "ERROR" not in said

    expected = as_if_in_one_go(settings, model)
    found = {alert.alert_id: alert for alert in published(settings)}
    assert len(expected) > 10
    assert {name: told(alert) for name, alert in found.items()} == {
        name: told(alert) for name, alert in expected.items()
    }
    for lag in group_lag(settings):
        place = (settings, lag.partition, lag.end)
        saved = restored(*place, partitions=PARTITIONS)
        records: list[int] = []
        folded = restored(*place, partitions=PARTITIONS, from_log=True, on_progress=records.append)
        assert sum(records) == lag.end
        assert list(dumped(saved)) == list(dumped(folded))


def told(alert: Alert) -> tuple[object, ...]:
    """All but the names of what was folded before a restart, which are read again by their offsets."""
    return alert.sequence, alert.severity, alert.score, alert.edge, alert.episode, alert.reasons
