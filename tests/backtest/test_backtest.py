"""A backtest: one pass over a file, the same figures however it is spread, labels only ever measured."""

import csv
from datetime import date
from pathlib import Path

import msgspec
import pytest

from fraudwatch import detection
from fraudwatch.backtest import SCORE_COLUMNS, backtest, load_model, span, train_file
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Alerts, Label, Settings, Source, Training
from fraudwatch.errors import ArtefactError, TrainingError, UnusableInputError
from fraudwatch.simulate import Plan, write

DAY = 86_400_000
TRAIN = span(date(2024, 3, 8), date(2024, 3, 14), "train")
SCORE = span(date(2024, 3, 16), date(2024, 3, 19), "score")


@pytest.fixture(scope="module")
def configured() -> Settings:
    return Settings(
        source=Source(label=Label(path="label", detail="typology")),
        alerts=Alerts(alerts_per_day=6),
        training=Training(min_transactions=2_000, min_span=Duration(7 * DAY)),
    )


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stream") / "stream.jsonl.gz"
    write(Plan(accounts=300, days=20, seed=9, start=date(2024, 3, 1), cases_per_day=3.0), path)
    return path


def scores(path: Path) -> dict[str, tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == SCORE_COLUMNS
    return {row[0]: tuple(row[1:]) for row in rows[1:]}


def test_it_counts_every_record_and_measures_the_scored_span(
    configured: Settings, stream: Path, tmp_path: Path
) -> None:
    out = tmp_path / "scores.csv"
    report = backtest(configured, stream, train_span=TRAIN, score_span=SCORE, scores=out)
    assert report.records == report.scored + report.unscored + report.duplicates + report.late
    rows = scores(out)
    assert len(rows) == report.transactions > 1_000
    assert {row[0][:10] for row in rows.values()} == {f"2024-03-{day}" for day in (16, 17, 18, 19)}
    assert report.days == 4
    assert report.ranking is not None
    assert report.ranking.cases > 0
    assert report.ranking.average_precision is not None
    assert len({row[4] for row in rows.values() if row[4]}) == report.alerts > 0


def test_scores_and_reasons_do_not_depend_on_the_number_of_partitions(
    configured: Settings, stream: Path, tmp_path: Path
) -> None:
    found = []
    for partitions in (1, 4):
        out = tmp_path / f"{partitions}.csv"
        backtest(configured, stream, train_span=TRAIN, score_span=SCORE, partitions=partitions, scores=out)
        found.append({name: row[:4] for name, row in scores(out).items()})
    assert found[0] == found[1]


def test_a_model_trained_ahead_of_time_gives_the_scores_of_one_trained_on_the_way(
    configured: Settings, stream: Path, tmp_path: Path
) -> None:
    detection.write(detection.pack(train_file(configured, stream, train_span=TRAIN)), tmp_path / "model")
    model = load_model(configured, tmp_path / "model")
    backtest(configured, stream, model=model, feeds=True, score_span=SCORE, scores=tmp_path / "ahead.csv")
    backtest(configured, stream, train_span=TRAIN, score_span=SCORE, scores=tmp_path / "way.csv")
    ahead, way = scores(tmp_path / "ahead.csv"), scores(tmp_path / "way.csv")
    assert {name: row[:4] for name, row in ahead.items()} == {name: row[:4] for name, row in way.items()}


def test_lifts_of_a_given_model_stay_unless_they_are_to_be_fed(
    configured: Settings, stream: Path, tmp_path: Path
) -> None:
    model = train_file(configured, stream, train_span=TRAIN)
    given = backtest(configured, stream, model=model, score_span=SCORE, scores=tmp_path / "given.csv")
    training = msgspec.structs.replace(configured.training, lifts_every=Duration(0))
    never = msgspec.structs.replace(configured, training=training)
    fitted = backtest(never, stream, train_span=TRAIN, score_span=SCORE, scores=tmp_path / "fitted.csv")
    assert given.model_version == fitted.model_version == model.version
    fed = backtest(configured, stream, train_span=TRAIN, score_span=SCORE, scores=tmp_path / "fed.csv")
    assert fed.model_version == model.version
    of_given, of_fitted, of_fed = (
        [row[:4] for row in scores(tmp_path / f"{name}.csv").values()] for name in ("given", "fitted", "fed")
    )
    assert of_given == of_fitted
    assert of_given != of_fed


def test_a_model_for_other_features_is_refused(configured: Settings, stream: Path, tmp_path: Path) -> None:
    detection.write(detection.pack(train_file(configured, stream, train_span=TRAIN)), tmp_path / "model")
    required = ("transaction_id", "account_id", "event_time", "amount")
    source = msgspec.structs.replace(configured.source, mapping={name: name for name in required})
    with pytest.raises(ArtefactError):
        load_model(msgspec.structs.replace(configured, source=source), tmp_path / "model")


def test_labels_measure_and_change_no_score(configured: Settings, stream: Path, tmp_path: Path) -> None:
    source = msgspec.structs.replace(configured.source, label=None)
    blind = msgspec.structs.replace(configured, source=source)
    report = backtest(blind, stream, train_span=TRAIN, score_span=SCORE, scores=tmp_path / "blind.csv")
    assert report.ranking is None
    backtest(configured, stream, train_span=TRAIN, score_span=SCORE, scores=tmp_path / "seen.csv")
    assert (tmp_path / "blind.csv").read_bytes() == (tmp_path / "seen.csv").read_bytes()


def test_without_a_span_a_model_is_fitted_as_soon_as_there_is_enough(
    configured: Settings, stream: Path
) -> None:
    report = backtest(configured, stream)
    assert report.model_version is not None
    assert report.scored > report.records / 3


def test_a_span_without_transactions_cannot_be_trained_on(configured: Settings, stream: Path) -> None:
    with pytest.raises(TrainingError, match="another span of dates"):
        train_file(configured, stream, train_span=span(date(1999, 1, 1), date(1999, 1, 2), "train"))


def test_a_missing_file_is_said_before_anything_is_written(configured: Settings, tmp_path: Path) -> None:
    with pytest.raises(UnusableInputError):
        backtest(configured, tmp_path / "no.csv", scores=tmp_path / "scores.csv")
    assert not (tmp_path / "scores.csv").exists()
