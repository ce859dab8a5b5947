"""`config` and `simulate`."""

import gzip
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from fraudwatch.config import loading

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize("name", ["default.yaml", "handbook.yaml", "sparkov.yaml", "simulated.yaml"])
def test_every_configuration_we_ship_can_be_used(run, name):
    shown = run("config", "check", "--config", CONFIGS / name, "--json")
    assert shown.exit_code == 0, shown.stderr
    assert {"account_id", "amount"} <= set(json.loads(shown.stdout)["fields"])


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("ca_file", ("security=ssl",)),
        ("password_file", ("security=sasl_ssl", "username=scorer")),
    ],
)
def test_a_check_reads_the_files_that_protect_the_connection(run, tmp_path, name, given):
    missing = tmp_path / "missing"
    overrides = [("--set", f"kafka.{setting}") for setting in (*given, f"{name}={missing}")]
    shown = run("config", "check", *(word for override in overrides for word in override))
    assert shown.exit_code == 1
    assert f"kafka.{name} {missing}: " in shown.stderr


def test_what_is_shown_loads_to_the_same_and_overrides_count(run, tmp_path):
    shown = run("config", "show", "--config", CONFIGS / "sparkov.yaml", "--set", "alerts.alerts_per_day=7")
    again = tmp_path / "again.yaml"
    again.write_text(shown.stdout)
    given = loading.load(CONFIGS / "sparkov.yaml", overrides={"alerts.alerts_per_day": "7"})
    assert loading.load(again) == given
    as_json = run("config", "show", "--set", "alerts.alerts_per_day=7", "--json")
    assert json.loads(as_json.stdout)["alerts"]["alerts_per_day"] == 7


def test_the_schema_is_one(run):
    Draft202012Validator.check_schema(json.loads(run("config", "schema").stdout))


def test_a_simulated_file_has_the_rows_it_says(run, tmp_path):
    out = tmp_path / "stream.jsonl.gz"
    shown = run(
        "simulate",
        "--accounts",
        20,
        "--days",
        3,
        "--seed",
        5,
        "--start",
        "2025-02-01",
        "--out",
        out,
        "--json",
    )
    assert shown.exit_code == 0, shown.stderr
    rows = gzip.decompress(out.read_bytes()).splitlines()
    assert json.loads(shown.stdout)["rows"] == len(rows)
    assert json.loads(rows[0])["event_time"].startswith("2025-02-01")
