"""`simulate` into a file or a topic."""

import gzip
import json

from fraudwatch.broker.tail import tail
from fraudwatch.config import loading
from fraudwatch.simulate import Plan, Typology, rows

SMALL = ("--accounts", 60, "--days", 3, "--seed", 5, "--cases-per-day", 4)


def test_the_rows_of_the_plan_are_sent_keyed_by_account(run, broker):
    assert run("topics", *broker, "--apply").exit_code == 0
    shown = run("simulate", *SMALL, "--topic", "transactions", *broker, "--json")
    assert shown.exit_code == 0, shown.stderr
    settings = loading.load(
        None, overrides=dict(option.removeprefix("--set=").split("=") for option in broker)
    )
    records = list(tail(settings, "transactions"))
    assert sorted(record.value for record in records) == sorted(
        rows(Plan(accounts=60, days=3, seed=5, cases_per_day=4))
    )
    assert json.loads(shown.stdout) == {
        "topic": "transactions",
        "rows": len(records),
        "accounts": 60,
        "days": 3,
        "seed": 5,
    }
    assert all(record.key.decode() == json.loads(record.value)["account_id"] for record in records)
    assert len({record.partition for record in records}) > 1


def test_the_rows_of_one_account_keep_their_order(run, broker):
    assert run("topics", *broker, "--apply").exit_code == 0
    assert run("simulate", *SMALL, "--topic", "transactions", *broker).exit_code == 0
    settings = loading.load(
        None, overrides=dict(option.removeprefix("--set=").split("=") for option in broker)
    )
    newest = {}
    for record in tail(settings, "transactions"):
        time = json.loads(record.value)["event_time"]
        assert time >= newest.get(record.key, "")
        newest[record.key] = time


def test_a_topic_that_is_not_there_is_said(run, broker):
    shown = run("simulate", *SMALL, "--topic", "no-such-topic", *broker)
    assert shown.exit_code == 1
    assert "no-such-topic" in shown.stderr


def test_typologies_are_chosen_by_their_codes(run, tmp_path):
    out = tmp_path / "s.jsonl.gz"
    assert run("simulate", *SMALL, "--typologies", "geo, FANIN", "--out", out).exit_code == 0
    found = {json.loads(row)["typology"] for row in gzip.decompress(out.read_bytes()).splitlines()}
    assert found == {None, "GEO", "FANIN"}


def test_an_unknown_typology_is_answered_with_all_codes(run, tmp_path):
    shown = run("simulate", "--typologies", "AMT,CPTY", "--out", tmp_path / "s.jsonl")
    assert shown.exit_code == 2
    assert all(code.value in shown.stderr for code in Typology)


def test_a_file_and_a_topic_exclude_each_other_and_one_is_needed(run, tmp_path):
    for arguments in ([], ["--out", tmp_path / "s.jsonl", "--topic", "t"]):
        shown = run("simulate", *arguments)
        assert shown.exit_code == 2
        assert "either --out FILE or --topic TOPIC" in shown.stderr
