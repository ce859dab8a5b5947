"""The demo end to end on the embedded broker, as the command it is."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# Less to wait for than a demo has; detection is the same.
SOONER = ["--set", "training.min_transactions=600", "--set", "training.min_span=6h"]


def start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fraudwatch", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(directory)},
    )


def workers_of(demo: int) -> Iterator[int]:
    """Worker processes of a demo: their last argument is its process id."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"fraudwatch.demo.child" in words and str(demo).encode() in words:
            yield int(process.name)


def await_line(demo: subprocess.Popen[str], words: str) -> None:
    assert demo.stderr is not None
    for line in demo.stderr:
        if words in line:
            return
    pytest.fail(f"the demo ended without saying {words!r}")


@pytest.mark.timeout(120)
def test_a_demo_of_our_own_stream_scores_alerts_adds_up_and_leaves_nothing_behind(tmp_path):
    demo = start(tmp_path, "--for", "12", "--json", *SOONER)
    out, said = demo.communicate(timeout=100)
    assert demo.returncode == 0, said
    summary = json.loads(out)
    assert out.count("\n") == 1
    outcomes = ("scored", "unscored", "duplicates", "late", "dead_letters")
    assert summary["records_in"] == sum(summary[name] for name in outcomes)
    assert summary["scored"] > 0
    assert summary["duplicates"] == summary["late"] == summary["dead_letters"] == 0
    assert summary["alerts"] == sum(summary["alerts_by_severity"].values()) > 0
    assert summary["records_per_second"] == pytest.approx(summary["records_in"] / summary["seconds"])
    assert summary["newest_alerts"][0]["headline"].startswith("Account ")
    assert summary["model_version"] in said
    assert list(workers_of(demo.pid)) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.timeout(120)
def test_a_demo_of_a_file_ends_with_it_and_says_what_became_of_every_row(tmp_path):
    file = tmp_path / "rows.jsonl"
    rows = [row(number) for number in range(400)]
    conflicting = rows[-1].replace("10.00", "11.00")
    file.write_text("\n".join([*rows, "no transaction", rows[0], conflicting]))
    demo = start(tmp_path, "--input", str(file), "--json")
    out, said = demo.communicate(timeout=100)
    assert demo.returncode == 0, said
    summary = json.loads(out)
    assert summary["records_in"] == 403
    assert (summary["scored"], summary["unscored"], summary["late"]) == (0, 400, 0)
    assert (summary["duplicates"], summary["conflicts"], summary["dead_letters"]) == (2, 1, 1)


@pytest.mark.timeout(120)
def test_ctrl_c_ends_a_demo_with_its_summary(tmp_path):
    demo = start(tmp_path)
    await_line(demo, "  running  ")
    demo.send_signal(signal.SIGINT)
    out, said = demo.communicate(timeout=60)
    assert demo.returncode == 0, said
    assert out.startswith("records in")
    assert list(workers_of(demo.pid)) == []
    assert list(tmp_path.iterdir()) == []


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
