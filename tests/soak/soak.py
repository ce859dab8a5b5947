"""One worker under a constant load with snapshots and fits beside it: what must be flat, looked at once a second."""

import re
import signal
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

from filled import filled_log  # noqa: E402
from node import Committed, ends_of  # noqa: E402
from programs import Program, resident_bytes, running  # noqa: E402
from scale import QUICK  # noqa: E402
from workers import Log, fraudwatch, new_group  # noqa: E402

from fraudwatch.metrics import read_sample  # noqa: E402

SNAPSHOTS_EVERY = "15s"
FITTED_ON = 50_000
BREATH_SECONDS = 20.0
"""Between the end of a fit and the next one."""
DAYS = "3600"
"""Of the simulated stream: more records than any soak sends."""
STARTS_WITHIN_SECONDS = 180
GROWTH, GROWTH_MIB = 0.05, 64
"""What memory may grow by between the beginning and the end of what is judged: a share, and at least so much."""


class Look(NamedTuple):
    """One second: MiB resident, open files, records behind, and the slowest hundredth so far (bucket counts)."""

    at: float
    mib: float
    files: int
    lag: int
    slow: dict[float, float]


class Quarter(NamedTuple):
    """A fourth of the run."""

    mib: float
    files: int
    lag: int
    p99_s: float


def looks(minutes: float, rate: int) -> Iterator[Look]:
    """Starts everything, and gives a look a second until the time is over."""
    scale = QUICK
    with filled_log(scale, with_records=False) as log:
        group = new_group("soak")
        log = log._replace(topic=f"{group}.log")
        with fraudwatch(log, group, {"snapshots.every": SNAPSHOTS_EVERY}) as worker, _fits():
            _await_answer(worker)
            seconds = minutes * 60
            words = [log.address, log.topic, str(scale.log_accounts), DAYS, "0", str(rate), str(seconds)]
            with running("producer", [sys.executable, BENCHMARKS / "paced_producer.py", *words]) as producer:
                yield from _watched(log, group, worker, producer)


def _watched(log: Log, group: str, worker: Program, producer: Program) -> Iterator[Look]:
    committed = Committed(log.address, log.topic, group, log.partitions)
    url = _metrics(worker)
    process = Path(f"/proc/{worker.child.pid}")
    try:
        while producer.child.poll() is None:
            time.sleep(1.0)
            worker.require_running()
            yield Look(
                time.monotonic(),
                resident_bytes(worker.child.pid) / 2**20,
                len(list((process / "fd").iterdir())),
                sum(ends_of(log.address, log.topic, log.partitions)) - sum(committed.offsets()),
                _slow(url),
            )
        if producer.child.returncode:
            raise RuntimeError(f"the producer failed: {producer.messages[-1000:]}")
    finally:
        committed.close()


def _metrics(worker: Program) -> str:
    words = Path(f"/proc/{worker.child.pid}/cmdline").read_text().split("\0")
    port = next(word.rpartition("=")[2] for word in words if word.startswith("--set=metrics.port="))
    return f"http://127.0.0.1:{port}/metrics"


def _await_answer(worker: Program) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while not _slow(_metrics(worker)):
        worker.require_running()
        if time.monotonic() > deadline:
            raise RuntimeError(f"the worker did not start within {STARTS_WITHIN_SECONDS} s")
        time.sleep(0.5)


def _slow(url: str) -> dict[float, float]:
    """Cumulative counts of records by seconds from produced to acknowledged; empty until the worker answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    buckets = read_sample(text).get("fraudwatch_acknowledged_seconds_bucket", [])
    return {float(labels["le"].replace("+Inf", "inf")): value for labels, value in buckets}


@contextmanager
def _fits() -> Iterator[None]:
    """A process that fits model after model, with a breath between two, at the niceness of the worker's own child."""
    with running("fits", [sys.executable, BENCHMARKS / "fitting_beside.py", str(FITTED_ON)]) as fits:
        is_over = threading.Event()

        def breathe() -> None:
            seen = 0
            while not is_over.wait(0.5):
                done = len(re.findall(r"^\d", fits.output, re.MULTILINE))
                if done > seen:
                    seen = done
                    fits.child.send_signal(signal.SIGSTOP)
                    is_over.wait(BREATH_SECONDS)
                    fits.child.send_signal(signal.SIGCONT)

        thread = threading.Thread(target=breathe, daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
            fits.child.send_signal(signal.SIGCONT)
            fits.child.kill()


def quarters(seen: Sequence[Look]) -> list[Quarter]:
    """Of each fourth the last memory and files, the largest lag, and the 99th percentile of what was acknowledged."""
    found = []
    for number in range(4):
        part = seen[len(seen) * number // 4 : len(seen) * (number + 1) // 4]
        found.append(
            Quarter(
                part[-1].mib,
                part[-1].files,
                max(look.lag for look in part),
                percentile(part[0].slow, part[-1].slow, 0.99),
            )
        )
    return found


def percentile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    """The bound in seconds that this share of what came between two looks lies within."""
    counts = {bound: count - before.get(bound, 0.0) for bound, count in after.items()}
    total = counts.get(float("inf"), 0.0)
    return next((bound for bound, count in sorted(counts.items()) if total and count >= share * total), 0.0)


def verdict(found: Sequence[Quarter], rate: int) -> list[str]:
    """What was not flat. The first half is for histories to fill; the third fourth is compared with the last."""
    third, last = found[2], found[3]
    said = []
    if last.mib > third.mib + max(GROWTH * third.mib, GROWTH_MIB):
        said.append(f"memory grew from {third.mib:,.0f} to {last.mib:,.0f} MiB")
    if last.files > third.files + 2:
        said.append(f"open files grew from {third.files} to {last.files}")
    if last.lag > 3 * rate:
        said.append(f"{last.lag:,} records were behind, at {rate:,} a second")
    if last.p99_s > max(2 * third.p99_s, 1.0):
        said.append(f"the 99th percentile grew from {third.p99_s:g} to {last.p99_s:g} s")
    return said
