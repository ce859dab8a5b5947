"""The budget is the contract also where the stream does not stand still: weekends, drift, growth, another model."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from fraudwatch.alerts import Kind, Policy
from fraudwatch.config.settings import Alerts, Settings
from fraudwatch.records import FloatArray, IntArray, Reason, Transaction

DAY_MS = 86_400_000
START_MS = 1_533_686_400_000
DAYS, ACCOUNTS, PER_DAY, BUDGET = 70, 4_000, 5_000, 40.0
WEEK_MS = 7 * DAY_MS


class Stream(msgspec.Struct, frozen=True):
    """How scored transactions are drawn; scores fall by the factor 10 a unit."""

    seed: int = 1
    weekend_volume: float = 1.0
    weekend_scores: float = 0.0
    drift_a_day: float = 0.0
    growth_a_day: float = 0.0
    strange_accounts: float = 0.0
    """Standard deviation of the accounts' own levels."""
    new_model_on: int = DAYS
    """From this day on another model gives other scores."""
    cases: bool = False
    """Four in 1,000 accounts at a time, for a week each."""


SETTLED = {
    "calm": Stream(),
    "weekends": Stream(weekend_volume=0.4, weekend_scores=0.3),
    "more and more transactions": Stream(growth_a_day=0.01),
    "scores that rise": Stream(drift_a_day=0.01),
    "scores that rise fast": Stream(drift_a_day=0.03),
    "scores that fall": Stream(drift_a_day=-0.01),
    "accounts that differ": Stream(strange_accounts=0.3),
    "another model on a Wednesday": Stream(new_model_on=35),
    "another model on a Saturday": Stream(new_model_on=38, weekend_volume=0.4, weekend_scores=0.2),
    "cases": Stream(cases=True),
    "all at once": Stream(1, 0.4, 0.2, 0.01, 0.005, 0.2, 38, cases=True),
}


def drawn(stream: Stream) -> tuple[IntArray, IntArray, FloatArray]:
    """Accounts, event times (of the stream's own clock) and scores."""
    draw = np.random.default_rng(stream.seed)
    days = np.arange(DAYS)
    is_weekend = days % 7 >= 5
    volumes = PER_DAY * np.exp(stream.growth_a_day * days) * np.where(is_weekend, stream.weekend_volume, 1.0)
    day = np.repeat(days, draw.poisson(volumes))
    times = np.sort(day * DAY_MS + draw.integers(0, DAY_MS, len(day)))
    accounts = draw.integers(0, ACCOUNTS, len(day))
    scores = draw.exponential(1 / np.log(10), len(day))
    scores += stream.strange_accounts * draw.standard_normal(ACCOUNTS)[accounts]
    scores += stream.weekend_scores * is_weekend[day] + stream.drift_a_day * times / DAY_MS
    if stream.cases:
        scores += 3.0 * ((accounts * 1_000_003 + times // WEEK_MS * 7_919) % 1_000 < 4)
    return accounts, times, np.where(day >= stream.new_model_on, 1.7 * scores - 0.3, scores)


def alerts_by_day(stream: Stream, reason: Reason, partitions: int = 1) -> IntArray:
    """How many alerts are opened on each day; the first model was fitted on the week before the first day."""
    accounts, times, scores = drawn(stream)
    draw = np.random.default_rng(stream.seed + 1_000)
    hashes, ids = draw.integers(-(2**63), 2**63 - 1, ACCOUNTS), draw.integers(-(2**63), 2**63 - 1, len(times))
    is_first_week = times < WEEK_MS
    week_before = (scores - stream.drift_a_day * times / DAY_MS)[is_first_week]
    opened = np.zeros(DAYS, dtype=np.int64)
    for partition in range(partitions):
        own = np.flatnonzero(accounts % partitions == partition)
        settings = Settings(alerts=Alerts(alerts_per_day=BUDGET))
        policy = Policy(settings, partition=partition, partitions=partitions)
        policy.use(draw.choice(week_before, 20_000), len(week_before) / 7 / partitions, "model-1")
        columns = hashes[accounts[own]], START_MS + times[own], scores[own], ids[own]
        swap = int(np.searchsorted(times[own], stream.new_model_on * DAY_MS))
        opened += _days_of(policy, columns, 0, swap, reason)
        if swap < len(own):
            sample = 1.7 * scores[times < stream.new_model_on * DAY_MS] - 0.3
            rate = len(sample) / stream.new_model_on / partitions
            policy.use(draw.choice(sample, 20_000), rate, "model-2")
            opened += _days_of(policy, columns, swap, len(own), reason)
    return opened


def _days_of(policy: Policy, columns: tuple[Any, ...], begin: int, end: int, reason: Reason) -> IntArray:
    opened = np.zeros(DAYS, dtype=np.int64)
    parts = [column[:end] for column in columns]
    accounts, times, scores, _ = parts
    row = begin - 1
    while (row := policy.judge_rows(*parts, row + 1)) < end:
        account, time_ms = int(accounts[row]), int(times[row])
        payment = Transaction(f"t{row}", f"a{account}", time_ms, 100, "EUR")
        decision = policy.judge(payment, row, float(scores[row]), lambda: (reason,), account=account)
        if decision is not None and decision.kind in (Kind.OPENED, Kind.SAMPLE):
            opened[(time_ms - START_MS) // DAY_MS] += 1
    return opened


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("stream", SETTLED.values(), ids=SETTLED.keys())
def test_a_long_stream_costs_the_budget_within_a_tenth(
    reason: Callable[..., Reason], stream: Stream, partitions: int
) -> None:
    opened = alerts_by_day(stream, reason(), partitions)
    assert opened.mean() == pytest.approx(BUDGET, rel=0.1)
    assert opened[-28:].mean() == pytest.approx(BUDGET, rel=0.1)
    assert opened.max() <= 2 * BUDGET


def test_the_week_after_another_model_costs_the_budget_within_a_fifth(reason: Callable[..., Reason]) -> None:
    weeks = [alerts_by_day(Stream(seed, new_model_on=35), reason())[35:42].mean() for seed in range(4)]
    assert weeks == pytest.approx([BUDGET] * 4, rel=0.2)


def test_a_prior_that_is_wrong_is_repaid(reason: Callable[..., Reason]) -> None:
    """The first week is dearer by scores four times as frequent as the training sample said, the next ones cheaper."""
    stream = Stream(seed=3)
    accounts, times, scores = drawn(stream)
    policy = Policy(Settings(alerts=Alerts(alerts_per_day=BUDGET)), partition=0, partitions=1)
    policy.use(scores[:20_000] - np.log10(4.0), PER_DAY, "model-1")
    ids = np.random.default_rng(3).integers(-(2**63), 2**63 - 1, len(scores))
    opened = _days_of(policy, (accounts, START_MS + times, scores, ids), 0, len(scores), reason())
    assert opened[:7].mean() > 1.02 * BUDGET
    assert opened[:28].mean() == pytest.approx(BUDGET, rel=0.05)


def low_edges(stream: Stream, budget: float, reason: Reason) -> FloatArray:
    """Of the alerts of each seed from the third week on, the part whose edge was low."""
    accounts, times, scores = drawn(stream)
    policy = Policy(Settings(alerts=Alerts(alerts_per_day=budget)), partition=0, partitions=1)
    policy.use(scores[:20_000], PER_DAY, "model-1")
    ids = np.random.default_rng(3).integers(-(2**63), 2**63 - 1, len(scores))
    parts = accounts, START_MS + times, scores, ids
    row, low = -1, []
    while (row := policy.judge_rows(*parts, row + 1)) < len(scores):
        payment = Transaction(f"t{row}", f"a{accounts[row]}", int(parts[1][row]), 100, "EUR")
        decision = policy.judge(payment, row, scores[row], lambda: (reason,), account=int(accounts[row]))
        if decision is not None and decision.is_published and times[row] > 2 * WEEK_MS:
            low.append(decision.edge_is_low)
    return np.array(low, dtype=np.float64)


@pytest.mark.parametrize("budget", [10.0, 40.0, 400.0])
@pytest.mark.parametrize("stream", [Stream(), SETTLED["accounts that differ"], SETTLED["weekends"]])
def test_a_stream_without_anything_unusual_has_a_low_edge(
    reason: Callable[..., Reason], stream: Stream, budget: float
) -> None:
    assert low_edges(stream, budget, reason()).mean() > 0.95


def test_where_cases_fill_the_budget_the_edge_is_not_low(reason: Callable[..., Reason]) -> None:
    """16 accounts at a time are cases, of a week each: some 2 openings a day."""
    assert low_edges(Stream(cases=True), 2.0, reason()).mean() < 0.05
    assert low_edges(Stream(cases=True), 100.0, reason()).mean() > 0.95
