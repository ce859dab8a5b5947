"""`source try`: what a mapping makes of a file, before anything is deployed."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.cli.source import _as_object, _in_words
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder, explain
from fraudwatch.records import NO_TIMESTAMP, Record

SEVERAL = Path(__file__).parents[2] / "configs" / "several-sources.yaml"
CASH = """\
source:
  format: csv
  csv: {columns: [id, account, at, amount], delimiter: ";", encoding: iso-8859-1, decimal: ","}
  mapping: {transaction_id: id, account_id: account, event_time: at, amount: amount}
"""


@pytest.fixture
def tried(run, tmp_path):
    """`tried(b"rows", "--json")`: the command on a file of one CSV source."""

    def invoke(rows, *arguments, name="rows.csv"):
        (tmp_path / "cash.yaml").write_text(CASH)
        (tmp_path / name).write_bytes(rows)
        return run("source", "try", tmp_path / name, "--config", tmp_path / "cash.yaml", *arguments)

    return invoke


def test_each_field_is_shown_with_its_place_what_was_found_and_what_became_of_it(tried):
    shown = tried(b"c-1;Zo\xe9;2024-05-31T12:00:00+02:00;1250,50\n")
    assert shown.exit_code == 0, shown.stderr
    assert [line.split() for line in shown.stdout.splitlines()[:5]] == [
        ["record", "1:", "1", "transaction"],
        ["transaction_id", "id", "'c-1'", "→", "c-1"],
        ["account_id", "account", "'Zoé'", "→", "Zoé"],
        ["event_time", "at", "'2024-05-31T12:00:00+02:00'", "→", "2024-05-31T10:00:00.000Z"],
        ["amount", "amount", "'1250,50'", "→", "1250.50", "EUR"],
    ]
    assert "1 records tried: 1 read, 0 refused" in shown.stderr


def test_a_refused_record_says_why_and_shows_its_other_fields_too(tried):
    shown = tried(b"c-1;a;yesterday;1.250,50\n")
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    assert lines[0].startswith("record 1: refused, bad_time – event_time")
    assert "→ c-1" in lines[1]
    assert "✗ bad_time" in lines[3]
    assert "✗ not_a_number" in lines[4]


def test_only_refused_records_are_shown_when_asked_for_and_all_are_counted(tried):
    rows = b"\n".join([b"c-1;a;2024-05-31T12:00:00Z;1"] * 30 + [b"c-2;a;2024-05-31T12:00:00Z;x"])
    shown = tried(rows, "--refused")
    assert shown.stdout.startswith("record 31: refused, not_a_number")
    assert "31 records tried: 30 read, 1 refused" in shown.stderr


def test_as_many_records_are_shown_as_asked_for(tried):
    rows = gzip.compress(b"c-1;a;2024-05-31T12:00:00Z;1\n" * 30)
    assert len(tried(rows, "--json", name="rows.csv.gz").stdout.splitlines()) == 10
    assert len(tried(rows, "--json", "--limit", 12, name="rows.csv.gz").stdout.splitlines()) == 12


def test_json_has_the_transactions_as_intake_writes_them(tried):
    shown = json.loads(tried(b"c-1;a;2024-05-31T12:00:00Z;12,50\n", "--json").stdout)
    assert shown["transactions"] == [
        {
            "transaction_id": "c-1",
            "account_id": "a",
            "event_time": 1_717_156_800_000,
            "amount": 12.5,
            "currency": "EUR",
        }
    ]
    assert shown["fields"][0][0]["found"] == "'c-1'"
    refused = json.loads(tried(b"c-1;a\n", "--json").stdout)
    assert set(refused["refused"]) == {"reason", "detail"}


def test_a_record_of_two_transactions_shows_both(run, tmp_path):
    row = {"reference": "r", "paid_at": 1_717_156_800, "amount": "5.00", "currency": "EUR"}
    row |= {"sender": {"account": "s", "country": "FR"}, "beneficiary": {"account": "b", "country": "SN"}}
    file = tmp_path / "rows.jsonl"
    file.write_text(json.dumps(row))
    arguments = ["source", "try", file, "--config", SEVERAL, "--source", "remittances"]
    transactions = json.loads(run(*arguments, "--json").stdout)["transactions"]
    assert [one["account_id"] for one in transactions] == ["s", "b"]
    shown = run(*arguments).stdout
    assert "record 1: 2 transactions\n  legs[0]\n" in shown
    assert "\n  legs[1]\n" in shown


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["--config", SEVERAL], "expected --source with one of cards, transfers, cash, remittances"),
        (["--config", SEVERAL, "--source", "card"], "did you mean cards?"),
        (["--source", "cards"], "leave --source out"),
        (["--set", "source.mapping.amountt=x"], "amount"),
        ([], "found no such file"),
    ],
)
def test_a_mistake_ends_with_1_and_the_remedy(run, arguments, remedy):
    shown = run("source", "try", "missing.jsonl", *arguments)
    assert shown.exit_code == 1
    assert remedy in shown.stderr


DECODER = Decoder(Settings())
JUNK = st.binary(max_size=200) | st.text().map(
    lambda text: b'{"transaction_id": ' + json.dumps(text).encode() + b', "amount": 1}'
)


@given(JUNK)
def test_whatever_a_record_holds_can_be_shown(value):
    tried = explain(DECODER, Record("file", 0, 0, NO_TIMESTAMP, None, value))
    assert _in_words(1, tried, "EUR").encode()
    assert _as_object(1, tried)["record"] == 1
