"""The real worker on a simulated stream: it learns lifts on, fits anew, tries the new model in shadow, puts it in use
and keeps it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from fraudwatch import alerts
from fraudwatch.broker.models import Version, versions
from fraudwatch.broker.replay import Row, replay
from fraudwatch.broker.tail import tail
from fraudwatch.broker.topics import apply
from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import dump

WORK_SECONDS = 240.0


@pytest.fixture
def settings(simulated: Callable[..., Settings]) -> Settings:
    return simulated(
        **{
            "alerts.alerts_per_day": "20",
            "detection.detectors": "[]",
            "training.min_transactions": "2000",
            "training.min_span": "7d",
            "training.refit_every": "7d",
            "training.half_life": "14d",
            "trial.transactions": "500",
            "trial.share": "1",
            # Of accounts that have just been met nearly everything is still changing.
            "trial.psi_limit": "1",
        }
    )


class Work:
    """A worker, and the stream it is fed."""

    def __init__(self, settings: Settings, directory: Path, rows: Iterator[Row]) -> None:
        self.settings = settings
        self.rows = rows
        self.log = directory / "worker.log"
        configuration = directory / "settings.yaml"
        configuration.write_text(dump(settings), encoding="utf-8")
        self.command = [sys.executable, "-m", "fraudwatch", "worker", "--config", str(configuration)]
        self.start()

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if "__" not in name}
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(self.command, stdout=out, stderr=out, env=environment)

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def feed_until(self, condition: Callable[[], object], records: int = 200) -> None:
        deadline = time.monotonic() + WORK_SECONDS
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            replay(self.settings, islice(self.rows, records))
            time.sleep(0.3)

    def known(self) -> list[Version]:
        return versions(self.settings).all

    @property
    def said(self) -> str:
        return self.log.read_text()


@pytest.fixture
def work(settings: Settings, tmp_path: Path, rows: list[Row]) -> Iterator[Work]:
    apply(settings, partitions=1)
    at_work = Work(settings, tmp_path, iter(rows))
    yield at_work
    if at_work.process.poll() is None:
        at_work.process.kill()
        at_work.process.wait()


def fit_of(one: Version) -> str:
    """The version whose lifts it has, learned on; its own where it was fitted."""
    feeding = one.facts["content"].get("feeding")
    return feeding["fit"] if feeding else one.version


def test_lifts_are_learned_on_a_new_fit_is_tried_and_alerts_name_the_version_in_use(work: Work) -> None:
    work.feed_until(lambda: "fitting a model" in work.said)
    work.feed_until(
        work.known, records=0
    )  # a fit takes long enough for a week to pass, and then comes the next one
    first = work.known()[0]
    assert (fit_of(first), first.decision) == (first.version, None)
    work.feed_until(lambda: f"model {first.version} is in use" in work.said, records=0)
    replay(work.settings, islice(work.rows, 600))  # two days
    work.feed_until(lambda: len(work.known()) > 1, records=0)
    fed = work.known()[1]
    assert fed.decision is not None
    assert (fit_of(fed), fed.decision.promoted, fed.decision.before) == (first.version, True, first.version)
    assert fed.bytes < 0.2 * first.bytes
    work.feed_until(lambda: f"model {fed.version} is in use" in work.said)
    work.feed_until(lambda: [one for one in work.known() if one.decision and one.decision.comparison])
    second = next(one for one in work.known() if one.decision and one.decision.comparison)
    assert second.decision is not None
    assert f"model {second.version} is on trial beside the one in use" in work.said
    assert second.decision.comparison["transactions"] == 500
    assert second.decision.promoted, second.decision
    before = next(one for one in work.known() if one.version == second.decision.before)
    assert fit_of(before) == first.version
    work.feed_until(lambda: f"model {second.version} is in use" in work.said)

    def newest() -> str:
        found = [record.value for record in tail(work.settings, work.settings.topics.review)]
        return alerts.read(found[-1] or b"").model_version if found else ""

    work.feed_until(
        lambda: newest() in {one.version for one in work.known() if fit_of(one) == second.version}
    )
    work.end()
    in_use = next(one.version for one in work.known() if one.state == "in use")
    said = work.said.count(f"model {in_use} is in use")
    work.start()
    work.feed_until(lambda: work.said.count(f"model {in_use} is in use") == said + 1)
    assert "ERROR" not in work.said
