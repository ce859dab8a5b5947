"""The edge follows from the budget and from what was observed."""

from hashlib import blake2b
from typing import Any

import numpy as np
import pytest

from fraudwatch.alerts import account_days, histogram, lanes
from fraudwatch.alerts.account_days import DAY_MS, HOUR_MS, NEVER, REFRESH_EVERY
from fraudwatch.alerts.budget import Budget, Spending
from fraudwatch.alerts.edge import Edge, warm_up
from fraudwatch.alerts.histogram import HIGHEST, LOWEST
from fraudwatch.records import FloatArray, IntArray, LaneSpec, Text, Theme

START_MS = 1_533_686_400_000
REFERENCE = -np.log10((np.arange(10_000) + 0.5) / 10_000)


KERNELS: list[Any] = [
    account_days.observe,
    account_days.slot_of,
    account_days.refill,
    histogram.kept,
    histogram.bin_of,
    histogram.decay,
    histogram.exceeded_by,
    lanes.estimate,
]


def edge_of(
    alerts_per_day: float = 10.0,
    *,
    explore: float = 0.0,
    partitions: int = 1,
    transactions_per_day: float = 1_000.0,
) -> Edge:
    edge = Edge(Budget(alerts_per_day, explore, partitions))
    edge.use(REFERENCE, transactions_per_day)
    return edge


def hash_of(account_id: str) -> int:
    return int.from_bytes(blake2b(account_id.encode(), digest_size=8).digest(), signed=True)


def observe(edge: Edge, account_id: str, event_time_ms: int, score: float) -> float:
    """One row by itself; the edge that it is compared with."""
    row = np.array([hash_of(account_id)]), np.array([event_time_ms]), np.array([score]), np.array([0])
    edge.observe_rows(*row)
    return edge.raised_from


def observe_all(edge: Edge, accounts: IntArray, times: IntArray, scores: FloatArray) -> None:
    row, ids = -1, np.zeros(len(scores), dtype=np.int64)
    while (row := edge.observe_rows(accounts, times, scores, ids, row + 1)) < len(scores):
        edge.opened()


def feed(
    edge: Edge, days: float, per_day: int, seed: int = 1, scale: float = 1.0, start_ms: int = START_MS
) -> None:
    """A stationary stream in which every transaction is another account's."""
    draw = np.random.default_rng(seed)
    count = int(days * per_day)
    scores = scale * draw.exponential(1 / np.log(10), count)
    times = start_ms + (np.arange(count) / per_day * DAY_MS).astype(np.int64)
    observe_all(edge, draw.integers(-(2**63), 2**63 - 1, count), times, scores)


def test_there_is_an_edge_as_soon_as_a_model_has_arrived() -> None:
    # 10 of 1,000 transactions a day score above 2 in a tail of 10^-x.
    assert edge_of(10.0).raised_from == pytest.approx(2.0, abs=0.02)


def test_what_was_overspent_is_repaid_and_what_was_left_is_spent() -> None:
    spending = Spending(Budget(40.0, 0.05, 1))
    for _ in range(40):
        spending.opened()
    assert spending.correction == pytest.approx(np.exp(-1 / 7))
    spending.passed(1.0)
    assert spending.correction == 1.0
    spending.passed(1.0)
    assert spending.correction == pytest.approx(np.exp(1 / 7))


def test_a_debt_is_remembered_no_longer_than_it_can_be_repaid() -> None:
    spending = Spending(Budget(40.0, 0.05, 1))
    for _ in range(10_000):
        spending.opened()
    assert spending.correction == 0.5
    spending.passed(1.0)
    for _ in range(28):
        spending.overspent += 40.0 * spending.correction
        spending.passed(1.0)
    assert spending.correction > 0.95


def test_one_alert_of_a_tiny_share_is_remembered_for_weeks() -> None:
    spending = Spending(Budget(1.0, 0.05, 20))
    spending.opened()
    spending.passed(14.0)
    assert spending.overspent == pytest.approx(0.3)
    assert spending.correction == 0.5


def test_each_partition_holds_its_share_of_the_budget() -> None:
    assert edge_of(40.0, partitions=4).raised_from == edge_of(10.0).raised_from


def test_what_explores_below_the_edge_is_not_spent_above_it() -> None:
    assert edge_of(10.0, explore=0.2).raised_from == edge_of(8.0).raised_from


def test_severities_begin_at_the_tenth_and_four_tenths_of_the_budget() -> None:
    edge = edge_of(100.0)
    assert edge.medium_from == edge_of(40.0).raised_from
    assert edge.high_from == edge_of(10.0).raised_from


def test_the_share_explored_follows_the_rate_of_scored_transactions() -> None:
    edge = edge_of(10.0, explore=0.05)
    assert edge.explored_below / 2**32 == pytest.approx(0.5 / 1_000)
    feed(edge, days=20, per_day=4_000)
    # After 20 days a seventh of the prior's day is left among ten observed ones.
    assert edge.explored_below / 2**32 == pytest.approx(0.5 / 4_000, rel=0.03)


def test_an_account_day_counts_once_with_its_highest_score() -> None:
    once, often = edge_of(), edge_of()
    observe(once, "a", START_MS, 5.0)
    for score in (3.0, 4.0, 5.0, 4.5, 5.0):
        observe(often, "a", START_MS, score)
    for edge in (once, often):
        observe(edge, "clock", START_MS + HOUR_MS, -1.0)
    assert often.rank(3.5) == pytest.approx(once.rank(3.5))
    assert often.rank(3.5) > edge_of().rank(3.5)


def test_an_account_day_ends_24_hours_after_it_was_begun() -> None:
    def rank_after(second_ms: int) -> float:
        edge = edge_of()
        observe(edge, "a", START_MS, 5.0)
        observe(edge, "a", START_MS + second_ms, 5.0)
        observe(edge, "clock", START_MS + 2 * DAY_MS, -1.0)
        return edge.rank(4.0)

    assert rank_after(DAY_MS) > 1.5 * rank_after(DAY_MS - 1)


def test_an_account_day_that_continues_an_open_episode_is_taken_back() -> None:
    edge = edge_of()
    observe(edge, "a", START_MS, 5.0)
    observe(edge, "a", START_MS + DAY_MS, 5.0)
    edge.joined(hash_of("a"), opened_ms=START_MS)
    observe(edge, "a", START_MS + DAY_MS + 1, 7.0)
    observe(edge, "clock", START_MS + DAY_MS + HOUR_MS, -1.0)
    once = edge_of()
    observe(once, "a", START_MS, 5.0)
    observe(once, "a", START_MS + DAY_MS, -1.0)
    observe(once, "clock", START_MS + DAY_MS + HOUR_MS, -1.0)
    assert edge.rank(4.0) == pytest.approx(once.rank(4.0))


def test_the_account_day_in_which_the_episode_opened_stays_counted() -> None:
    edge = edge_of()
    observe(edge, "a", START_MS, 1.0)
    observe(edge, "a", START_MS + HOUR_MS, 5.0)
    counted = edge_of()
    observe(counted, "a", START_MS, 1.0)
    observe(counted, "a", START_MS + HOUR_MS, 5.0)
    edge.joined(hash_of("a"), opened_ms=START_MS + HOUR_MS)
    for each in (edge, counted):
        observe(each, "clock", START_MS + 2 * HOUR_MS, -1.0)
    assert edge.rank(4.0) == counted.rank(4.0)


def test_the_edge_follows_the_stream_away_from_the_prior() -> None:
    edge = edge_of(10.0)
    feed(edge, days=40, per_day=1_000, scale=2.0)
    assert edge.raised_from == pytest.approx(4.0, abs=0.2)


def test_the_edge_decays_with_a_half_life_of_seven_days() -> None:
    edge = edge_of(10.0)
    feed(edge, days=30, per_day=2_000)
    before = edge.rank(1.0)
    feed(edge, days=7, per_day=24, seed=2, scale=0.0, start_ms=START_MS + 30 * DAY_MS)
    assert edge.rank(1.0) == pytest.approx(before / 2, rel=0.03)


def test_the_edge_never_moves_back_in_time_for_late_transactions() -> None:
    edge = edge_of()
    feed(edge, days=3, per_day=500)
    newest_ms, observed_days = edge.newest_ms, edge.observed_days
    for index in range(2 * REFRESH_EVERY):
        observe(edge, f"late-{index}", START_MS + index, 0.5)
    assert edge.newest_ms == newest_ms
    # Nothing but the rest of the hour since the last refresh.
    assert observed_days <= edge.observed_days <= observed_days + 1 / 24


def test_a_silence_of_a_month_does_not_lower_the_edge_as_a_calm_month_would() -> None:
    edge = edge_of(10.0)
    feed(edge, days=10, per_day=1_000)
    before = edge.raised_from
    observe(edge, "after", START_MS + 40 * DAY_MS, 0.1)
    assert before - 0.2 < edge.raised_from <= before


@pytest.mark.usefixtures("nothing_shared")
def test_the_edge_stands_still_between_two_refreshes() -> None:
    edge = edge_of()
    observe(edge, "first", START_MS, 1.0)
    edges = {observe(edge, f"a{index}", START_MS + index, 9.0) for index in range(REFRESH_EVERY - 1)}
    assert edges == {edge.raised_from}
    assert observe(edge, "next", START_MS + REFRESH_EVERY, 9.0) > max(edges)


@pytest.mark.usefixtures("nothing_shared")
def test_the_edge_is_refreshed_when_event_time_enters_another_hour() -> None:
    edge = edge_of()
    before = observe(edge, "a", START_MS + HOUR_MS - 2, 9.0)
    assert observe(edge, "b", START_MS + HOUR_MS - 1, 9.0) == before
    assert observe(edge, "c", START_MS + HOUR_MS, 9.0) != before


def test_rank_counts_the_alerts_of_a_usual_day_over_all_partitions() -> None:
    assert edge_of(10.0).rank(edge_of(10.0).raised_from) == pytest.approx(10.0)
    four = edge_of(40.0, partitions=4)
    assert four.rank(four.raised_from) == pytest.approx(40.0)
    assert four.rank(HIGHEST + 5) == 0.0


def test_another_model_starts_from_its_own_reference() -> None:
    edge = edge_of()
    feed(edge, days=5, per_day=1_000, scale=3.0)
    edge.use(REFERENCE, 1_000.0)
    assert edge.medium_from == edge_of().medium_from
    assert edge.rank(2.0) == edge_of().rank(2.0)
    assert edge.observed_days == 1.0


def test_a_budget_larger_than_the_stream_alerts_on_everything() -> None:
    assert edge_of(5_000.0).raised_from == LOWEST


@pytest.mark.parametrize("score", [float("inf"), 1e300, 60.0, 59.999999, -5.0, -1e300])
def test_scores_beyond_the_histogram_are_clamped(score: float) -> None:
    edge = edge_of()
    observe(edge, "a", START_MS, score)
    observe(edge, "b", START_MS + DAY_MS, 0.0)
    assert np.isfinite(edge.raised_from)
    assert edge.rank(score) >= 0.0


def test_accounts_of_past_days_are_forgotten() -> None:
    edge = edge_of()
    feed(edge, days=10, per_day=1_000)
    held = [np.count_nonzero(table["ends_ms"] != NEVER) for table in (edge._current, edge._former)]
    assert sum(held) <= 2_100


@pytest.mark.parametrize(
    ("reference", "rate"), [([], 10.0), ([1.0, float("nan")], 10.0), ([1.0], 0.0), ([1.0], float("inf"))]
)
def test_a_prior_without_scores_or_rate_is_refused(reference: list[float], rate: float) -> None:
    with pytest.raises(ValueError, match="training sample"):
        Edge(Budget(10.0, 0.0, 1)).use(np.array(reference), rate)


def test_judging_before_a_model_has_arrived_says_what_to_do() -> None:
    with pytest.raises(RuntimeError, match=r"call use\(\) first"):
        observe(Edge(Budget(10.0, 0.0, 1)), "a", START_MS, 1.0)


@pytest.mark.parametrize(("share", "ceiling"), [(20.0, 40), (0.8, 2), (0.1, 1)])
def test_the_ceiling_is_twice_the_share_in_whole_alerts(share: float, ceiling: int) -> None:
    assert Budget(share * 4, 0.05, 4).ceiling == ceiling


def test_what_was_warmed_up_need_not_be_compiled_again() -> None:
    warm_up()
    before = [kernel.signatures[:] for kernel in KERNELS]
    edge = edge_of(5_000.0, explore=0.2)
    accounts, times = np.arange(4_000), np.full(4_000, START_MS)
    read_only = np.zeros(4_000)
    read_only.flags.writeable = False
    strided = np.arange(12_000)[::3]
    observe_all(edge, accounts, times, read_only)
    edge.observe_rows(accounts, times + DAY_MS, read_only, strided, 7)
    edge.joined(3, START_MS - DAY_MS)
    spec = LaneSpec("a", "A", Theme.NETWORK, Text("", ""), Text("", ""))
    of_lanes = lanes.Lanes([spec] * 5, Budget(10.0, 0.0, 4))
    of_lanes.start(edge.newest_ms, edge.account_days_a_day)
    surprises = np.full((9, 4_000), 2.0)[::2]
    edge.observe_rows(accounts, times + 2 * DAY_MS, read_only, strided, 7, of_lanes, surprises)
    of_lanes.joined(3, 3, START_MS)
    assert [kernel.signatures for kernel in KERNELS] == before
