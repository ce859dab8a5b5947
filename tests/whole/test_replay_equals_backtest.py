"""Through Kafka and Faust come exactly the scores that a backtest finds on the file."""

import csv
import gzip
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from fraudwatch import alerts, detection
from fraudwatch.backtest import backtest, load_model, train_file
from fraudwatch.broker.lag import group_lag
from fraudwatch.broker.replay import Row, replay
from fraudwatch.broker.tail import tail
from fraudwatch.broker.topics import apply
from fraudwatch.config.loading import load
from fraudwatch.config.writing import dump
from fraudwatch.decode import Decoder, read_rows
from fraudwatch.records import NO_TIMESTAMP, Record, Transaction

CONFIGS = Path(__file__).parents[2] / "configs"
PROGRAM = Path(__file__).with_name("scoring_worker.py")
WORK_SECONDS = 240.0


def week(source: Path, target: Path, first: str, last: str) -> Path:
    """The rows of a Handbook file from one date to another, both inside."""
    with gzip.open(source, "rt", encoding="utf-8", newline="") as rows, gzip.open(target, "wt") as out:
        out.write(next(rows))
        out.writelines(row for row in rows if first <= row.split(",", 2)[1][:10] <= last)
    return target


def rows_of(path: Path, decoder: Decoder) -> list[Row]:
    rows = []
    for value in read_rows(path):
        decoded = decoder.decode(Record("f", 0, 0, NO_TIMESTAMP, None, value))
        assert isinstance(decoded, Transaction)
        rows.append(Row(decoded.account_id.encode(), value, decoded.event_time_ms))
    return rows


@pytest.mark.timeout(480)
def test_a_week_of_the_handbook_through_kafka_gives_the_scores_of_the_backtest_to_the_bit(
    kafka: str, labelled: Callable[[str], Path], unique_name: Callable[[str], str], tmp_path: Path
) -> None:
    handbook = labelled("handbook.csv.gz")
    training = week(handbook, tmp_path / "training.csv.gz", "2018-04-01", "2018-04-14")
    stream = week(handbook, tmp_path / "stream.csv.gz", "2018-04-08", "2018-04-14")
    settings = load(
        CONFIGS / "handbook.yaml",
        {
            "FRAUDWATCH_KAFKA__BOOTSTRAP_SERVERS": kafka,
            "FRAUDWATCH_KAFKA__GROUP": unique_name("group"),
            "FRAUDWATCH_KAFKA__SESSION_TIMEOUT": "6s",
            "FRAUDWATCH_SOURCE__TOPIC": unique_name("source"),
            "FRAUDWATCH_TOPICS__REVIEW": unique_name("review"),
            "FRAUDWATCH_TOPICS__DEAD_LETTERS": unique_name("letters"),
            "FRAUDWATCH_TOPICS__MODELS": unique_name("models"),
            "FRAUDWATCH_TOPICS__SNAPSHOTS": unique_name("snapshots"),
            "FRAUDWATCH_METRICS__PORT": "0",
        },
    )
    detection.write(detection.pack(train_file(settings, training)), tmp_path / "model")
    expected = tmp_path / "backtest.csv"
    backtest(settings, stream, model=load_model(settings, tmp_path / "model"), scores=expected)

    (tmp_path / "settings.yaml").write_text(dump(settings), encoding="utf-8")
    apply(settings, partitions=4)
    found = tmp_path / "live.csv"
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [
                sys.executable,
                str(PROGRAM),
                str(tmp_path / "settings.yaml"),
                str(tmp_path / "model"),
                str(found),
            ],
            stdout=log,
            stderr=log,
            env={name: value for name, value in os.environ.items() if "__" not in name},
        )
    try:
        rows = rows_of(stream, Decoder(settings))
        replay(settings, rows)
        deadline = time.monotonic() + WORK_SECONDS
        while sum(part.committed or 0 for part in group_lag(settings)) < len(rows):
            assert worker.poll() is None, (tmp_path / "worker.log").read_text()
            assert time.monotonic() < deadline, (group_lag(settings), (tmp_path / "worker.log").read_text())
            time.sleep(0.2)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(20) == 0, (tmp_path / "worker.log").read_text()
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()

    with expected.open(encoding="utf-8", newline="") as file:
        wanted = {row["transaction_id"]: row["score"] for row in csv.DictReader(file)}
    live = dict(line.split(",") for line in found.read_text(encoding="utf-8").splitlines())
    assert len(live) == len(wanted) == len(rows)
    assert {
        name: "" if math.isnan(float.fromhex(x)) else repr(float.fromhex(x)) for name, x in live.items()
    } == wanted
    assert sum(score != "" for score in wanted.values()) > 0.9 * len(wanted)

    published = [
        alerts.read(record.value or b"") for record in tail(settings, settings.topics.review, follow=False)
    ]
    assert published
    first = json.loads(alerts.encode(published[0]))
    opened = datetime.fromisoformat(first["episode"]["opened_at"])
    assert datetime(2018, 4, 8, tzinfo=UTC) <= opened < datetime(2018, 4, 15, tzinfo=UTC)
    assert all(
        msgspec.to_builtins(alert)["model_version"] == published[0].model_version for alert in published
    )
