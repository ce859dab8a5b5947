"""A real Prometheus scrapes a real worker and intake on a real broker: every query of the dashboard has an answer."""

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import replace

from fraudwatch.broker.replay import Row, replay
from fraudwatch.broker.topics import apply
from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.simulate import Plan, messages

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "deploy/grafana/fraudwatch.json").read_text())
WAIT_SECONDS = 300.0
BAD_RECORDS = (b"not json", b"{}", b'{"transaction_id": "t", "amount": -1}', b"")
RATE_INTERVAL = "15s"  # what Grafana puts in for a scrape every second


@dataclass(frozen=True)
class Prometheus:
    """A running server, and when its first data are from."""

    address: str
    since: float

    def ask(self, page: str, **parameters: str | float) -> Any:
        url = f"{self.address}/api/v1/{page}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                pytest.fail(f"{parameters}: {error.read().decode()}")

    def value(self, query: str) -> float | None:
        """The first value of a query now."""
        result = self.ask("query", query=query)["result"]
        return float(result[0]["value"][1]) if result else None

    def values(self, query: str, *, instant: bool) -> list[float]:
        """All values of a query, now or from the beginning until now, that are numbers."""
        if instant:
            samples = [series["value"] for series in self.ask("query", query=query)["result"]]
        else:
            found = self.ask("query_range", query=query, start=self.since, end=time.time(), step=1)
            samples = [sample for series in found["result"] for sample in series["values"]]
        return [number for _, text in samples if not math.isnan(number := float(text))]

    def until(self, query: str, check: Callable[[], None]) -> None:
        """Waits until a query has a value other than 0."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.value(query):
            check()
            assert time.monotonic() < deadline, f"no value of {query}"
            time.sleep(0.2)


@contextmanager
def running(command: list[str | Path], log: Path, stop: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process, ended with the context."""
    variables = {name: value for name, value in os.environ.items() if "__" not in name}
    with log.open("wb") as file:
        process = subprocess.Popen([str(word) for word in command], stdout=file, stderr=file, env=variables)
    try:
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(25)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class House:
    """One installation: its configuration file, what is in it, and the ports of worker, intake and Prometheus."""

    file: Path
    settings: Settings
    worker: int
    intake: int
    prometheus: int


@pytest.fixture(scope="module")
def house(kafka: str, free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> House:
    name = os.urandom(4).hex()
    topics = ("transactions", "review", "dead_letters", "models", "dispositions", "snapshots")
    file = tmp_path_factory.mktemp("live") / "fraudwatch.yaml"
    worker, intake = free_port(), free_port()
    file.write_text(
        yaml.safe_dump(
            {
                "kafka": {
                    "bootstrap_servers": kafka,
                    "group": f"deploy-{name}",
                    "session_timeout": "6s",
                },
                "sources": {"cards": {"topic": f"cards-{name}"}},
                "topics": {topic: f"{topic}-{name}" for topic in topics},
                "training": {"min_transactions": 500, "min_span": "2d", "refit_every": "1d"},
                # A trial that lasts until the end.
                "trial": {"transactions": 1_000_000},
                # One whole day of each partition has transactions enough to be compared.
                "drift": {"window": "1d"},
                "snapshots": {"every": "1s"},
                "metrics": {"port": worker},
            }
        )
    )
    settings = load(file, {})
    apply(settings, partitions=2)
    return House(file, settings, worker, intake, free_port())


@pytest.fixture(scope="module")
def scraped(house: House, prometheus: Path) -> Iterator[Prometheus]:
    """Prometheus after it has watched a worker warm up, score, raise alerts and refuse records."""
    directory = house.file.parent
    program = [sys.executable, "-m", "fraudwatch"]
    configured = ["--config", house.file]
    worker = [*program, "worker", *configured]
    intake = [*program, "intake", *configured, "--set", f"metrics.port={house.intake}"]
    with (
        running(worker, directory / "worker.log", signal.SIGTERM) as first,
        running(intake, directory / "intake.log", signal.SIGTERM) as second,
        watching(prometheus, house) as server,
    ):

        def check() -> None:
            assert first.poll() is None, (directory / "worker.log").read_text()
            assert second.poll() is None, (directory / "intake.log").read_text()

        feed(house.settings, server, check)
        yield server


@contextmanager
def watching(prometheus: Path, house: House) -> Iterator[Prometheus]:
    """Prometheus with our scrape file and rules, looking every second at this worker and intake."""
    directory = house.file.parent
    given = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
    given["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    given["rule_files"] = [str(ROOT / "deploy/prometheus" / name) for name in given["rule_files"]]
    for job in given["scrape_configs"]:
        job["static_configs"] = [{"targets": [f"127.0.0.1:{port}" for port in (house.worker, house.intake)]}]
    given["scrape_configs"] = [job for job in given["scrape_configs"] if job["job_name"] == "fraudwatch"]
    (directory / "prometheus.yml").write_text(yaml.safe_dump(given))
    port = house.prometheus
    command = [
        prometheus / "prometheus",
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with running(command, directory / "prometheus.log", signal.SIGTERM) as process:
        server = Prometheus(f"http://127.0.0.1:{port}", time.time())
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            assert process.poll() is None, (directory / "prometheus.log").read_text()
            assert time.monotonic() < deadline
            try:
                urllib.request.urlopen(f"{server.address}/-/ready", timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield server


def feed(settings: Settings, server: Prometheus, check: Callable[[], None]) -> None:
    """Six days until there is a model, three more to score and to fit another on, and records that are none."""
    server.until("count(fraudwatch_lag_records) == 2 and on () count(fraudwatch_source_lag_records)", check)
    cards = replace(settings, source=settings.sources["cards"])
    rows = [
        Row(message.key, message.value, message.event_time_ms)
        for message in messages(Plan(accounts=800, days=9, start=date(2025, 3, 3)))
    ]
    half = len(rows) * 2 // 3
    replay(cards, iter(rows[:half]))
    server.until("max(fraudwatch_model_state)", check)
    replay(cards, iter(rows[half:]))
    for place in (cards, settings):
        replay(place, (Row(None, value) for value in BAD_RECORDS))
    server.until("sum(fraudwatch_source_dead_letters_total)", check)
    server.until("sum(fraudwatch_dead_letters_total)", check)
    server.until('sum(fraudwatch_alerts_total{kind="alert"})', check)
    server.until(f"sum(fraudwatch_records_read_total) == {len(rows) + len(BAD_RECORDS)}", check)
    server.until("count(fraudwatch_trial_alerts)", check)
    # What is drawn as a rate has to be seen at least twice.
    seen = time.time()
    server.until(f"max(timestamp(fraudwatch_records_read_total)) > {seen + 2}", check)


def targets() -> list[tuple[str, str, bool]]:
    """Title, query and whether only the present is asked for, of everything the dashboard asks."""
    return [
        (panel["title"], target["expr"], target.get("instant", False))
        for panel in DASHBOARD["panels"]
        for target in panel.get("targets", ())
    ]


def filled_in(query: str, house: House) -> str:
    """The query as Grafana sends it."""
    worker = re.escape(f"127.0.0.1:{house.worker}").replace("\\", "\\\\")
    return query.replace("$worker", worker).replace("$__rate_interval", RATE_INTERVAL)


def test_the_list_of_workers_is_what_prometheus_scrapes(scraped: Prometheus, house: House):
    (variable,) = (v for v in DASHBOARD["templating"]["list"] if v["type"] == "query")
    series, label = re.findall(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])[0]
    found = scraped.ask(f"label/{label}/values", **{"match[]": series})
    assert found == [f"127.0.0.1:{house.worker}"]


@pytest.mark.parametrize(("title", "query", "instant"), targets(), ids=lambda value: str(value)[:60])
def test_every_query_of_the_dashboard_has_an_answer(
    scraped: Prometheus, house: House, title: str, query: str, instant: bool
):
    assert scraped.values(filled_in(query, house), instant=instant), title


def test_what_the_dashboard_shows_is_what_happened(scraped: Prometheus, house: House):
    lost = next(query for title, query, _ in targets() if title == "Records read and not accounted for")
    assert set(scraped.values(filled_in(lost, house), instant=False)) == {0.0}
    assert scraped.value("sum(fraudwatch_dead_letters_total)") == len(BAD_RECORDS)
    assert scraped.value("sum(fraudwatch_source_dead_letters_total)") == len(BAD_RECORDS)
    assert scraped.value("sum(fraudwatch_lag_records)") == 0
    assert (scraped.value('sum(fraudwatch_records_total{outcome="scored"})') or 0) > 0


def test_every_alert_rule_can_be_evaluated_and_none_fires_at_a_worker_that_is_well(scraped: Prometheus):
    (group,) = scraped.ask("rules")["groups"]
    assert len(group["rules"]) == 11
    assert [(rule["name"], rule.get("lastError")) for rule in group["rules"] if rule["health"] != "ok"] == []
    assert [rule["name"] for rule in group["rules"] if rule["state"] == "firing"] == []
