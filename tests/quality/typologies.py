"""Are labelled cases found by their typology's lane? The product's own generator (issue 6, gate 3)."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from gates import Gate, say
from prepared import simulated_settings
from useless_lanes import useless_lanes

from fraudwatch.backtest import span
from fraudwatch.backtest.folding import Folding
from fraudwatch.features import LANES
from fraudwatch.records import IntArray
from fraudwatch.simulate import Plan, Typology
from fraudwatch.simulate.block import NO_CASE, Kind
from fraudwatch.simulate.cases import TYPOLOGY_OF_KIND
from fraudwatch.simulate.rows import lines, slices
from fraudwatch.simulate.stream import Day, days_of

LANE_OF = {lane.code: lane.name for lane in LANES}
SEEDS = range(1, 9)
PLAN = Plan(typologies=tuple(typology for typology in Typology if typology.value in LANE_OF))
"""The generator's default, 5,000 accounts over 90 days and three cases a day, of the typologies that have a lane."""

BUDGET = 0.001
"""Alerts, of both queues, for each transaction."""
HOUR_MS = 3_600_000
USELESS = 6
"""Lanes for no typology at all, with which every seed is run once more."""
AT_A_TIME = 2
"""Processes: a seed is one core's work."""


class Case(NamedTuple):
    """A case of the tested span: its transactions by place, ascending, with their alerts and event times."""

    typology: str
    alerts: list[str | None]
    times_ms: list[int]

    @property
    def first(self) -> int | None:
        """Which of its transactions is the first in an alert."""
        return next((place for place, alert in enumerate(self.alerts) if alert is not None), None)


class Found(NamedTuple):
    """What a run came to: cases, and of each alert that was opened its lane, None of the amount queue."""

    cases: list[Case]
    lanes: dict[str, str | None]
    days: int
    lane_alerts_per_day: float
    """The share of the budget that one lane has."""


def measure(data: Path) -> list[Gate]:
    """The gates over all seeds; `data` is not needed."""
    plans = [msgspec.structs.replace(PLAN, seed=seed) for seed in SEEDS]
    with ProcessPoolExecutor(AT_A_TIME, mp_context=get_context("spawn")) as processes:
        runs = list(processes.map(run, plans))
        diluted = list(processes.map(run_with_useless_lanes, plans))
    return [*gates_of(runs), cost_of_useless_lanes(runs, diluted)]


def run_with_useless_lanes(plan: Plan) -> Found:
    """The same budget, shared with lanes that are of no use."""
    with useless_lanes(USELESS):
        return run(plan)


def run(plan: Plan) -> Found:
    """A model of the first half of the days, its alerts on the second; cases that begin in the second half count."""
    first_tested = plan.days // 2
    rates = [len(day) for day in days_of(msgspec.structs.replace(plan, days=14))]
    settings = simulated_settings({"alerts.alerts_per_day": str(BUDGET * float(np.mean(rates)))})
    begin, until = plan.start, plan.start + timedelta(days=first_tested - 1)
    folding = Folding(settings, "simulated", train_span=span(begin, until, "train"))
    labels = Labels()
    alerts: list[str | None] = []
    times: list[IntArray] = []
    lanes: dict[str, str | None] = {}
    for folded in folding.fold(_rows(plan, labels)):
        found = folded.batch.assessments
        alerts += [found.alert_ids.get(row) for row in range(len(found.transactions))]
        times.append(found.transactions.event_time_ms)
        for alert in folded.batch.alerts:
            lanes.setdefault(alert.alert_id, alert.lane)
    cases = cases_of(labels, alerts, np.concatenate(times), first_tested)
    of_lane = folding.pipelines[0].policy.lanes.share
    result = Found(cases, lanes, plan.days - first_tested, of_lane)
    watched = len(folding.pipelines[0].policy.lanes)
    say(
        f"seed {plan.seed}, {watched} lanes: {len(cases)} cases, {sum(c.first is not None for c in cases)} found"
    )
    return result


def gates_of(runs: list[Found]) -> list[Gate]:
    """All runs pooled."""
    cases = [case for found in runs for case in found.cases]
    recalls = recalls_of(cases)
    gates = [
        Gate(
            "typologies_mean",
            _mean_without_slow_ramp(recalls),
            0.80,
            True,
            f"mean recall by case over the typologies without slow ramp, {BUDGET:.1%} of transactions as alerts",
        )
    ]
    for typology, recall in recalls.items():
        limit = {"ATO": 0.40, "RAMP": None}.get(typology, 0.70)
        count = sum(case.typology == typology for case in cases)
        gates.append(Gate(f"recall_{LANE_OF[typology]}", recall, limit, True, f"of {count} cases"))
    first, hours = _time_to_detection(cases)
    return [
        *gates,
        Gate(
            "first_reason",
            _named(runs),
            0.90,
            True,
            "of alerts with a case those whose lane is its typology's",
        ),
        Gate(
            "lane_alerts",
            _realised(runs),
            2.0,
            False,
            "alerts of the busiest lane over its share of the budget",
        ),
        Gate("detected_at_transaction", first, None, False, "median over the cases found, the first being 1"),
        Gate(
            "detected_after_hours",
            hours,
            None,
            False,
            "median over the cases found, since their first transaction",
        ),
    ]


def cost_of_useless_lanes(runs: list[Found], diluted: list[Found]) -> Gate:
    """What the mean loses."""
    mean, left = (
        _mean_without_slow_ramp(recalls_of([case for found in of for case in found.cases]))
        for of in (runs, diluted)
    )
    cost = None if mean is None or left is None else mean - left
    meaning = f"of typologies_mean, the budget of the lanes shared with {USELESS} that are noise"
    return Gate("useless_lanes_cost", cost, 0.15, False, meaning)


def recalls_of(cases: list[Case]) -> dict[str, float | None]:
    """By typology, in the order of the lanes: the share of cases of which a transaction is in an alert."""
    found: dict[str, float | None] = {}
    for typology in LANE_OF:
        of = [case.first is not None for case in cases if case.typology == typology]
        found[typology] = float(np.mean(of)) if of else None
    return found


def _mean_without_slow_ramp(recalls: dict[str, float | None]) -> float | None:
    known = [recall for typology, recall in recalls.items() if typology != "RAMP" and recall is not None]
    return float(np.mean(known)) if len(known) == len(recalls) - 1 else None


def _named(runs: list[Found]) -> float | None:
    """Each alert counts once."""
    right = [
        found.lanes.get(alert) == LANE_OF[case.typology]
        for found in runs
        for case in found.cases
        for alert in {alert for alert in case.alerts if alert is not None}
    ]
    return float(np.mean(right)) if right else None


def _realised(runs: list[Found]) -> float:
    opened = Counter(lane for found in runs for lane in found.lanes.values() if lane is not None)
    nominal = sum(found.days * found.lane_alerts_per_day for found in runs)
    return max(opened.values(), default=0) / nominal


def _time_to_detection(cases: list[Case]) -> tuple[float | None, float | None]:
    """Medians: which transaction of a case is the first in an alert, and hours since the case began."""
    at = [(case, case.first) for case in cases]
    found = [
        (place + 1, (case.times_ms[place] - case.times_ms[0]) / HOUR_MS)
        for case, place in at
        if place is not None
    ]
    if not found:
        return None, None
    transactions, hours = np.median(found, axis=0)
    return float(transactions), float(hours)


class Labels:
    """What the generator says beside the rows it has given so far, day by day."""

    def __init__(self) -> None:
        self.cases: list[IntArray] = []
        self.kinds: list[IntArray] = []

    def add(self, day: Day) -> None:
        """The next day."""
        self.cases.append(day.case.astype(np.int64))
        self.kinds.append(day.kind.astype(np.int64))


def cases_of(labels: Labels, alerts: list[str | None], times: IntArray, first_tested: int) -> list[Case]:
    """The cases that begin on or after a day; of each row in its order there is an alert, or none, and a time."""
    case, kind = np.concatenate(labels.cases), np.concatenate(labels.kinds)
    begun = sum(map(len, labels.cases[:first_tested]))
    order = np.argsort(case, kind="stable")
    found = []
    for places in np.split(order, np.flatnonzero(np.diff(case[order])) + 1):
        if case[places[0]] != NO_CASE and places[0] >= begun:
            typology = TYPOLOGY_OF_KIND[Kind(int(kind[places[0]]))].value
            found.append(Case(typology, [alerts[place] for place in places.tolist()], times[places].tolist()))
    return found


def _rows(plan: Plan, labels: Labels) -> Iterator[bytes]:
    for day in days_of(plan):
        labels.add(day)
        for part in slices(day):
            for line in lines(day, part, plan.currency):
                yield line.encode()
