"""2. The pipeline alone, bytes in memory to assessments: µs a record by stage, by accounts and their activity."""

import time
from dataclasses import dataclass, field
from typing import Any

from dealt import Activity, Dealer
from prepared import chunks, fitted, fold, simulated_settings, stream
from reporting import Answer, Table, median, rounded, say
from scale import Scale

from fraudwatch.detection import Model
from fraudwatch.pipeline import Pipeline
from fraudwatch.simulate import Plan

AIM_US = 6.0
ACTIVITIES: tuple[Activity, ...] = ("uniform", "heavy_tailed")
WARM_UP_EACH = 3
"""Transactions of each account before the clock runs: then all but the newest arrivals are scored."""
A_ROUND = 5
"""Rounds share the seconds of a run."""
PER_ACCOUNT_AND_DAY = 2.0
ALERTED = 0.001
"""The budget as a share of the records, the same at every size: by the default of 40 alerts a day a stream of a
thousand accounts would alert a hundred times as often as one of a hundred thousand."""


@dataclass
class Timed:
    """Microseconds a record of one round."""

    stages: dict[str, float]
    wall: float
    cpu: float
    records: int
    alerts: int


@dataclass
class Subject:
    """One pipeline with its accounts, and its rounds so far."""

    accounts: int
    activity: Activity
    pipeline: Pipeline
    dealer: Dealer
    offset: int = 0
    rounds: list[Timed] = field(default_factory=list)


def measure(scale: Scale) -> Answer:
    """The question's answer."""
    say(f"fitting a model on {scale.trained_on:,} records")
    model = fitted(simulated_settings(), stream(Plan(accounts=2_000, days=200), scale.trained_on)).model
    subjects = [
        subject
        for accounts in scale.states
        for activity in ACTIVITIES
        for subject in (_warmed(model, accounts, activity),)
    ]
    for number in range(1, scale.rounds + 1):
        for subject in subjects:
            timed = timed_round(subject, scale.seconds / A_ROUND)
            subject.rounds.append(timed)
            say(
                f"round {number}/{scale.rounds} {subject.activity} {subject.accounts:,}: "
                f"{timed.wall:.2f} µs a record over {timed.records:,}"
            )
    return _answer(subjects, scale)


def _warmed(model: Model, accounts: int, activity: Activity) -> Subject:
    say(f"{accounts:,} accounts, {activity}: every account {WARM_UP_EACH} times")
    budget = ALERTED * PER_ACCOUNT_AND_DAY * accounts
    settings = simulated_settings({"alerts.alerts_per_day": str(budget)})
    pipeline = Pipeline(settings, model=model, timer=time.perf_counter)
    dealer = Dealer(accounts, activity, per_account_and_day=PER_ACCOUNT_AND_DAY)
    subject = Subject(accounts, activity, pipeline, dealer)
    for block in subject.dealer.everybody(WARM_UP_EACH):
        fold_block(subject, block)
    for block in subject.dealer.blocks(1):  # kernels that only now run for the first time
        fold_block(subject, block)
    return subject


def timed_round(subject: Subject, seconds: float) -> Timed:
    """Folds fresh records until so many seconds were spent in it; making the bytes is not counted."""
    stages: dict[str, float] = {}
    wall = cpu = 0.0
    records = alerts = 0
    while wall < seconds:
        for block in subject.dealer.blocks(1):
            spent, busy, of_stages, alerted = fold_block(subject, block)
            wall, cpu, records, alerts = wall + spent, cpu + busy, records + len(block), alerts + alerted
            for stage, value in of_stages.items():
                stages[stage] = stages.get(stage, 0.0) + value
    return Timed(
        {stage: value / records * 1e6 for stage, value in stages.items()},
        wall / records * 1e6,
        cpu / records * 1e6,
        records,
        alerts,
    )


def fold_block(subject: Subject, block: list[bytes]) -> tuple[float, float, dict[str, float], int]:
    ready = list(chunks(block, first_offset=subject.offset))
    subject.offset += len(block)
    stages: dict[str, float] = {}
    alerts = 0
    started, busy = time.perf_counter(), time.process_time()
    for chunk in ready:
        batch = fold(subject.pipeline, chunk)
        alerts += len(batch.alerts)
        for stage, value in batch.stage_seconds.items():
            stages[stage] = stages.get(stage, 0.0) + value
    return time.perf_counter() - started, time.process_time() - busy, stages, alerts


def _answer(subjects: list[Subject], scale: Scale) -> Answer:
    figures: dict[str, Any] = {activity: {} for activity in ACTIVITIES}
    for subject in subjects:
        figures[subject.activity][str(subject.accounts)] = _medians(subject.rounds)
    stages = list(subjects[0].rounds[0].stages)
    rows = [
        (
            f"{subject.accounts:,} {subject.activity}",
            *(rounded(found[stage], 2) for stage in (*stages, "total", "cpu")),
            rounded(found["alerts_per_1000"], 2),
        )
        for subject in subjects
        for found in (figures[subject.activity][str(subject.accounts)],)
    ]
    table = Table(
        "2. The pipeline alone: µs a record, bytes in memory to assessments",
        ("accounts and activity", *stages, "total", "CPU", "alerts in 1,000"),
        rows,
        (
            f"Default features, isolation forest, HBOS and PCA; medians of {scale.rounds} alternating rounds.",
            f"Aim: {AIM_US:g} µs at 100,000 accounts, at most twice that at 1,000,000.",
        ),
    )
    return Answer({"pipeline_stages": figures}, [table])


def _medians(rounds: list[Timed]) -> dict[str, float]:
    found = {stage: median(timed.stages[stage] for timed in rounds) for stage in rounds[0].stages}
    return found | {
        "total": median(timed.wall for timed in rounds),
        "cpu": median(timed.cpu for timed in rounds),
        "alerts_per_1000": 1e3
        * sum(timed.alerts for timed in rounds)
        / sum(timed.records for timed in rounds),
    }
