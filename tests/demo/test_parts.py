"""The parts of the demo: feed, worker process, figures, lines and screen."""

import time
from io import StringIO
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import generate_latest
from rich.console import Console

from fraudwatch.broker.embedded import PARTITIONS, EmbeddedBroker
from fraudwatch.broker.replay import Row
from fraudwatch.broker.tail import tail
from fraudwatch.config.loading import load
from fraudwatch.config.settings import Kafka, Settings
from fraudwatch.decode import Decoder
from fraudwatch.demo.feed import file_feed, live_feed
from fraudwatch.demo.lines import Lines
from fraudwatch.demo.look import Look, Stage
from fraudwatch.demo.observation import Observation, observe
from fraudwatch.demo.rows import file_rows, own_rows
from fraudwatch.demo.screen import drawn
from fraudwatch.demo.setting import demo_settings, reading_our_own
from fraudwatch.demo.worker import WorkerProcess
from fraudwatch.errors import FraudwatchError, UnusableInputError
from fraudwatch.metrics import Metrics, read_sample
from fraudwatch.records import Record, Transaction


class Seen:
    """A worker that handles everything at once, and has a sample and a model as it is told."""

    def __init__(self) -> None:
        self.records = 10**9
        self.is_sampled = self.has_model = False


@pytest.fixture
def settings():
    with EmbeddedBroker() as broker:
        made = demo_settings(Settings(), broker.bootstrap_servers)
        broker.create_topics({made.source.topic: PARTITIONS})
        yield made


def test_a_demo_changes_nothing_of_detection():
    given = Settings()
    made = demo_settings(given, "127.0.0.1:1")
    assert (made.features, made.detection, made.alerts) == (given.features, given.detection, given.alerts)
    assert (made.source, made.limits, made.lateness) == (given.source, given.limits, given.lateness)


@pytest.mark.parametrize("make", [live_feed, file_feed])
def test_a_feed_sends_every_row_once_across_its_paces(settings, make):
    seen = Seen()

    def rows():
        for number in range(600):
            seen.is_sampled = number >= 200
            seen.has_model = number >= 400
            yield Row(b"%d" % (number % 9), b"row %d" % number, 1_000)

    with make(settings, rows(), 100_000, seen) as feed:
        feed.start()
        await_end(feed)
        feed.stop()
        assert feed.sent == 600
    values = [record.value for record in tail(settings, settings.source.topic)]
    assert sorted(values) == sorted(b"row %d" % number for number in range(600))


def await_end(feed):
    while not feed.has_ended:
        time.sleep(0.02)


def test_rows_of_the_future_wait_until_they_happen(settings):
    soon_ms = int(time.time() * 1000) + 60_000
    rows = [Row(b"a", b"past", 1_000), Row(b"a", b"now", soon_ms), Row(b"a", b"future", soon_ms + 60_000)]
    seen = Seen()
    seen.has_model = True
    with live_feed(settings, iter(rows), 1_000, seen) as feed:
        feed.start()
        deadline = time.monotonic() + 5
        while feed.sent < 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not feed.has_ended
        feed.stop()
        assert feed.sent < 3


def test_what_goes_wrong_in_the_feed_is_raised_where_it_is_followed(settings):
    def rows():
        yield Row(None, b"x")
        raise UnusableInputError("damaged")

    with file_feed(settings, rows(), None, Seen()) as feed:
        feed.start()
        with pytest.raises(UnusableInputError, match="damaged"):
            await_end(feed)


def test_rows_of_a_file_wait_for_no_event_time(settings):
    soon_ms = int(time.time() * 1000) + 60_000
    with file_feed(settings, iter([Row(b"a", b"future", soon_ms)] * 3), None, Seen()) as feed:
        feed.start()
        await_end(feed)
        assert feed.sent == 3


def test_our_own_stream_begins_in_the_past():
    first = next(own_rows())
    assert first.event_time_ms is not None
    assert 80 < (time.time() - first.event_time_ms / 1000) / 86_400 < 100


def test_our_own_stream_is_understood_whatever_source_is_configured():
    handbook = load(Path(__file__).parents[2] / "configs" / "handbook.yaml", environ={})
    decoder = Decoder(reading_our_own(handbook))
    for row in islice(own_rows(), 50):
        decoded = decoder.decode(Record("t", 0, 0, int(time.time() * 1000), row.key, row.value))
        assert isinstance(decoded, Transaction), decoded
        assert decoded.account_id.encode() == row.key


def test_a_file_that_cannot_be_read_is_refused_before_anything_starts(tmp_path):
    with pytest.raises(UnusableInputError):
        file_rows(Settings(), tmp_path / "missing.csv")


def test_a_worker_that_ends_by_itself_is_reported_with_its_last_words(tmp_path):
    nowhere = Settings(kafka=Kafka(bootstrap_servers="127.0.0.1:1"))
    said = pytest.raises(FraudwatchError, match=r"(?s)exit code 1.*check that it runs")
    with WorkerProcess(nowhere, tmp_path) as worker, said:
        watch(worker)


def watch(worker):
    for _ in range(600):
        worker.require_alive()
        time.sleep(0.05)


def test_figures_are_read_from_the_metrics_of_a_worker():
    metrics = Metrics()
    metrics.batch(
        records=21,
        outcomes=np_counts(5, 4, 3, 2, 1),
        scores=np_counts(),
        dead_letters=[("decode", "not_json")] * 6,
        stage_seconds={},
    )
    metrics.alerts(
        [("high", "alert"), ("low", "sample"), ("low", "update")],
        event_time_ms=[0] * 3,
        ingest_time_ms=[0] * 3,
    )
    metrics.lag(0, 7, 0.0)
    metrics.lag(1, 3, 0.0)
    seen = observe(read_sample(generate_latest(metrics.registry).decode()))
    assert (seen.scored, seen.unscored, seen.duplicates, seen.late, seen.dead_letters) == (5, 7, 2, 1, 6)
    assert seen.records == seen.handled == 21
    assert seen.alerts == {"high": 1, "medium": 0, "low": 1}
    assert (seen.updates, seen.lag, seen.model_version) == (1, 10, None)
    metrics.model("v7", 0)
    assert observe(read_sample(generate_latest(metrics.registry).decode())).model_version == "v7"


def np_counts(*counts):
    return np.array(counts, dtype=np.int64)


def look(seconds: float = 5.0, **changes: object) -> Look:
    values = {
        "stage": Stage.FEEDING,
        "seconds": seconds,
        "seen": Observation(records=10, scored=9, unscored=1, alerts={"high": 1, "medium": 2, "low": 3}),
        "records_per_second": 4_200.0,
        "event_time_ms": 1_533_686_400_000,
        "event_days": 2.0,
        "budget": 40.0,
        "metrics": "http://127.0.0.1:9464",
        "newest": (),
    } | changes
    return Look(**values)


def test_the_screen_shows_throughput_outcomes_lag_model_budget_and_metrics():
    console = Console(file=StringIO(), width=120, height=30)
    console.print(drawn(look(), "rows.csv", 3))
    shown = console.file.getvalue()
    for words in (
        "rows.csv",
        "4,200 records a second",
        "9 scored · 1 unscored",
        "0 records wait",
        "2018-08-08 00:00 UTC",
        "0% of the training sample",
        "1 high · 2 medium · 3 low · 3 an event day of 40 budgeted",
        "http://127.0.0.1:9464/metrics",
        "a score needs a model",
    ):
        assert words in shown


def test_lines_come_once_a_second_and_start_anew_with_the_feed():
    said: list[str] = []
    lines = Lines(said.append)
    for seconds in (0.0, 0.5, 1.1, 1.6, 2.2, 0.1, 0.6):
        lines(look(seconds))
    assert [line.split(" s ")[0].strip() for line in said] == ["0", "1", "2", "0"]
    assert "9 scored, 1 unscored" in said[0]
