"""`topics`, `replay`, `lag` and `alerts` against an embedded broker."""

import gzip
import json

import pytest
from msgspec.structs import replace

from fraudwatch.alerts import encode
from fraudwatch.broker.senders import sender
from fraudwatch.broker.tail import tail
from fraudwatch.cli.alerts import in_sentences
from fraudwatch.config import loading


@pytest.fixture
def settings(broker):
    return loading.load(None, overrides=dict(option.removeprefix("--set=").split("=") for option in broker))


@pytest.fixture
def topics(run, broker):
    assert run("topics", *broker, "--apply").exit_code == 0


def test_missing_topics_end_with_1_until_they_are_applied(run, broker):
    missing = run("topics", *broker, "--json")
    assert missing.exit_code == 1
    assert "`fraudwatch topics --apply`" in missing.stderr
    assert len(json.loads(missing.stdout)["differences"]) == 6
    applied = run("topics", *broker, "--apply")
    assert applied.exit_code == 0
    assert "fraudwatch.review" in applied.stdout
    assert run("topics", *broker).exit_code == 0


@pytest.mark.usefixtures("topics")
def test_a_replay_keys_records_by_account_and_lag_counts_them(run, broker, settings, stream, tmp_path):
    file = tmp_path / "rows.jsonl"
    rows = gzip.decompress(stream.read_bytes()).splitlines()[:200]
    file.write_bytes(b"\n".join([*rows, b"no transaction", *rows]))
    sent = run("replay", file, *broker, "--limit", "300", "--json")
    assert sent.exit_code == 0, sent.stderr
    assert json.loads(sent.stdout)["records"] == 300
    lag = json.loads(run("lag", *broker, "--json").stdout)
    assert lag["lag"] == 300 == sum(partition["lag"] for partition in lag["partitions"])
    assert "300" in run("lag", *broker).stdout
    records = list(tail(settings, settings.source.topic))
    assert sorted(record.value for record in records) == sorted([*rows, b"no transaction", *rows][:300])
    for record in records:
        if record.value == b"no transaction":
            assert record.key is None
        else:
            assert record.key == json.loads(record.value)["account_id"].encode()


@pytest.mark.usefixtures("topics")
def test_a_replay_at_a_rate_takes_its_time(run, broker, stream):
    report = json.loads(run("replay", stream, *broker, "--rate", "100", "--limit", "50", "--json").stdout)
    assert report["records"] == 50
    assert report["seconds"] >= 0.49


@pytest.mark.usefixtures("topics")
def test_alerts_are_read_as_sentences_or_json_and_a_strange_message_hides_none(run, broker, settings, alert):
    with sender(settings.kafka, settings.topics.review) as producer:
        producer.send(0, b"x", b"no alert")
        producer.send(0, alert.alert_id.encode(), encode(alert))
        producer.flush()
    told = run("alerts", *broker)
    assert told.exit_code == 0
    assert told.stdout == in_sentences(alert, "en") + "\n"
    assert "offset 0: expected an alert" in told.stderr
    assert run("alerts", *broker, "--json").stdout.encode() == encode(alert) + b"\n"
    assert run("alerts", *broker, "--since", "end").stdout == ""


def test_an_alert_is_a_headline_a_rank_reasons_and_their_innocent_explanations(alert):
    assert in_sentences(alert, "en").splitlines() == [
        "HIGH · update 2  Account 596: 3 unusual transactions",
        "    Alert a1: score 5.25; 1.5 alerts of a usual day score higher.",
        "  • 812.40 € moved in 24 h.",
        "      It may be innocent: A planned large purchase.",
        "    The edge is at 3.",
    ]


def test_an_alert_of_a_lane_names_it_and_ranks_by_surprise(alert):
    of_lane = replace(alert, queue="typology", lane="testing")
    assert in_sentences(of_lane, "en").splitlines()[:2] == [
        "HIGH · update 2 · lane testing  Account 596: 3 unusual transactions",
        "    Alert a1: surprise 5.25; 1.5 lane alerts of a usual day are more surprising.",
    ]
    assert in_sentences(of_lane, "fr").splitlines()[:2] == [
        "ÉLEVÉE · mise à jour 2 · voie testing  Compte 596 : 3 opérations inhabituelles",
        "    Alerte a1 : surprise 5,25 ; 1,5 alertes de voies d’un jour habituel sont plus surprenantes.",
    ]


def test_an_alert_is_told_in_french(alert):
    assert in_sentences(alert, "fr").splitlines() == [
        "ÉLEVÉE · mise à jour 2  Compte 596 : 3 opérations inhabituelles",
        "    Alerte a1 : score 5,25 ; 1,5 alertes d’un jour habituel ont un score plus élevé.",
        "  • 812,40 € en 24 h.",
        "      Explication innocente possible : Un achat important prévu.",
        "    Le seuil est à 3.",
    ]
