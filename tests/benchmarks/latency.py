"""4. Latency under open-loop load: every record's from due to acknowledged, and alerts' from due to published.

A producer of its own sends records at fixed times, each with the time it was due. The worker runs as it is, except that
it notes when it acknowledged which offsets (`watched_worker`): commits come once a second and would say nothing. Alerts
are timed by a consumer of the review topic. Every rate is measured alone and with fits beside the worker.
"""

import json
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from confluent_kafka import Consumer, TopicPartition
from filled import filled_log
from node import Committed, ends_of
from programs import Program, ProgramFailedError, running
from reporting import Answer, Table, median, rounded, say
from scale import Scale
from workers import HERE, Log, fraudwatch, new_group

IntArray = npt.NDArray[np.int64]

SETTLE_SECONDS = 3.0
"""At the beginning of each phase, not counted: the worker comes from another rate, and fits begin."""
KNOWN_EACH, FIRST_RATE = 2, 10_000
ALERTED = 0.002
"""The budget as a share of the records: enough alerts to speak of their latency."""
PERCENTILES = {"p50": 50.0, "p99": 99.0, "p99_9": 99.9}
STARTS_WITHIN_SECONDS = 120
ENDS_WITHIN_SECONDS = 60
FITTED_ON = 100_000
AIMS_MS = {"p99": 50.0, "p99_9": 250.0}


class Phase(NamedTuple):
    """One rate, alone or with fits beside the worker; the records due in it."""

    rate: int
    with_fits: bool
    begin_ns: int
    end_ns: int


def measure(scale: Scale) -> Answer:
    """The question's answer."""
    found: dict[tuple[int, bool], list[dict[str, Any]]] = {}
    with filled_log(scale, with_records=False) as log:
        for number in range(1, scale.rounds + 1):
            for phase, of_phase in _round(log, scale):
                found.setdefault((phase.rate, phase.with_fits), []).append(of_phase)
                say(f"round {number}/{scale.rounds} {_told(phase.rate, phase.with_fits)}: {_brief(of_phase)}")
    return _answer(found, scale)


def _round(log: Log, scale: Scale) -> Iterator[tuple[Phase, dict[str, Any]]]:
    """Each rate alone and with fits, each by a fresh worker and of the very same records.

    One worker going from phase to phase would compare different days: on a pay day alerts come in heaps.
    """
    for rate in scale.rates:
        for with_fits in (False, True):
            yield _arm(log, scale, rate, with_fits)


def _arm(log: Log, scale: Scale, rate: int, with_fits: bool) -> tuple[Phase, dict[str, Any]]:
    """One worker on an empty topic of its own."""
    group = new_group("latency")
    log = log._replace(topic=f"{group}.log")
    per_day = ALERTED * 1.88 * scale.log_accounts
    with tempfile.TemporaryDirectory() as place, _fits(with_fits) as begin_fits:
        notes = Path(place) / "acknowledged"
        with (
            fraudwatch(
                log,
                group,
                {"alerts.alerts_per_day": f"{per_day:.0f}"},
                script=HERE / "watched_worker.py",
                environment={"BENCH_ACKNOWLEDGED": str(notes)},
            ) as worker,
            _Review(log, f"{group}.review") as review,
        ):
            first = _first_records(log, group, worker, scale)
            begin_fits()
            told = _produce(log, scale, first, rate, SETTLE_SECONDS + scale.seconds)
            _await_end(log, group, worker)
            time.sleep(0.5)  # for the last alerts to be seen
        acknowledged = np.frombuffer(notes.read_bytes(), dtype=np.int64).reshape(-1, 3)
    begin = int(told["begin_ns"] + SETTLE_SECONDS * 1e9)
    phase = Phase(rate, with_fits, begin, int(begin + scale.seconds * 1e9))
    return phase, _of_phase(phase, _read_back(log), acknowledged, review.seen)


def _first_records(log: Log, group: str, worker: Program, scale: Scale) -> int:
    """So many that most accounts are known, and the wait until the worker has started and done them."""
    seconds = KNOWN_EACH * scale.log_accounts / FIRST_RATE
    told = _produce(log, scale, 0, FIRST_RATE, seconds)
    _await_end(log, group, worker, within=STARTS_WITHIN_SECONDS)
    return int(told["records"])


def _produce(log: Log, scale: Scale, first: int, rate: int, seconds: float) -> dict[str, Any]:
    plan = (scale.log_accounts, scale.log_days, first)
    words = [log.address, log.topic, *map(str, plan), str(rate), str(seconds)]
    with running("producer", [sys.executable, HERE / "paced_producer.py", *words]) as producer:
        producer.child.wait()
        if producer.child.returncode:
            raise ProgramFailedError(f"the producer failed: {producer.messages[-2000:]}")
        told: dict[str, Any] = json.loads(producer.output)
    if told["latest_ms"] > 50:
        say(f"the producer itself was late by up to {told['latest_ms']:.0f} ms: too much for this machine?")
    return told


@contextmanager
def _fits(are_wanted: bool) -> Iterator[Callable[[], None]]:
    """A child with its sample gathered, stopped until what is yielded is called."""
    if not are_wanted:
        yield lambda: None
        return
    with running("fits", [sys.executable, HERE / "fitting_beside.py", str(FITTED_ON)]) as fits:
        while "ready" not in fits.output:
            fits.require_running()
            time.sleep(0.1)
        fits.child.send_signal(signal.SIGSTOP)
        try:
            yield lambda: fits.child.send_signal(signal.SIGCONT)
        finally:
            fits.child.kill()


def _await_end(log: Log, group: str, worker: Program, within: float = ENDS_WITHIN_SECONDS) -> None:
    committed = Committed(log.address, log.topic, group, log.partitions)
    wanted = sum(ends_of(log.address, log.topic, log.partitions))
    deadline = time.monotonic() + within
    try:
        while sum(committed.offsets()) < wanted:
            worker.require_running()
            if time.monotonic() > deadline:
                raise ProgramFailedError(f"the worker did not follow within {within:g} s")
            time.sleep(0.1)
    finally:
        committed.close()


def _read_back(log: Log) -> dict[int, IntArray]:
    """When each record of the log was due, by partition and offset."""
    ends = ends_of(log.address, log.topic, log.partitions)
    due = {partition: np.zeros(end, dtype=np.int64) for partition, end in enumerate(ends)}
    consumer = Consumer({"bootstrap.servers": log.address, "group.id": new_group("back")})
    try:
        consumer.assign([TopicPartition(log.topic, partition, 0) for partition in range(log.partitions)])
        left = sum(ends)
        while left:
            for message in consumer.consume(10_000, timeout=1.0):
                value = message.value()
                due[message.partition()][message.offset()] = int(value[value.rindex(b":") + 1 : -1])
                left -= 1
    finally:
        consumer.close()
    return due


class _Review:
    """Reads the review topic as it is written: when each alert came, and the positions of its transactions."""

    def __init__(self, log: Log, topic: str) -> None:
        self.seen: list[tuple[int, list[tuple[int, int]]]] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": log.address,
                "group.id": new_group("review"),
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 5,
            }
        )
        self._topic = topic
        self._has_ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "_Review":
        partitions = len(self._consumer.list_topics(self._topic, timeout=10).topics[self._topic].partitions)
        self._consumer.assign([TopicPartition(self._topic, partition, 0) for partition in range(partitions)])
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._has_ended.set()
        self._thread.join()
        self._consumer.close()

    def _read(self) -> None:
        while not self._has_ended.is_set():
            message = self._consumer.poll(0.1)
            if message is None or message.error() is not None:
                continue
            now = time.time_ns()
            positions = [t["position"] for t in json.loads(message.value())["episode"]["transactions"]]
            self.seen.append((now, [(place["partition"], place["offset"]) for place in positions]))


def _of_phase(
    phase: Phase,
    sent: dict[int, IntArray],
    acknowledged: IntArray,
    alerts: list[tuple[int, list[tuple[int, int]]]],
) -> dict[str, Any]:
    """Percentiles in milliseconds of the records due in the phase, and of the alerts the newest of which was."""
    waits = [_waits(phase, due, acknowledged[acknowledged[:, 1] == p]) for p, due in sent.items()]
    raised = [(now, max(int(sent[p][offset]) for p, offset in places)) for now, places in alerts]
    published = [now - due for now, due in raised if phase.begin_ns <= due < phase.end_ns]
    return {
        "records": _percentiles(np.concatenate(waits)),
        "alerts": _percentiles(np.array(published, dtype=np.int64)),
    }


def _waits(phase: Phase, due_ns: IntArray, notes: IntArray) -> IntArray:
    """Nanoseconds from due to acknowledged of one partition's records: the first note past their offset."""
    offsets = np.flatnonzero((due_ns >= phase.begin_ns) & (due_ns < phase.end_ns))
    places = np.searchsorted(notes[:, 2], offsets, side="right")
    waited: IntArray = notes[places, 0] - due_ns[offsets]
    return waited


def _percentiles(nanoseconds: IntArray) -> dict[str, float | None]:
    found: dict[str, float | None] = {"count": len(nanoseconds)}
    for name, percentile in PERCENTILES.items():
        found[name] = float(np.percentile(nanoseconds, percentile)) / 1e6 if len(nanoseconds) else None
    return found


def _answer(found: dict[tuple[int, bool], list[dict[str, Any]]], scale: Scale) -> Answer:
    figures: dict[str, Any] = {}
    rows = []
    for (rate, with_fits), rounds in found.items():
        name = "with_fits" if with_fits else "alone"
        of_both = {kind: _medians([each[kind] for each in rounds]) for kind in ("records", "alerts")}
        figures.setdefault(str(rate), {})[name] = of_both
        cells = [rounded(of_both[kind][p]) for kind in ("records", "alerts") for p in PERCENTILES]
        rows.append((_told(rate, with_fits), *cells, rounded(of_both["alerts"]["count"], 0)))
    heads = [f"{kind} {p.replace('_', '.')}" for kind in ("records", "alerts") for p in PERCENTILES]
    table = Table(
        "4. Latency under open-loop load: milliseconds from due to acknowledged (records), to published (alerts)",
        ("records/s", *heads, "alerts seen"),
        rows,
        (
            f"Medians of {scale.rounds} rounds of {scale.seconds:g} s at each rate, each alone and with fits: a fresh",
            "worker and the same records. Fits are models fitted one after the other by a process at the niceness of",
            "the worker's own child, on a sample of the same size; it fits once itself, before its first model.",
            f"Aim at 5,000 records/s: p99 ≤ {AIMS_MS['p99']:g} ms, p99.9 ≤ {AIMS_MS['p99_9']:g} ms.",
        ),
    )
    return Answer({"latency": figures}, [table])


def _medians(rounds: list[dict[str, float | None]]) -> dict[str, float | None]:
    of_each = {name: [each[name] for each in rounds] for name in rounds[0]}
    return {
        name: median(there) if (there := [value for value in values if value is not None]) else None
        for name, values in of_each.items()
    }


def _told(rate: int, with_fits: bool) -> str:
    return f"{rate:,}, fits beside" if with_fits else f"{rate:,}"


def _brief(of_phase: dict[str, Any]) -> str:
    records = of_phase["records"]
    return ", ".join(f"{name} {rounded(records[name])} ms" for name in PERCENTILES)
