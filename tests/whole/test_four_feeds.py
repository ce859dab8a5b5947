"""Four feeds of four formats become one stream, and two of them together raise one alert, on a real broker.

Cards as JSON, transfers as pacs.008-like JSON, cash as CSV lines in ISO-8859-1 with a decimal comma and the clock of
the branch, remittances with both sides in one record: as configs/several-sources.yaml maps them, through
`fraudwatch intake` and `fraudwatch worker` as people start them.
"""

import json
import os
import random
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from confluent_kafka import Producer

from fraudwatch import alerts
from fraudwatch.alerts import Alert
from fraudwatch.broker import dead_letters
from fraudwatch.broker.tail import tail
from fraudwatch.broker.topics import apply
from fraudwatch.config.loading import dump, load
from fraudwatch.config.settings import Settings
from fraudwatch.metrics import Samples, read_sample

CONFIG = Path(__file__).parents[2] / "configs" / "several-sources.yaml"
PARIS = ZoneInfo("Europe/Paris")
ACCOUNTS = [f"FR76{number:023}" for number in range(60)]
DAYS = 20
END = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
VICTIM = ACCOUNTS[7]

Feeds = dict[str, list[bytes]]


def card(name: str, account: str, at: datetime, cents: int, merchant: str, currency: str = "EUR") -> bytes:
    return json.dumps(
        {
            "id": name,
            "card": {"account": account},
            "authorised_at": at.isoformat(),
            "amount": {"value": cents, "currency": currency},
            "merchant": {"id": merchant, "country": "FR", "mcc": "5411", "place": [48.85, 2.35]},
            "device": f"device of {account}",
            "response": "00",
        }
    ).encode()


def transfer(name: str, account: str, at: datetime, euros: float, payee: str) -> bytes:
    of_transaction = {
        "PmtId": {"TxId": name},
        "IntrBkSttlmAmt": {"Ccy": "EUR", "Amt": f"{euros:.2f}"},
        "DbtrAcct": {"Id": {"IBAN": account}},
        "CdtrAcct": {"Id": {"IBAN": payee}},
        "Cdtr": {"PstlAdr": {"Ctry": "FR"}},
    }
    local = at.astimezone(PARIS).replace(tzinfo=None).isoformat()
    message = {"GrpHdr": {"CreDtTm": local}, "CdtTrfTxInf": [of_transaction]}
    return json.dumps({"FIToFICstmrCdtTrf": message}).encode()


def cash(name: str, account: str, at: datetime, euros: int) -> bytes:
    local = at.astimezone(PARIS)
    return f"{name};branch 3;{account};{local:%d/%m/%Y %H:%M};{euros},50;W;café".encode("iso-8859-1")


def remittance(name: str, sender: str, beneficiary: str, at: datetime, euros: float) -> bytes:
    sides = {
        "sender": {"account": sender, "country": "FR"},
        "beneficiary": {"account": beneficiary, "country": "SN"},
    }
    paid_at = int(at.timestamp())
    return json.dumps(
        {"reference": name, "paid_at": paid_at, "amount": euros, "currency": "EUR", **sides}
    ).encode()


def usual_days() -> tuple[Feeds, int]:
    """Every account pays by card twice a day, and now and then by the others; how many transactions that is."""
    draws = random.Random(20)
    feeds: Feeds = {"cards": [], "transfers": [], "cash": [], "remittances": []}
    for day in range(DAYS):
        for number, account in enumerate(ACCOUNTS):
            at = END - timedelta(days=DAYS - day, minutes=draws.randrange(600))
            name = f"{day}-{number}"
            for place in range(2):
                cents = int(draws.lognormvariate(7.5, 0.4))
                currency = "USD" if draws.random() < 0.05 else "EUR"
                shop = f"shop {draws.randrange(6)}"
                feeds["cards"].append(
                    card(f"c{name}-{place}", account, at + timedelta(minutes=place), cents, shop, currency)
                )
            if draws.random() < 0.4:
                euros = draws.lognormvariate(4, 0.3)
                payee = ACCOUNTS[(number + 1) % len(ACCOUNTS)]
                feeds["transfers"].append(transfer(f"t{name}", account, at, euros, payee))
            if draws.random() < 0.3:
                feeds["cash"].append(cash(f"k{name}", account, at, 20 * draws.randrange(1, 4)))
            if draws.random() < 0.2:
                beneficiary = ACCOUNTS[(number + 2) % len(ACCOUNTS)]
                feeds["remittances"].append(remittance(f"r{name}", account, beneficiary, at, 60.0))
    return feeds, sum(map(len, feeds.values())) + len(feeds["remittances"])


@pytest.fixture
def settings(kafka: str, unique_name: Callable[[str], str], tmp_path: Path) -> Settings:
    name = unique_name("feeds")
    own = ("transactions", "review", "dead_letters", "dispositions", "models", "snapshots")
    return load(
        CONFIG,
        {},
        {
            "kafka.bootstrap_servers": kafka,
            "kafka.group": name,
            "kafka.session_timeout": "6s",
            "metrics.port": "0",
            "lateness.grace": "25d",  # the feeds of many days come all at once, each in its own order
            "training.min_transactions": "1000",
            "alerts.alerts_per_day": "1",
            **{f"topics.{topic}": f"{name}.{topic}" for topic in own},
            **{
                f"sources.{source}.topic": f"{name}.{source}"
                for source in ("cards", "transfers", "cash", "remittances")
            },
        },
    )


class Command:
    """`fraudwatch NAME --config …` while it runs."""

    def __init__(self, name: str, settings: Settings, directory: Path) -> None:
        configuration = directory / "fraudwatch.yaml"
        configuration.write_text(dump(settings), encoding="utf-8")
        self.log = directory / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "fraudwatch", name, "--config", str(configuration)],
                stdout=log,
                stderr=log,
                cwd=directory,
                env={key: value for key, value in os.environ.items() if "__" not in key},
            )

    def until(self, condition: Callable[[], Any], seconds: float = 90.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.2)

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def metrics(self) -> Samples:
        """Empty until its port is known and answers."""
        _, found, after = self.said.partition("metrics on ")
        with suppress(OSError):
            if found:
                with urllib.request.urlopen(after.split()[0], timeout=5) as page:
                    return read_sample(page.read().decode())
        return {}

    def shown(self, name: str, **labels: str) -> float:
        """The sum of the series with these labels."""
        series = self.metrics().get(f"fraudwatch_{name}", [])
        return sum(value for found, value in series if labels.items() <= found.items())

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(20)


@pytest.fixture
def start(settings: Settings, tmp_path: Path) -> Iterator[Callable[[str], Command]]:
    started: list[Command] = []

    def start_command(name: str) -> Command:
        started.append(Command(name, settings, tmp_path))
        return started[-1]

    yield start_command
    for command in started:
        if command.process.poll() is None:
            command.process.kill()
        command.process.wait()


def send(settings: Settings, feeds: Feeds) -> None:
    producer = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers})
    for source, values in feeds.items():
        for value in values:
            producer.produce(settings.sources[source].topic, value)
    assert producer.flush(20) == 0


def alerts_on(settings: Settings, account: str) -> list[Alert]:
    """Each alert of an account as it stands now."""
    read = (alerts.read(record.value or b"") for record in tail(settings, settings.topics.review))
    newest = {alert.alert_id: alert for alert in read if alert.entity.account_id == account}
    return list(newest.values())


@pytest.mark.timeout(300)
def test_four_feeds_become_one_stream_and_two_of_them_together_raise_one_alert(
    settings: Settings, start: Callable[[str], Command]
) -> None:
    apply(settings, partitions=2)
    intake, worker = start("intake"), start("worker")
    feeds, transactions = usual_days()
    bad: Feeds = {"cards": [b"{"], "transfers": [b"{}"], "cash": [b"one;two"], "remittances": [b"[]"]}
    send(settings, feeds)
    send(settings, bad)
    worker.until(lambda: worker.shown("records_total") == transactions)
    worker.until(lambda: worker.shown("model_state") == 1)
    assert worker.shown("records_total", outcome="late") == 0
    assert worker.shown("misplaced_accounts") == 0
    for source, values in feeds.items():
        assert intake.shown("source_records_total", source=source) == len(values) + 1
        assert intake.shown("source_dead_letters_total", source=source) == 1
    letters = [letter.record.topic for letter in dead_letters.read(settings)]
    assert sorted(letters) == sorted(source.topic for source in settings.sources.values())

    story = {
        "cards": [card("story-card", VICTIM, END + timedelta(minutes=5), 490_000, "a new shop")],
        "transfers": [transfer("story-transfer", VICTIM, END + timedelta(minutes=25), 9_800.0, "LU28001")],
    }
    send(settings, story)
    wanted = {"story-card", "story-transfer"}

    def told_together() -> list[Alert]:
        return [
            alert
            for alert in alerts_on(settings, VICTIM)
            if wanted <= {judged.transaction_id for judged in alert.episode.transactions}
        ]

    worker.until(told_together)
    (alert,) = told_together()
    evidence = {item.transaction_id: item for item in alert.evidence}
    assert wanted <= set(evidence)
    assert {name[0] for name in evidence} >= {"c", "t", "k", "s"}
    log = {(r.partition, r.offset): json.loads(r.value or b"") for r in tail(settings, settings.source.topic)}
    for name in wanted:
        found = log[evidence[name].position.partition, evidence[name].position.offset]
        assert (found["transaction_id"], found["account_id"]) == (name, VICTIM)
    assert intake.end() == worker.end() == 0
