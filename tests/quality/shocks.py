"""Is the budget held on days of pay, holidays and after an outage, and are their cases found? Our own generator."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from gates import Gate, say
from prepared import simulated_settings

from fraudwatch.backtest import span
from fraudwatch.backtest.folding import Folding
from fraudwatch.records import IntArray
from fraudwatch.simulate import Plan, calendar
from fraudwatch.simulate.block import NO_CASE
from fraudwatch.simulate.rows import lines, slices
from fraudwatch.simulate.stream import days_of

SEEDS = range(101, 121)
QUIET_SEEDS = range(121, 125)
PLAN = Plan(accounts=2_500, days=66, start=date(2024, 3, 18), cases_per_day=1.5)
"""Half of the generator's default accounts and cases, over four days of many salaries and five public holidays."""
BUDGET = 20.0
"""Half of the default as well: four alerts for 1,000 transactions."""
TRAINED_DAYS = 28
OUTAGE, DARK_HOURS = date(2024, 5, 14), range(9, 15)
"""A Tuesday on which nothing arrives for six hours."""
MANY_ARE_PAID = 0.09
"""From this part of the accounts on a day of pay is a shock; on the last working day it is 0.42."""
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


class Found(NamedTuple):
    """Of one run: alerts opened by tested day, the days that are shocks, of each case its day and whether it was found,
    and of the alerts the part whose edge is low."""

    alerts: list[int]
    is_shock: list[bool]
    cases: list[tuple[bool, bool]]
    low: float


def measure(data: Path) -> list[Gate]:
    """The gates over all seeds; `data` is not needed."""
    runs = [run(msgspec.structs.replace(PLAN, seed=seed)) for seed in SEEDS]
    quiet = [run(msgspec.structs.replace(PLAN, seed=seed, cases_per_day=0.0)) for seed in QUIET_SEEDS]
    return gates_of(runs, quiet)


def run(plan: Plan) -> Found:
    """A model of the first days, its alerts on the others; cases that begin on the others count."""
    settings = simulated_settings({"alerts.alerts_per_day": str(BUDGET)})
    until = plan.start + timedelta(days=TRAINED_DAYS - 1)
    folding = Folding(settings, "simulated", train_span=span(plan.start, until, "train"))
    first_day = plan.first_day + TRAINED_DAYS
    days, cases, rows = _stream(plan)
    opened: dict[str, int] = {}
    low: list[bool] = []
    found: set[int] = set()
    place = 0
    for folded in folding.fold(rows):
        of = folded.batch.assessments
        for row, alert_id in of.alert_ids.items():
            found.add(int(cases[place + row]))
            opened.setdefault(alert_id, int(of.transactions.event_time_ms[row]) // DAY_MS)
        place += len(of.transactions)
        low += [alert.edge_is_low for alert in folded.batch.alerts]
    counts = Counter(opened.values())
    tested = range(first_day, plan.first_day + plan.days)
    begun = {int(case): int(days[np.argmax(cases == case)]) for case in np.unique(cases[cases != NO_CASE])}
    result = Found(
        [counts[day] for day in tested],
        [is_shock(day) for day in tested],
        [(is_shock(day), case in found) for case, day in begun.items() if day >= first_day],
        float(np.mean(low)) if low else 0.0,
    )
    say(
        f"seed {plan.seed}: {_mean(result.alerts):.1f} alerts a day, {_mean(_of_shocks(result)):.1f} on shocks"
    )
    return result


def is_shock(day: int) -> bool:
    """A day, since 1970, on which many accounts do the same, or none can."""
    paid = sum(
        float(weight)
        for weight, rule in zip(calendar.PAY_WEIGHTS, calendar.PAY_RULES, strict=True)
        if calendar.is_pay_day(rule, day)
    )
    return paid >= MANY_ARE_PAID or calendar.is_holiday(day) or calendar.date_of(day) == OUTAGE


def gates_of(runs: list[Found], quiet: list[Found]) -> list[Gate]:
    """All runs pooled; of `quiet` ones there is no case in the stream."""
    on_shocks = _mean([count for found in runs for count in _of_shocks(found)]) / BUDGET
    recall = {
        of: _mean([was_found for found in runs for is_of, was_found in found.cases if is_of is of])
        for of in (True, False)
    }
    return [
        Gate("shock_alerts_least", on_shocks, 0.8, True, "mean alerts of shock days over the budget"),
        Gate("shock_alerts_most", on_shocks, 1.2, False, "the same"),
        Gate(
            "day_alerts_most",
            max(count for found in runs for count in found.alerts) / BUDGET,
            2.0,
            False,
            "alerts of the dearest day of all over the budget",
        ),
        Gate("shock_recall", recall[True], None, True, "of cases that begin on a shock day those found"),
        Gate(
            "shock_recall_ratio",
            recall[True] / recall[False] if recall[False] else None,
            0.9,
            True,
            "the same over that of the cases of other days",
        ),
        Gate(
            "budget_off_by",
            abs(_mean([count for found in runs for count in found.alerts]) / BUDGET - 1.0),
            0.1,
            False,
            "of the mean alerts of all tested days from the budget",
        ),
        Gate(
            "quiet_alerts",
            _mean([count for found in quiet for count in found.alerts]) / BUDGET,
            1.0,
            False,
            "mean alerts of a stream without any case over the budget",
        ),
        Gate(
            "quiet_low_edge",
            _mean([found.low for found in quiet]),
            None,
            True,
            "of the alerts of such a stream those that say their edge is low",
        ),
    ]


def _of_shocks(found: Found) -> list[int]:
    return [count for count, is_one in zip(found.alerts, found.is_shock, strict=True) if is_one]


def _mean(values: list[int] | list[bool] | list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _stream(plan: Plan) -> tuple[IntArray, IntArray, Iterator[bytes]]:
    """Of each transaction its day and its case, and their bytes; what the outage swallowed is in none of them."""
    dark = _dark_ms()
    kept = [(day.time_ms < dark.start) | (day.time_ms >= dark.stop) for day in days_of(plan)]
    days = np.concatenate([np.full(int(of.sum()), plan.first_day + at) for at, of in enumerate(kept)])
    cases = np.concatenate([day.case[of] for day, of in zip(days_of(plan), kept, strict=True)]).astype(
        np.int64
    )

    def rows() -> Iterator[bytes]:
        for day, of in zip(days_of(plan), kept, strict=True):
            written = (line for part in slices(day) for line in lines(day, part, plan.currency))
            yield from (line.encode() for line, is_kept in zip(written, of.tolist(), strict=True) if is_kept)

    return days, cases, rows()


def _dark_ms() -> range:
    midnight = int(datetime(OUTAGE.year, OUTAGE.month, OUTAGE.day, tzinfo=UTC).timestamp()) * 1_000
    return range(midnight + DARK_HOURS.start * HOUR_MS, midnight + DARK_HOURS.stop * HOUR_MS)
