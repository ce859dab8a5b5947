"""`explain` says of a transaction, of a file or on a broker, why it raised an alert or why not."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from fraudwatch import detection
from fraudwatch.backtest import train_file
from fraudwatch.broker.deliveries import Parcel, courier
from fraudwatch.config import loading
from fraudwatch.config.settings import Settings
from fraudwatch.detection.versions import to_messages

Run = Callable[..., Result]
SETTINGS = {"alerts.alerts_per_day": "8", "detection.detectors": "[]"}
OPTIONS = [f"--set={key}={value}" for key, value in SETTINGS.items()]


@pytest.fixture(scope="module")
def packed(stream: Path) -> detection.Artefact:
    return detection.pack(train_file(loading.load(None, overrides=SETTINGS), stream))


@pytest.fixture(scope="module")
def of_file(packed: detection.Artefact, stream: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The options that lead to the file and the model."""
    directory = tmp_path_factory.mktemp("model")
    detection.write(packed, directory)
    return ["--input", str(stream), "--model", str(directory), *OPTIONS]


@pytest.fixture(scope="module")
def rows(stream: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in gzip.decompress(stream.read_bytes()).splitlines()]


def told(shown: Result) -> dict[str, object]:
    assert shown.exit_code == 0, shown.stderr
    found: dict[str, object] = json.loads(shown.stdout)
    return found


def test_a_transaction_that_raised_nothing_is_explained_in_sentences_of_either_language(
    run: Run, of_file: list[str], rows: list[dict[str, object]]
) -> None:
    transaction = str(rows[-1]["transaction_id"])
    english, french = (run("explain", transaction, *of_file, "--lang", lang) for lang in ("en", "fr"))
    assert english.exit_code == french.exit_code == 0
    said = english.stdout.replace("\u00a0", " ")
    assert f"Account {rows[-1]['account_id']}, transaction {transaction}: " in said
    assert " on 10 March 2024, " in said
    assert "No alert: below every edge." in said
    assert "below the edge of" in said
    assert "An alert if the amount had been ≥ " in said
    assert "AMT_OWN" in said
    in_french = french.stdout.replace("\u00a0", " ")
    assert " le 10 mars 2024 à " in in_french
    assert "Une alerte si le montant avait été ≥ " in in_french


def test_the_strongest_of_an_account_lies_nearer_to_an_edge_than_its_latest(
    run: Run, of_file: list[str], rows: list[dict[str, object]]
) -> None:
    account = str(rows[-1]["account_id"])
    latest = told(run("explain", "--account", account, *of_file, "--json"))
    strongest = told(run("explain", "--account", account, "--strongest", *of_file, "--json"))
    assert latest["transaction_id"] == rows[-1]["transaction_id"]
    assert strongest["account_id"] == account
    assert (latest["chosen"], strongest["chosen"]) == ("latest", "strongest")
    assert (
        f"the latest transaction of account {account}"
        in run("explain", "--account", account, *of_file).stderr
    )
    nearest = [max(one["distance"] for one in found["standings"]) for found in (latest, strongest)]  # type: ignore[attr-defined]
    assert nearest[1] > nearest[0]


def test_without_a_model_it_says_so(run: Run, stream: Path, rows: list[dict[str, object]]) -> None:
    shown = run("explain", rows[-1]["transaction_id"], "--input", stream)
    assert shown.exit_code == 0
    assert "No score: there was no model yet." in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "remedy"),
    [
        ([], 2, "--account ID for the latest"),
        (["T1", "--strongest"], 2, "leave the TRANSACTION out"),
        (["T1", "--input", "{stream}", "--from-log"], 2, "leave one out"),
        (["T1", "--input", "{stream}"], 1, "Check the id"),
        (["--account", "nobody", "--input", "{stream}"], 1, "Check the id"),
        (["T1", "--input", "missing.csv"], 1, "found no such file"),
        (["T1", "--set", "kafka.bootstrap_servers=127.0.0.1:1"], 1, "check that it runs"),
    ],
    ids=str,
)
def test_a_mistake_is_said_with_the_remedy(
    run: Run, stream: Path, arguments: list[str], code: int, remedy: str
) -> None:
    shown = run("explain", *(argument.format(stream=stream) for argument in arguments))
    assert (shown.exit_code, shown.stdout) == (code, "")
    assert remedy in shown.stderr


def test_of_a_broker_it_says_the_same_with_the_model_of_its_topic(
    run: Run,
    either: list[str],
    either_settings: Settings,
    packed: detection.Artefact,
    of_file: list[str],
    stream: Path,
    rows: list[dict[str, object]],
) -> None:
    transaction = str(rows[-1]["transaction_id"])
    assert run("replay", stream, *either, "--json").exit_code == 0
    with courier(either_settings.kafka) as deliveries:
        for key, value in to_messages(json.loads(packed.manifest)["version"], packed):
            deliveries.deliver_one(Parcel(either_settings.topics.models, key, value, [], 0))
    on_broker = told(run("explain", transaction, *either, *OPTIONS, "--json"))
    in_file = told(run("explain", transaction, *of_file, "--json"))
    assert on_broker["is_whole"] is in_file["is_whole"] is True
    assert on_broker["position"]["topic"] == either_settings.source.topic  # type: ignore[index]
    for name in ("decided", "model_version", "event_time", "amount"):
        assert on_broker[name] == in_file[name]
    both = [
        [[one[name] for name in ("code", "value", "usual", "surprise", "lift")] for one in found["reasons"]]  # type: ignore[attr-defined]
        for found in (on_broker, in_file)
    ]
    assert both[0] == both[1] != []
