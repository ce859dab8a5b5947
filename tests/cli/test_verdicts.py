"""`verdict` and `report`: what a person concluded is on its topic before the command ends."""

import json

import pytest
from msgspec.structs import replace

from fraudwatch.alerts import encode
from fraudwatch.alerts.alert import AlertingTransaction, EvidenceTransaction
from fraudwatch.alerts.alert import Position as AlertPosition
from fraudwatch.alerts.dispositions import Position, Verdict
from fraudwatch.broker.deliveries import Parcel, courier
from fraudwatch.broker.dispositions import given

ALERT_ID = "0123456789abcdef0123"


@pytest.fixture
def settings(either_settings):
    return either_settings


@pytest.fixture
def raised(settings, alert):
    """An alert and its update on the review topic: the update has one transaction more."""

    def transaction(number):
        return AlertingTransaction(f"t{number}", "2018-08-08T00:00:00.000Z", "1.00", 100, at(number))

    def at(number):
        return AlertPosition("transactions", 3, 40 + number)

    evidence = tuple(
        EvidenceTransaction(f"t{number}", "2018-08-08T00:00:00.000Z", "1.00", 100, None, at(number))
        for number in range(2)
    )
    first = replace(
        alert,
        alert_id=ALERT_ID,
        evidence=evidence,
        episode=replace(alert.episode, transactions=(transaction(1),)),
    )
    update = replace(first, episode=replace(first.episode, transactions=(transaction(1), transaction(2))))
    topic = settings.topics.review
    with courier(settings.kafka) as deliveries:
        for key, value in [
            (ALERT_ID, encode(first)),
            ("other", b"no alert"),
            (ALERT_ID, encode(update)),
        ]:
            deliveries.deliver_one(Parcel(topic, key.encode(), value, [], 0))
    return update


def on_the_topic(settings):
    def refuse(what):
        raise AssertionError(what)

    return given(settings, on_strange=refuse)


@pytest.mark.usefixtures("raised")
def test_a_verdict_covers_all_transactions_of_the_newest_message_of_the_alert(run, either, settings):
    shown = run("verdict", ALERT_ID, "confirmed", *either, "--note", "called", "--author", "ines", "--json")
    assert shown.exit_code == 0, shown.stderr
    (written,) = on_the_topic(settings)
    assert (written.kind, written.alert_id, written.account_id) == ("verdict", ALERT_ID, "596")
    assert (written.verdict, written.note, written.who) == (Verdict.CONFIRMED, "called", "ines")
    assert [(one.transaction_id, one.position) for one in written.transactions] == [
        ("t1", Position("transactions", 3, 41)),
        ("t2", Position("transactions", 3, 42)),
    ]
    told = json.loads(shown.stdout)
    assert told["disposition"]["disposition_id"] == written.disposition_id
    assert told["topic"] == settings.topics.dispositions


@pytest.mark.usefixtures("raised")
def test_a_verdict_may_cover_any_of_the_alert_and_its_evidence(run, either, settings):
    named = run(
        "verdict", ALERT_ID, "legitimate", *either, "--note", "n", "--author", "i", "--transactions", "t0, t2"
    )
    assert named.exit_code == 0, named.stderr
    assert "legitimate · alert 0123456789abcdef0123 · account 596 · 2 transactions · by i" in named.stdout
    (written,) = on_the_topic(settings)
    assert [one.transaction_id for one in written.transactions] == ["t0", "t2"]
    unknown = run(
        "verdict", ALERT_ID, "legitimate", *either, "--note", "n", "--author", "i", "--transactions", "t0,t9"
    )
    assert unknown.exit_code == 1
    assert "found t9. `fraudwatch report ID --account 596`" in unknown.stderr
    assert len(on_the_topic(settings)) == 1


@pytest.mark.usefixtures("raised")
def test_the_newest_verdict_that_stands_is_taken_back(run, either, settings):
    said = ["--note", "n", "--author", "i", *either]
    for word in ("confirmed", "legitimate"):
        assert run("verdict", ALERT_ID, word, *said).exit_code == 0
    other = run("verdict", ALERT_ID, "confirmed", "--undo", *said)
    assert other.exit_code == 1
    assert "found legitimate, given by i" in other.stderr
    assert run("verdict", ALERT_ID, "legitimate", "--undo", *said).exit_code == 0
    assert run("verdict", ALERT_ID, "--undo", *said).exit_code == 0
    nothing = run("verdict", ALERT_ID, "--undo", *said)
    assert nothing.exit_code == 1
    assert "found none that stands" in nothing.stderr
    first, second, *undone = on_the_topic(settings)
    assert [one.undoes for one in undone] == [second.disposition_id, first.disposition_id]


@pytest.mark.usefixtures("raised")
def test_an_alert_that_is_not_there_is_said_with_what_to_do(run, either, settings):
    missing = run("verdict", "f" * 20, "confirmed", *either, "--note", "n", "--author", "i")
    assert missing.exit_code == 1
    assert f"expected an alert {'f' * 20} on the topic {settings.topics.review}, found none" in missing.stderr
    assert "`fraudwatch report`" in missing.stderr
    assert on_the_topic(settings) == []


def test_a_report_is_about_a_transaction_that_raised_no_alert(run, either, settings):
    arguments = ["--account", "596", "--note", "complaint", "--author", "desk", *either]
    reported = run(
        "report", "t7", *arguments, "--verdict", "confirmed", "--position", "some.topic/3/47", "--json"
    )
    assert reported.exit_code == 0, reported.stderr
    (written,) = on_the_topic(settings)
    assert (written.kind, written.alert_id, written.account_id) == ("report", None, "596")
    assert written.transactions[0].transaction_id == "t7"
    assert written.transactions[0].position == Position("some.topic", 3, 47)
    assert run("report", "t8", *arguments, "--undo").exit_code == 1
    assert run("report", "t7", *arguments, "--undo").exit_code == 0
    assert on_the_topic(settings)[-1].undoes == written.disposition_id
    assert "found none that stands" in run("report", "t7", *arguments, "--undo").stderr


def test_without_the_topic_nothing_is_said_to_be_written(run, broker):
    shown = run(
        "report", "t", *broker, "--account", "a", "--verdict", "confirmed", "--note", "n", "--author", "i"
    )
    assert shown.exit_code == 1
    assert "run `fraudwatch topics --apply`" in shown.stderr
    assert shown.stdout == ""


def test_the_author_is_whoever_is_logged_in(run, either, settings, monkeypatch):
    monkeypatch.setenv("USER", "amina")
    arguments = ["report", "t", *either, "--account", "a", "--verdict", "suspicious", "--note", "n"]
    assert run(*arguments).exit_code == 0
    assert on_the_topic(settings)[0].who == "amina"
    monkeypatch.delenv("USER")
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        (["verdict", ALERT_ID, "fraud"], "is not one of"),
        (["verdict", ALERT_ID], "or --undo"),
        (["verdict", ALERT_ID, "--undo", "--transactions", "t1"], "leave --transactions out"),
        (["report", "t", "--account", "a"], "expected --verdict"),
        (["report", "t", "--verdict", "confirmed"], "--account"),
        (["report", "t", "--account", "a", "--verdict", "confirmed", "--undo"], "leave --verdict"),
        (
            ["report", "t", "--account", "a", "--verdict", "confirmed", "--position", "3/41"],
            "transactions/3/41",
        ),
    ],
    ids=lambda value: " ".join(value[:4]) if isinstance(value, list) else "",
)
def test_what_was_typed_wrongly_ends_with_2(run, arguments, remedy):
    shown = run(*arguments, "--note", "n", "--author", "i")
    assert shown.exit_code == 2
    assert remedy in shown.stderr


@pytest.mark.parametrize("note", ["", "x" * 4_001])
def test_a_note_that_says_nothing_or_too_much_is_refused(run, note):
    shown = run("report", "t", "--account", "a", "--verdict", "confirmed", "--author", "i", f"--note={note}")
    assert shown.exit_code == 1
    assert "note" in shown.stderr
