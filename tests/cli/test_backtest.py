"""`train` and `backtest` on a tiny simulated file, end to end."""

import csv
import json
from pathlib import Path

import pytest

CONFIG = Path(__file__).parents[2] / "configs" / "simulated.yaml"
TRAINING = ["--train-from", "2024-03-02", "--train-to", "2024-03-06"]
SCORED = ["--score-from", "2024-03-08", "--score-to", "2024-03-09"]


def test_a_backtest_measures_the_days_asked_for(run, stream):
    shown = run("backtest", stream, "--config", CONFIG, *TRAINING, *SCORED, "--json")
    assert shown.exit_code == 0, shown.stderr
    report = json.loads(shown.stdout)
    handled = report["scored"] + report["unscored"] + report["duplicates"] + report["late"]
    assert report["records"] == handled + sum(report["dead_letters"].values())
    assert report["days"] == 2
    assert report["span"][0].startswith("2024-03-08")
    assert report["span"][1].startswith("2024-03-09")
    assert report["detectors"] == ["isolation_forest", "hbos", "pca"]
    assert report["average_precision"] == report["ranking"]["average_precision"]
    assert report["auroc"] == report["ranking"]["auroc"]
    assert report["average_precision_new_cases"] == report["ranking_new_cases"]["average_precision"]
    assert 0 < report["average_precision"] <= 1
    assert report["alerts_per_day"] == report["alerts"] / 2
    assert report["records_per_second"] == pytest.approx(report["records"] / report["seconds"])


def test_a_backtest_without_detectors_says_so_and_gives_other_figures(run, stream):
    both = [
        json.loads(run("backtest", stream, "--config", CONFIG, *TRAINING, *SCORED, *more, "--json").stdout)
        for more in (["--detector", "hbos"], ["--no-detectors"])
    ]
    assert [report["detectors"] for report in both] == [["hbos"], []]
    assert both[0]["average_precision"] != both[1]["average_precision"]


def test_a_trained_artefact_scores_as_the_model_trained_on_the_way(run, stream, tmp_path):
    model, ahead, on_the_way = tmp_path / "model", tmp_path / "ahead.csv", tmp_path / "on-the-way.csv"
    trained = run(
        "train",
        stream,
        "--config",
        CONFIG,
        "--from",
        "2024-03-02",
        "--to",
        "2024-03-06",
        "--out",
        model,
        "--json",
    )
    assert trained.exit_code == 0, trained.stderr
    described = json.loads(trained.stdout)
    assert sorted(path.name for path in model.iterdir()) == ["arrays.npz", "manifest.json"]
    assert [day[:10] for day in described["span"]] == ["2024-03-02", "2024-03-06"]
    for options, out in (["--model", model, "--feed-lifts"], ahead), (TRAINING, on_the_way):
        shown = run("backtest", stream, "--config", CONFIG, *options, *SCORED, "--scores", out)
        assert shown.exit_code == 0, shown.stderr
        assert described["version"] in shown.stdout
        assert "average precision" in shown.stdout
    rows = [list(csv.DictReader(path.read_text().splitlines())) for path in (ahead, on_the_way)]
    assert list(rows[0][0]) == [
        "transaction_id",
        "event_time",
        "account_id",
        "score",
        "top_reason",
        "alert_id",
        "lane",
        "lane_surprise",
    ]
    scores = [{row["transaction_id"]: row["score"] for row in found} for found in rows]
    assert scores[0] == scores[1]
    assert any(scores[0].values())


def test_a_changed_artefact_is_refused(run, stream, tmp_path):
    model = tmp_path / "model"
    assert run("train", stream, "--config", CONFIG, "--out", model).exit_code == 0
    arrays = model / "arrays.npz"
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(content)
    shown = run("backtest", stream, "--config", CONFIG, "--model", model)
    assert shown.exit_code == 1
    assert "train it again" in shown.stderr


def test_without_labels_nothing_is_measured_and_the_report_says_how_to(run, stream):
    shown = run("backtest", stream, *TRAINING)
    assert shown.exit_code == 0, shown.stderr
    assert "name source.label in the configuration to measure" in shown.stdout


def test_a_report_is_a_page_and_its_figures_are_in_the_json(run, stream, tmp_path):
    page = tmp_path / "page.html"
    shown = run("backtest", stream, "--config", CONFIG, *TRAINING, *SCORED, "--report", page, "--json")
    assert shown.exit_code == 0, shown.stderr
    assert f"{page} is written" in shown.stderr
    findings = json.loads(shown.stdout)["findings"]
    cases, precision = findings["cases"]["found"], findings["precision"]
    assert cases["of"] > 0
    assert precision["low"] <= precision["value"] <= precision["high"]
    content = page.read_text(encoding="utf-8")
    assert content.startswith("<!doctype html>")
    assert f"{cases['hits']} of {cases['of']} case" in content
    assert "simulated.yaml" in content
    assert stream.name in content


def test_a_second_configuration_is_told_beside_the_first(run, stream, tmp_path):
    other, page = tmp_path / "other.yaml", tmp_path / "page.html"
    other.write_text("alerts:\n  alerts_per_day: 3\n", encoding="utf-8")
    options = ["--config", CONFIG, "--set", "alerts.alerts_per_day=9", *TRAINING, *SCORED]
    shown = run("backtest", stream, *options, "--compare", other, "--report", page)
    assert shown.exit_code == 0, shown.stderr
    assert "other.yaml beside simulated.yaml" in shown.stdout
    counted = json.loads(run("backtest", stream, *options, "--compare", other, "--json").stdout)
    compared = counted["comparison"]
    for name, key in ("newly alerted", "newly"), ("no longer alerted", "no_longer"), ("the same", "same"):
        row = next(line for line in shown.stdout.splitlines() if line.startswith(name))
        assert row.split()[-2:] == [str(compared[key]["alerts"]), str(compared[key]["right"])]
    assert compared["no_longer"]["alerts"] > compared["newly"]["alerts"]
    assert ["alerts.alerts_per_day", "9.0", "3.0"] in compared["settings"]
    # The second one has no labels of its own: it is measured by the first one's.
    assert (
        counted["second"]["findings"]["cases"]["found"]["of"] == counted["findings"]["cases"]["found"]["of"]
    )
    assert "The second beside the first" in page.read_text(encoding="utf-8")


def test_a_second_model_is_told_beside_the_first(run, stream, tmp_path):
    model = tmp_path / "model"
    training = ["--from", "2024-03-02", "--to", "2024-03-06", "--out", model]
    assert run("train", stream, "--config", CONFIG, *training).exit_code == 0
    second = ["--compare-model", model, "--json"]
    same, other = (
        json.loads(run("backtest", stream, "--config", CONFIG, *first, *SCORED, *second).stdout)
        for first in (["--model", model], ["--train-from", "2024-03-04", "--train-to", "2024-03-07"])
    )
    assert same["comparison"]["newly"]["alerts"] == same["comparison"]["no_longer"]["alerts"] == 0
    assert same["model_version"] == same["second"]["model_version"]
    assert other["model_version"] != other["second"]["model_version"]
    assert other["comparison"]["settings"] == []


def test_a_report_that_cannot_be_written_is_said_before_the_work(run, stream, tmp_path):
    for place in tmp_path, tmp_path / "no" / "page.html":
        shown = run("backtest", stream, "--config", CONFIG, "--report", place)
        assert shown.exit_code == 1
        assert "expected a file in a directory that exists" in shown.stderr
