"""Commands run in this process, a tiny simulated file, an embedded broker, and one alert."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fraudwatch.alerts import Alert
from fraudwatch.alerts.alert import Account, AlertEpisode, AlertReason
from fraudwatch.broker.embedded import EmbeddedBroker
from fraudwatch.cli import main
from fraudwatch.config import loading
from fraudwatch.config.settings import Settings
from fraudwatch.records import Text, Theme, Unit
from fraudwatch.simulate import Plan, write

Run = Callable[..., Result]

TOPICS = ("review", "dead_letters", "transactions", "dispositions", "models", "snapshots")


@pytest.fixture
def run() -> Run:
    """`run("lag", "--json")`; nothing but SystemExit may leave a command."""

    def invoke(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    return invoke


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """80 accounts on 10 days, 2024-03-01 to 2024-03-10."""
    path = tmp_path_factory.mktemp("stream") / "stream.jsonl.gz"
    write(Plan(accounts=80, days=10, seed=3, start=date(2024, 3, 1)), path)
    return path


@pytest.fixture
def broker(unique_name: Callable[[str], str]) -> Iterator[list[str]]:
    """The options that lead to an embedded broker of the test's own."""
    with EmbeddedBroker() as embedded:
        yield [
            f"--set=kafka.bootstrap_servers={embedded.bootstrap_servers}",
            "--set=kafka.embedded=true",
            f"--set=kafka.group={unique_name('group')}",
        ]


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def either(request: pytest.FixtureRequest, unique_name: Callable[[str], str]) -> list[str]:
    """The options that lead to a broker with all topics made: once the embedded one, once a real one."""
    if request.param == "embedded":
        options: list[str] = request.getfixturevalue("broker")
    else:
        options = [f"--set=kafka.bootstrap_servers={request.getfixturevalue('kafka')}"]
        options += [f"--set=topics.{topic}={unique_name(topic)}" for topic in TOPICS]
        options += [f"--set=source.topic={unique_name('source')}"]
    invoke: Run = request.getfixturevalue("run")
    applied = invoke("topics", *options, "--apply")
    assert applied.exit_code == 0, applied.stderr
    return options


@pytest.fixture
def either_settings(either: list[str]) -> Settings:
    return loading.load(None, overrides=dict(option.removeprefix("--set=").split("=") for option in either))


@pytest.fixture
def alert() -> Alert:
    return Alert(
        schema_version=1,
        alert_id="a1",
        kind="update",
        sequence=2,
        entity=Account("596"),
        headline=Text("Account 596: 3 unusual transactions", "Compte 596 : 3 opérations inhabituelles"),
        severity="high",
        score=5.25,
        rank=1.5,
        edge=3.0,
        distance=2.25,
        edge_note=Text("The edge is at 3.", "Le seuil est à 3."),
        sample=False,
        episode=AlertEpisode(
            opened_at="2018-08-08T00:00:00.000Z",
            last_at="2018-08-08T02:00:00.000Z",
            open_until="2018-08-09T02:00:00.000Z",
            count=3,
            amount="812.40",
            amount_minor=81_240,
            currency="EUR",
            transactions=(),
            transactions_cut=0,
        ),
        reasons=(
            AlertReason(
                code="AMT",
                name="amount",
                theme=Theme.AMOUNT,
                sentence=Text("812.40 € moved in 24 h.", "812,40 € en 24 h."),
                innocent=Text("A planned large purchase.", "Un achat important prévu."),
                unit=Unit.MONEY,
                value=81_240.0,
                usual=3_100.0,
                window_ms=86_400_000,
                surprise=3.0,
                contribution=2.0,
            ),
        ),
        evidence=(),
        evidence_cut=0,
        model_version="m1",
        configuration="c1",
        partition=0,
    )
