"""Two queues under one budget, over ten weeks: each costs its share, whatever becomes of the lanes."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from fraudwatch.alerts import Decision, Kind, Policy
from fraudwatch.config.settings import Alerts, Settings
from fraudwatch.records import FloatArray, IntArray, LaneSpec, Reason, Text, Theme, Transaction

DAY_MS = 86_400_000
START_MS = 1_533_686_400_000
DAYS, ACCOUNTS, PER_DAY, BUDGET = 70, 4_000, 5_000, 40.0
TEXT = Text("found", "trouvé")
LANES = [LaneSpec(name, name.upper(), Theme.NETWORK, TEXT, TEXT) for name in ("a", "b", "c", "d")]
OF_LANES = 0.95 * BUDGET / 2
"""What the typology queue may spend: half of what does not explore."""
OF_AMOUNTS = BUDGET - OF_LANES


class Stream(msgspec.Struct, frozen=True):
    """How transactions are drawn; scores and surprises fall by the factor 10 a unit."""

    seed: int = 1
    weekend_volume: float = 1.0
    drift_a_day: float = 0.0
    """Of the surprises of the first lane."""
    drift_of_all: float = 0.0
    starts_on: int = 0
    """The first lane says nothing before this day."""
    ends_on: int = DAYS
    """The first lane says nothing from this day on."""
    shocks: bool = False
    """On each tenth day the first lane is more surprising by a unit."""
    cases: bool = False
    """Every day six other accounts show the pattern of the first lane, for a week."""


STREAMS = {
    "calm": Stream(),
    "weekends": Stream(weekend_volume=0.4),
    "a lane that drifts up": Stream(drift_a_day=0.01),
    "a lane that drifts down": Stream(drift_a_day=-0.01),
    "all drift up": Stream(drift_of_all=0.01),
    "all drift down": Stream(drift_of_all=-0.005),
    "a lane that starts late": Stream(starts_on=30),
    "a lane that dies": Stream(ends_on=30),
    "a dead lane": Stream(ends_on=0),
    "shocks of a lane": Stream(shocks=True),
    "cases": Stream(cases=True),
}


class Opened(msgspec.Struct, frozen=True):
    """Openings int[DAYS] of the amount queue (samples are in it) and of each lane, and the share with a low edge."""

    amount: IntArray
    lanes: dict[str, IntArray]
    low: dict[str | None, float]

    @property
    def typology(self) -> IntArray:
        total: IntArray = sum(self.lanes.values(), np.zeros(DAYS, dtype=np.int64))
        return total


def drawn(stream: Stream) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """Accounts, event times (of the stream's own clock), scores, and surprises of the lanes."""
    draw = np.random.default_rng(stream.seed)
    days = np.arange(DAYS)
    volumes = PER_DAY * np.where(days % 7 >= 5, stream.weekend_volume, 1.0)
    day = np.repeat(days, draw.poisson(volumes))
    times = np.sort(day * DAY_MS + draw.integers(0, DAY_MS, len(day)))
    accounts = draw.integers(0, ACCOUNTS, len(day))
    scores = draw.exponential(1 / np.log(10), len(day))
    surprises = draw.exponential(1 / np.log(10), (len(LANES), len(day)))
    surprises += stream.drift_of_all * times / DAY_MS
    surprises[0] += stream.drift_a_day * times / DAY_MS
    surprises[0] += stream.shocks * (day % 10 == 9)
    surprises[0, (day < stream.starts_on) | (day >= stream.ends_on)] = 0.0
    if stream.cases:
        begun = accounts * 7_919 % DAYS
        is_case = (accounts < 6 * DAYS) & (day >= begun) & (day < begun + 7)
        surprises[0, is_case] += 4.0
    return accounts, times, scores, surprises


def opened(stream: Stream, reason: Reason, partitions: int = 1, share: float = 0.5) -> Opened:
    accounts, times, scores, surprises = drawn(stream)
    draw = np.random.default_rng(stream.seed + 1_000)
    hashes = draw.integers(-(2**63), 2**63 - 1, ACCOUNTS)
    ids = draw.integers(-(2**63), 2**63 - 1, len(times))
    found: list[Decision] = []
    for partition in range(partitions):
        own = np.flatnonzero(accounts % partitions == partition)
        settings = Settings(alerts=Alerts(alerts_per_day=BUDGET, typology_share=share))
        policy = Policy(settings, partition=partition, partitions=partitions)
        policy.use(draw.choice(scores, 20_000), PER_DAY / partitions, "model-1")
        policy.watch(LANES)
        columns = hashes[accounts[own]], START_MS + times[own], scores[own], ids[own]
        found += _decisions(policy, columns, np.ascontiguousarray(surprises[:, own]), reason)
    by_lane: dict[str | None, list[int]] = {None: [], **{lane.name: [] for lane in LANES}}
    low: dict[str | None, list[bool]] = {name: [] for name in by_lane}
    for decision in found:
        assert decision.episode is not None
        day = (decision.episode.first_ms - START_MS) // DAY_MS
        by_lane[decision.lane].append(day)
        if day >= 14:
            low[decision.lane].append(decision.edge_is_low)
    days = {name: np.bincount(of, minlength=DAYS) for name, of in by_lane.items()}
    return Opened(
        days[None],
        {name: counts for name, counts in days.items() if name is not None},
        {name: float(np.mean(of)) for name, of in low.items() if of},
    )


def _decisions(
    policy: Policy, columns: tuple[Any, ...], surprises: FloatArray, reason: Reason
) -> list[Decision]:
    accounts, times, scores, _ = columns
    found = []
    row = -1
    while (row := policy.judge_rows(*columns, row + 1, lanes=surprises)) < len(scores):
        account, time_ms = int(accounts[row]), int(times[row])
        payment = Transaction(f"t{row}", f"a{account}", time_ms, 100, "EUR")
        decision = policy.judge(
            payment, row, float(scores[row]), lambda: (reason,), account=account, lanes=surprises[:, row]
        )
        if decision is not None and decision.kind in (Kind.OPENED, Kind.SAMPLE):
            found.append(decision)
    return found


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS.keys())
def test_a_long_stream_costs_the_budget_of_each_queue_within_a_tenth(
    reason: Callable[..., Reason], stream: Stream, partitions: int
) -> None:
    found = opened(stream, reason(), partitions)
    assert found.amount.mean() == pytest.approx(OF_AMOUNTS, rel=0.1)
    assert found.typology.mean() == pytest.approx(OF_LANES, rel=0.1)
    assert (found.amount + found.typology).max() <= 2 * BUDGET
    assert max(counts.mean() for counts in found.lanes.values()) <= 2 * OF_LANES / len(LANES)


def test_what_a_dead_lane_leaves_goes_to_the_others(reason: Callable[..., Reason]) -> None:
    found = opened(STREAMS["a dead lane"], reason())
    assert found.lanes["a"].sum() == 0
    assert [found.lanes[name].mean() for name in "bcd"] == pytest.approx([OF_LANES / 3] * 3, rel=0.15)


def test_what_lanes_that_are_all_dead_leave_for_days_goes_to_the_amounts(
    reason: Callable[..., Reason],
) -> None:
    accounts, times, scores, surprises = drawn(Stream())
    policy = Policy(Settings(alerts=Alerts(alerts_per_day=BUDGET)), partition=0, partitions=1)
    policy.use(scores[:20_000], PER_DAY, "model-1")
    policy.watch(LANES)
    ids = np.random.default_rng(3).integers(-(2**63), 2**63 - 1, len(scores))
    columns = accounts, START_MS + times, scores, ids
    found = _decisions(policy, columns, np.zeros_like(surprises), reason())
    days = [(each.episode.first_ms - START_MS) // DAY_MS for each in found if each.episode is not None]
    by_day = np.bincount(days, minlength=DAYS)
    assert by_day[:4].mean() == pytest.approx(OF_AMOUNTS, rel=0.15)
    assert by_day[28:].mean() == pytest.approx(BUDGET, rel=0.1)


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_the_budget_is_split_as_the_settings_say(reason: Callable[..., Reason], share: float) -> None:
    found = opened(Stream(), reason(), share=share)
    assert found.typology.mean() == pytest.approx(0.95 * BUDGET * share, rel=0.1)
    assert (found.amount + found.typology).mean() == pytest.approx(BUDGET, rel=0.1)


def test_the_typology_queue_may_have_all_but_what_explores(reason: Callable[..., Reason]) -> None:
    found = opened(Stream(), reason(), share=1.0)
    assert found.typology.mean() == pytest.approx(0.95 * BUDGET, rel=0.1)
    assert found.amount.mean() == pytest.approx(0.05 * BUDGET, rel=0.3)


@pytest.mark.parametrize("stream", [Stream(), STREAMS["weekends"], STREAMS["all drift up"]])
def test_lanes_of_a_stream_without_anything_unusual_have_low_edges(
    reason: Callable[..., Reason], stream: Stream
) -> None:
    found = opened(stream, reason())
    assert min(found.low.values()) > 0.95


def test_where_cases_fill_a_lane_its_edge_is_not_low(reason: Callable[..., Reason]) -> None:
    found = opened(STREAMS["cases"], reason())
    assert found.low["a"] < 0.05
    assert found.low["b"] > 0.95
