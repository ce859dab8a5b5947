"""6. Two workers on two cores against one, and what an event costs as the history of its account grows.

    python tests/benchmarks/scaling.py CORE ACCOUNTS SECONDS MODEL

is one of the bare pipelines, held to one core; it says when it is ready, and begins when it is told to.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from dealt import Dealer
from end_to_end import Run, observe
from filled import filled_log, fit_models
from node import members_with_partitions
from pipeline_stages import Subject, fold_block, timed_round
from prepared import simulated_settings
from programs import ONE_THREAD, Together
from reporting import Answer, Table, median, rounded, say
from scale import Scale
from workers import Log, fraudwatch, new_group

from fraudwatch.detection import Model
from fraudwatch.pipeline import Pipeline
from fraudwatch.simulate import Plan
from fraudwatch.stream.real import read_model, real_parts

WINDOW_DAYS = 30
HISTORY_ACCOUNTS = 200
PIPELINE_ACCOUNTS = 20_000
WARM_UP_EACH = 3


class Alone(NamedTuple):
    """What bare pipelines did together."""

    records_per_second: float
    cpu_us: float


def measure(scale: Scale) -> Answer:
    """The question's answer."""
    with tempfile.TemporaryDirectory(prefix="fraudwatch-bench-model-") as place:
        model = Path(place) / "model"
        fit_models(Plan(accounts=2_000, days=200), scale, model, Path(place) / "ordinary")
        history, history_table = _by_history(scale, load_model(model))
        pipelines = _bare_pipelines(scale, model)
    workers = _workers(scale)
    figures = {"history": history, "pipelines": pipelines, "workers": workers}
    return Answer({"scaling": figures}, [_table(figures, scale), history_table])


def load_model(directory: Path) -> Model:
    """An artefact as the worker loads it."""
    model: Model = real_parts(simulated_settings()).load(read_model(directory))
    return model


def _workers(scale: Scale) -> dict[str, Any]:
    """One and two workers of one group, in turns."""
    runs: dict[int, list[Run]] = {1: [], 2: []}
    # Two workers read twice as much, and the first reads alone until the other has joined.
    with filled_log(replace(scale, log_days=2 * scale.log_days)) as log:
        for number in range(1, scale.rounds + 1):
            for members, found in runs.items():
                found.append(_run_of(log, members, scale))
                say(
                    f"round {number}/{scale.rounds}, {members} worker(s): {found[-1].records_per_second:,.0f}/s"
                )
    compared = _compared(
        {members: [run.records_per_second for run in found] for members, found in runs.items()},
        {members: [run.cpu_us for run in found] for members, found in runs.items()},
    )
    return compared | {"shortest_seconds": min(run.seconds for found in runs.values() for run in found)}


def _run_of(log: Log, members: int, scale: Scale) -> Run:
    group = new_group(f"{members}-workers")
    with ExitStack() as stack:
        programs = [stack.enter_context(fraudwatch(log, group)) for _ in range(members)]
        return observe(
            log,
            group,
            Together(programs),
            scale,
            is_ready=_all_at_work(log, group, members),
        )


def _all_at_work(log: Log, group: str, members: int) -> Callable[[Sequence[int]], bool]:
    """Whether every member has partitions, and every partition has moved since: states are restored by then."""
    since: list[int] = []

    def is_ready(offsets: Sequence[int]) -> bool:
        if not since and members_with_partitions(log.address, group) == members:
            since.extend(offsets)
        return bool(since) and all(now > then for now, then in zip(offsets, since, strict=True))

    return is_ready


def _bare_pipelines(scale: Scale, model: Path) -> dict[str, Any]:
    """One and two processes that fold, each on a core of its own, in turns."""
    runs: dict[int, list[Alone]] = {1: [], 2: []}
    for number in range(1, scale.rounds + 1):
        for processes, found in runs.items():
            found.append(_of_pipelines(processes, scale, model))
            rate = found[-1].records_per_second
            say(f"round {number}/{scale.rounds}, {processes} bare pipeline(s): {rate:,.0f}/s")
    return _compared(
        {processes: [each.records_per_second for each in found] for processes, found in runs.items()},
        {processes: [each.cpu_us for each in found] for processes, found in runs.items()},
    )


def _of_pipelines(processes: int, scale: Scale, model: Path) -> Alone:
    """Records a second of all of them together, and the mean of what a record costs them."""
    cores = sorted(os.sched_getaffinity(0))
    accounts = min(PIPELINE_ACCOUNTS, scale.states[-1])
    children = [
        subprocess.Popen(
            [sys.executable, __file__, str(core), str(accounts), str(scale.seconds), str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | ONE_THREAD,
            text=True,
        )
        for core in cores[:processes]
    ]
    for child in children:
        _line_of(child)
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [json.loads(_line_of(child)) for child in children]
    for child in children:
        child.wait()
    return Alone(
        sum(1e6 / each["wall_us"] for each in told), sum(each["cpu_us"] for each in told) / len(told)
    )


def _line_of(child: "subprocess.Popen[str]") -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError(f"a bare pipeline ended with {child.wait()}")
    return line


def _pipeline_alone(core: int, accounts: int, seconds: float, model: Path) -> None:
    """The child: what it folds a second, making the bytes not counted."""
    os.sched_setaffinity(0, {core})
    dealer = Dealer(accounts, "uniform", seed=core)
    pipeline = Pipeline(simulated_settings(), model=load_model(model), timer=time.perf_counter)
    subject = Subject(accounts, "uniform", pipeline, dealer)
    for block in dealer.everybody(WARM_UP_EACH):
        fold_block(subject, block)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    timed = timed_round(subject, seconds)
    sys.stdout.write(json.dumps({"wall_us": timed.wall, "cpu_us": timed.cpu}) + "\n")


def _compared(rates: dict[int, list[float]], cpu_us: dict[int, list[float]]) -> dict[str, Any]:
    one, two = median(rates[1]), median(rates[2])
    cpu = {"one": median(cpu_us[1]), "two": median(cpu_us[2])}
    return {"one": one, "two": two, "ratio": two / one, "cpu_us": cpu}


def _by_history(scale: Scale, model: Model) -> tuple[dict[str, Any], Table]:
    """µs a record where an account holds so many transactions in its longest window."""
    settings = simulated_settings({"alerts.alerts_per_day": "1"})
    subjects = {}
    for held in scale.histories:
        say(f"{HISTORY_ACCOUNTS} accounts with {held:,} transactions each in {WINDOW_DAYS} days")
        dealer = Dealer(HISTORY_ACCOUNTS, "uniform", per_account_and_day=held / WINDOW_DAYS)
        pipeline = Pipeline(settings, model=model, timer=time.perf_counter)
        subjects[held] = Subject(HISTORY_ACCOUNTS, "uniform", pipeline, dealer)
        for block in dealer.blocks(int(HISTORY_ACCOUNTS * held * 1.1)):
            fold_block(subjects[held], block)
    for _ in range(scale.rounds):
        for subject in subjects.values():
            subject.rounds.append(timed_round(subject, scale.seconds / 5))
    total = {held: median(timed.wall for timed in subject.rounds) for held, subject in subjects.items()}
    features = {
        held: median(timed.stages["features"] for timed in subject.rounds)
        for held, subject in subjects.items()
    }
    first = scale.histories[0]
    table = Table(
        "6b. What an event costs as its account's history grows: µs a record",
        ("held by each account", "features", "total", "features against the least"),
        [
            (
                f"{held:,}",
                rounded(features[held], 2),
                rounded(total[held], 2),
                rounded(features[held] / features[first], 2),
            )
            for held in scale.histories
        ],
        (
            f"{HISTORY_ACCOUNTS} accounts, all of it within {WINDOW_DAYS} days; medians of {scale.rounds} rounds.",
            "Read the features: the total also holds what each hour of event time costs by itself (the edge follows",
            "it), and where accounts are quiet few records share that.",
        ),
    )
    figures = {str(held): {"features": features[held], "total": total[held]} for held in scale.histories}
    return figures, table


def _table(figures: dict[str, Any], scale: Scale) -> Table:
    rows = [
        (
            name,
            rounded(figures[key]["one"], 0),
            rounded(figures[key]["two"], 0),
            rounded(figures[key]["ratio"], 2),
            rounded(figures[key]["cpu_us"]["one"]),
            rounded(figures[key]["cpu_us"]["two"]),
        )
        for name, key in (("workers on the broker", "workers"), ("bare pipelines", "pipelines"))
    ]
    return Table(
        "6a. Two on two cores against one: records/s",
        ("what", "one", "two", "ratio", "CPU µs/record, one", "two"),
        rows,
        (
            f"Medians of {scale.rounds} alternating runs on {os.cpu_count()} cores, which workers share with the",
            "broker: of two cores two workers cannot have one each. Bare pipelines are held to theirs.",
            f"The shortest run of workers was measured over {figures['workers']['shortest_seconds']:.1f} s.",
            "A ratio below 2 with the same CPU a record says that the cores were busy with something else.",
        ),
    )


if __name__ == "__main__":
    _pipeline_alone(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
