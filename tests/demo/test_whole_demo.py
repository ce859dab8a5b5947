"""The demo end to end on the embedded broker, as the command it is."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fraudwatch.config.settings import Settings
from fraudwatch.demo import Demo
from fraudwatch.demo.running import DRAIN_SECONDS

# Less to wait for than a demo has; detection is the same.
SOONER = ["--set", "training.min_transactions=600", "--set", "training.min_span=6h"]


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path) -> Iterator[Start]:
    """Starts `fraudwatch demo` with the arguments given; what has not ended by the end of the test is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        demo = subprocess.Popen(
            [sys.executable, "-m", "fraudwatch", "demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": str(tmp_path)},
        )
        started.append(demo)
        return demo

    yield start
    for demo in started:
        demo.kill()
        demo.communicate()


def workers_of(demo: int) -> Iterator[int]:
    """Worker processes of a demo: their last argument is its process id."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"fraudwatch.demo.child" in words and str(demo).encode() in words:
            yield int(process.name)


def await_line(demo: subprocess.Popen[str], pattern: str) -> None:
    assert demo.stderr is not None
    for line in demo.stderr:
        if re.search(pattern, line):
            return
    pytest.fail(f"the demo ended without saying {pattern!r}")


def assert_adds_up(summary: dict[str, Any]) -> None:
    outcomes = ("scored", "unscored", "duplicates", "late", "dead_letters")
    assert summary["records_in"] == sum(summary[name] for name in outcomes)
    assert summary["records_per_second"] == pytest.approx(summary["records_in"] / summary["seconds"])


@pytest.mark.timeout(180)
def test_a_demo_scores_and_alerts_and_ctrl_c_ends_it_with_a_summary_that_adds_up(start, tmp_path):
    demo = start("--json", *SOONER)
    await_line(demo, r"alerts: .*[1-9]\d* (high|medium|low) ")
    demo.send_signal(signal.SIGINT)
    out, said = demo.communicate(timeout=300)
    assert demo.returncode == 0, said
    assert out.count("\n") == 1
    summary = json.loads(out)
    assert_adds_up(summary)
    assert summary["scored"] > 0
    assert summary["duplicates"] == summary["late"] == summary["dead_letters"] == 0
    assert summary["alerts"] == sum(summary["alerts_by_severity"].values()) > 0
    assert summary["newest_alerts"][0]["headline"].startswith("Account ")
    assert list(workers_of(demo.pid)) == []
    assert list(tmp_path.iterdir()) == []


def test_asking_a_demo_to_end_calls_nothing_that_could_wait():
    """A signal handler does it, and a lock may be held by the very thread that the signal interrupts."""
    demo = Demo(Settings())
    called: list[str] = []

    def see(frame: Any, event: str, argument: Any) -> None:
        if event == "call":
            called.append(frame.f_code.co_qualname)

    sys.setprofile(see)
    try:
        demo.ask_to_end()
    finally:
        sys.setprofile(None)
    assert called == ["Demo.ask_to_end"]


@pytest.mark.timeout(120)
def test_a_demo_ends_by_itself_after_the_time_it_was_given(start, tmp_path):
    demo = start("--for", "4", "--json")
    out, said = demo.communicate(timeout=300)
    assert demo.returncode == 0, said
    summary = json.loads(out)
    assert_adds_up(summary)
    assert summary["records_in"] > 0
    assert 2 <= summary["seconds"] < 4 + DRAIN_SECONDS
    assert list(workers_of(demo.pid)) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(120)
def test_a_demo_of_a_file_ends_with_it_and_says_what_became_of_every_row(start, tmp_path):
    file = tmp_path / "rows.jsonl"
    rows = [row(number) for number in range(400)]
    conflicting = rows[-1].replace("10.00", "11.00")
    file.write_text("\n".join([*rows, "no transaction", rows[0], conflicting]))
    demo = start("--input", str(file), "--json")
    out, said = demo.communicate(timeout=300)
    assert demo.returncode == 0, said
    summary = json.loads(out)
    assert summary["records_in"] == 403
    assert (summary["scored"], summary["unscored"], summary["late"]) == (0, 400, 0)
    assert (summary["duplicates"], summary["conflicts"], summary["dead_letters"]) == (2, 1, 1)


def row(number: int) -> str:
    return json.dumps(
        {
            "transaction_id": f"t{number}",
            "account_id": f"A{number % 7}",
            "event_time": f"2024-01-01T{number // 60:02}:{number % 60:02}:00Z",
            "amount": "10.00",
        }
    )


@pytest.mark.timeout(60)
def test_a_worker_ends_when_its_demo_is_gone(tmp_path):
    configuration = tmp_path / "worker.yaml"
    configuration.write_text("")
    nobody = "1"
    worker = subprocess.Popen([sys.executable, "-m", "fraudwatch.demo.child", str(configuration), nobody])
    started = time.monotonic()
    assert worker.wait(30) != 0
    assert time.monotonic() - started < 30
