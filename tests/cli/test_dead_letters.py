"""`dead-letters list | show | replay`."""

import base64
import json

import pytest

from fraudwatch.broker import dead_letters
from fraudwatch.broker.deliveries import Parcel, courier
from fraudwatch.records import DeadLetter, Record, Refusal, Stage

LETTERS = [
    (Refusal.NOT_JSON, b"\xffkey", b"\x00\xff not JSON", "expected JSON"),
    (Refusal.BAD_TIME, b"596", b'{"event_time": "gestern"}', "event_time: expected a time"),
    (Refusal.BAD_TIME, b"597", '{"event_time": "é"}'.encode(), "event_time: found [red]\ud800[/]"),
]


@pytest.fixture
def letters(either_settings):
    """Three dead letters on partition 2, from partition 1 of the source."""
    topic = either_settings.topics.dead_letters
    with courier(either_settings.kafka) as deliveries:
        for offset, (reason, key, value, detail) in enumerate(LETTERS):
            record = Record(either_settings.source.topic, 1, 40 + offset, 1_700_000_000_000, key, value)
            said = dead_letters.headers(DeadLetter(record, Stage.DECODE, reason, detail))
            deliveries.deliver_one(Parcel(topic, key, value, said, 2))
    return either_settings


@pytest.mark.usefixtures("letters")
def test_the_list_has_place_reason_source_and_detail(run, either):
    shown = run("dead-letters", "list", *either, "--reason", "bad_time")
    assert shown.exit_code == 0, shown.stderr
    assert "2/0" not in shown.stdout
    assert "2/1" in shown.stdout
    assert "event_time: expected a time" in " ".join(shown.stdout.split())
    assert "2 dead letters" in shown.stderr
    as_json = run("dead-letters", "list", *either, "--json")
    found = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert [base64.b64decode(one["value_base64"]) for one in found] == [value for _, _, value, _ in LETTERS]
    assert [one["place"] for one in found] == ["2/0", "2/1", "2/2"]
    assert found[0]["source"]["offset"] == 40


@pytest.mark.usefixtures("letters")
def test_only_letters_since_a_time_are_listed(run, either):
    def count(since):
        return len(run("dead-letters", "list", *either, "--since", since, "--json").stdout.splitlines())

    assert (count("1h"), count("2020-01-01"), count("2999-01-01")) == (3, 3, 0)


@pytest.mark.usefixtures("letters")
def test_a_letter_is_shown_whole_without_raw_bytes_on_the_screen(run, either):
    shown = run("dead-letters", "show", "2/0", *either)
    assert r"b'\x00\xff not JSON'" in shown.stdout
    assert '{"event_time": "é"}' in run("dead-letters", "show", "2/2", *either).stdout
    assert json.loads(run("dead-letters", "show", "2/0", *either, "--json").stdout)["reason"] == "not_json"
    assert run("dead-letters", "show", "2/0", *either, "--bytes").stdout_bytes == LETTERS[0][2]
    missing = run("dead-letters", "show", "2/7", *either)
    assert missing.exit_code == 1
    assert "`fraudwatch dead-letters list`" in missing.stderr


def test_nothing_is_sent_without_yes_and_each_letter_once_with_it(run, either, letters):
    planned = run("dead-letters", "replay", *either, "--reason", "bad_time")
    assert planned.exit_code == 0, planned.stderr
    assert f"2  would be sent back to {letters.source.topic}" in " ".join(planned.stdout.split("\n"))
    assert "nothing was sent: the same with --yes does it" in planned.stderr
    assert run("dead-letters", "replay", *either, "--limit", 1, "--yes").exit_code == 0
    rest = json.loads(run("dead-letters", "replay", *either, "--yes", "--json").stdout)
    assert rest == {
        "sent": True,
        "letters": 2,
        "to": {letters.source.topic: 2},
        "already_replayed": 1,
        "failed_too_often": 0,
        "without_bytes": 0,
    }
    again = run("dead-letters", "replay", *either, "--yes")
    assert "3  passed over: sent back before" in again.stdout
    assert "nothing to send back" in again.stderr
    assert "→ 1/0" in run("dead-letters", "list", *either).stdout


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["show", "3-41"], "such as 3/41"),
        (["show", "3/41", "--bytes", "--json"], "exclude each other"),
        (["list", "--reason", "dull"], "is not one of"),
        (["list", "--since", "yesterday"], "such as 24h"),
        (["list", "--since", "2025-02-30"], "such as 24h"),
        (["replay", "--limit", "0"], "0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_was_typed_wrongly_ends_with_2(run, arguments, remedy):
    shown = run("dead-letters", *arguments)
    assert shown.exit_code == 2
    assert remedy in shown.stderr


def test_no_kafka_is_said_with_the_remedy(run):
    for arguments in (["list"], ["show", "0/0"], ["replay"]):
        shown = run("dead-letters", *arguments, "--set", "kafka.bootstrap_servers=127.0.0.1:1")
        assert shown.exit_code == 1
        assert "check that it runs" in shown.stderr
