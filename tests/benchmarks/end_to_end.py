"""1. Records a second and CPU a record of one worker process, on a real broker, beside three others.

Everybody reads the same filled topic with a model given beforehand. What is counted is what the group has committed,
asked from outside; the clock runs from the first commit at or past the warm-up (most accounts are then known, so most
transactions are scored) to the last one within the run. Runs alternate; the figures are medians.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from filled import filled_log
from node import Committed
from programs import Program, ProgramFailedError
from reporting import Answer, Table, median, rounded, say, spread
from scale import Scale
from workers import Log, floor, fraudwatch, new_group, quix_streams, stock_faust

LOOK_SECONDS = 0.025
STARTS_WITHIN_SECONDS = 180
STANDS_STILL_SECONDS = 20

AIMS = (("floor", 0.3), ("stock_faust", 20.0), ("quixstreams", 5.0))

SAME_JOB = {"alerts.typology_share": "0"}
"""The others have one queue, that of amounts. With both, fraudwatch raises and sends twice as many."""


class Run(NamedTuple):
    """One run of one program."""

    records_per_second: float
    cpu_us: float
    records: int
    seconds: float


class Look(NamedTuple):
    """A commit seen from outside."""

    at: float
    records: int
    cpu: float


def measure(scale: Scale) -> Answer:
    """The question's answer."""
    with filled_log(scale) as log:
        runs = alternate(log, scale, programs(log, scale))
    return answer(runs, scale)


def programs(log: Log, scale: Scale) -> dict[str, Callable[[str], AbstractContextManager[Program]]]:
    """How each of them is started with a group's name."""
    found: dict[str, Callable[[str], AbstractContextManager[Program]]] = {
        "fraudwatch": lambda group: fraudwatch(log, group, SAME_JOB),
        "stock_faust": lambda group: stock_faust(log, group),
        "floor": lambda group: floor(log, group),
    }
    if scale.quix_python is not None:
        python: Path = scale.quix_python
        found["quixstreams"] = lambda group: quix_streams(log, group, python)
    return found


def alternate(
    log: Log, scale: Scale, started: dict[str, Callable[[str], AbstractContextManager[Program]]]
) -> dict[str, list[Run]]:
    """Each program once a round, so that what slows the machine for a while slows all of them."""
    runs: dict[str, list[Run]] = {name: [] for name in started}
    for number in range(1, scale.rounds + 1):
        for name, start in started.items():
            group = new_group(name)
            with start(group) as program:
                run = observe(log, group, program, scale)
            runs[name].append(run)
            say(
                f"round {number}/{scale.rounds} {name}: {run.records_per_second:,.0f} records/s, "
                f"{run.cpu_us:.1f} µs CPU each, {run.records:,} records in {run.seconds:.1f} s"
            )
    return runs


def observe(
    log: Log,
    group: str,
    program: Program,
    scale: Scale,
    is_ready: Callable[[Sequence[int]], bool] = lambda offsets: True,
) -> Run:
    """Look at the group's commits, from when it is ready until the run is over, or the log is."""
    committed = Committed(log.address, log.topic, group, log.partitions)
    try:
        looks = _looks(log, committed, program, scale, is_ready)
    finally:
        committed.close()
    first, last = looks[0], looks[-1]
    records, seconds = last.records - first.records, last.at - first.at
    if not records:
        raise ProgramFailedError(
            f"{program.name} committed nothing within {scale.seconds:g} s after its warm-up"
        )
    return Run(records / seconds, (last.cpu - first.cpu) / records * 1e6, records, seconds)


def _looks(
    log: Log, committed: Committed, program: Program, scale: Scale, is_ready: Callable[[Sequence[int]], bool]
) -> list[Look]:
    """The commits from the warm-up on. The floor begins again at the end of the log: then a whole log is behind it."""
    looks: list[Look] = []
    before, passes, moved_at = 0, 0, time.monotonic() + STARTS_WITHIN_SECONDS - STANDS_STILL_SECONDS
    while True:
        program.require_running()
        by_partition, at = committed.offsets(), time.monotonic()
        offsets = sum(by_partition)
        if offsets != before:
            passes += offsets < before
            before, moved_at = offsets, at
            if looks or ((passes or offsets >= scale.warm_up) and is_ready(by_partition)):
                looks.append(Look(at, passes * log.records + offsets, program.cpu_seconds()))
        is_over = bool(looks) and (
            looks[-1].at - looks[0].at >= scale.seconds
            or (offsets == log.records and program.name != "floor")
        )
        if is_over:
            return looks
        if at - moved_at > STANDS_STILL_SECONDS:
            raise ProgramFailedError(
                f"{program.name} committed nothing for a while:\n{program.messages[-2000:]}"
            )
        time.sleep(LOOK_SECONDS)


def answer(runs: dict[str, list[Run]], scale: Scale) -> Answer:
    names = ("fraudwatch", "stock_faust", "quixstreams", "floor")
    rates = {
        name: median(r.records_per_second for r in runs[name]) if name in runs else None for name in names
    }
    cpu = {name: median(r.cpu_us for r in runs[name]) if name in runs else None for name in names}
    ratios = {name: _ratio(rates["fraudwatch"], rates[name]) for name, _ in AIMS}
    rows = [
        (
            name,
            rounded(rates[name], 0),
            spread([run.records_per_second for run in runs[name]]) if name in runs else "not installed",
            rounded(cpu[name]),
            rounded(_ratio(rates["fraudwatch"], rates[name]), 2),
            rounded(_ratio(cpu[name], cpu["fraudwatch"]), 2),
        )
        for name in names
    ]
    shortest = min(run.seconds for several in runs.values() for run in several)
    aims = ", ".join(f"{name} ≥ {aim:g} ×" for name, aim in AIMS)
    table = Table(
        "1. End to end: one worker process on a real broker",
        ("program", "records/s", "of runs", "CPU µs/record", "fraudwatch ÷ it", "its CPU ÷ ours"),
        rows,
        (
            f"Medians of {scale.rounds} alternating runs; the shortest was measured over {shortest:.1f} s.",
            f"Aims for fraudwatch against the others: {aims}.",
        ),
    )
    figures = {
        "end_to_end": rates,
        "end_to_end_cpu_us": cpu,
        "end_to_end_ratios": ratios,
        "end_to_end_runs": {name: [run._asdict() for run in several] for name, several in runs.items()},
    }
    return Answer(figures, [table])


def _ratio(above: float | None, below: float | None) -> float | None:
    return above / below if above and below else None
