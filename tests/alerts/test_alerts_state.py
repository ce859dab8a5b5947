"""A policy goes on from its state as if it had never stopped."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fraudwatch.alerts import Decision, Policy
from fraudwatch.alerts.account_days import ACCOUNT_DAY
from fraudwatch.alerts.edge import Budget, Edge
from fraudwatch.config.settings import Alerts, Settings
from fraudwatch.errors import SnapshotError
from fraudwatch.records import Reason, Theme, Transaction

START_MS = 1_533_686_400_000
ROWS = 6_000

Rows = tuple[Any, Any, Any, Any]


@pytest.fixture
def rows() -> Rows:
    """Three weeks of 60 accounts, a twentieth of the rows late, one account always strange, and one strange hour."""
    draw = np.random.default_rng(5)
    times = START_MS + np.cumsum(draw.exponential(3e5, ROWS)).astype(np.int64)
    times -= (draw.random(ROWS) < 0.05) * draw.integers(0, 90_000_000, ROWS)
    places = draw.integers(0, 60, ROWS)
    scores = draw.exponential(0.8, ROWS) + 4.0 * (places == 7)
    scores[3_500:3_600] += 5.0
    accounts = draw.integers(-(2**63), 2**63 - 1, 60)[places]
    return accounts, times, scores, draw.integers(-(2**63), 2**63 - 1, ROWS)


def started() -> Policy:
    policy = Policy(Settings(alerts=Alerts(alerts_per_day=3, explore=0.3)), partition=2, partitions=3)
    policy.use(np.random.default_rng(6).exponential(0.4, 2_000), 100.0, "model-1")
    return policy


def decided(policy: Policy, rows: Rows, reasons: tuple[Reason, ...], begin: int, end: int) -> list[Decision]:
    decisions = []
    row = begin - 1
    while (row := policy.judge_rows(*(column[:end] for column in rows), row + 1)) < end:
        account, time_ms, score = int(rows[0][row]), int(rows[1][row]), float(rows[2][row])
        transaction = Transaction(f"t{row}", f"a{account}", time_ms, 100, "EUR")
        decision = policy.judge(transaction, row, score, lambda: reasons, account=account)
        if decision is not None:
            decisions.append(decision)
    return decisions


def resumed(policy: Policy) -> Policy:
    return Policy.of(
        Settings(alerts=Alerts(alerts_per_day=3, explore=0.3)), policy.state(), partition=2, partitions=3
    )


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("stop", [0, 1, 500, 3_550, 5_000])
def test_a_policy_that_resumes_decides_as_one_that_never_stopped(
    rows: Rows, reason: Callable[..., Reason], stop: int, is_shared: bool, request: pytest.FixtureRequest
) -> None:
    """Also in the midst of the strange hours: what their accounts share leaves nothing to be cut."""
    if not is_shared:
        request.getfixturevalue("nothing_shared")
    reasons = (reason(), reason("VEL", theme=Theme.RHYTHM if is_shared else Theme.AMOUNT, value=None))
    whole, parted = started(), started()
    decisions = decided(whole, rows, reasons, 0, ROWS)
    assert len({decision.kind for decision in decisions}) == (4 if is_shared else 5)

    before = decided(parted, rows, reasons, 0, stop)
    again = resumed(parted)
    assert again.cut == parted.cut
    assert before + decided(again, rows, reasons, stop, ROWS) == decisions
    assert (again.cut, again.cut_total) == (whole.cut, whole.cut_total)
    assert same(again.state(), whole.state())


def test_a_state_is_not_touched_by_what_follows(rows: Rows, reason: Callable[..., Reason]) -> None:
    policy = started()
    decided(policy, rows, (reason(),), 0, 2_000)
    state = policy.state()
    kept = {name: array.copy() for name, array in state.items()}
    assert same(resumed(policy).state(), state)
    decided(policy, rows, (reason(),), 2_000, ROWS)
    assert same(kept, state)
    assert not same(policy.state(), state)


def test_what_was_opened_since_the_edge_was_estimated_moves_it_at_the_next_estimate_only() -> None:
    edge = started().edge
    for _ in range(5):
        edge.opened()
    again = Edge.of(Budget(3.0, 0.3, 3), edge.state())
    assert (again.raised_from, again.explored_below) == (edge.raised_from, edge.explored_below)
    later = np.array([START_MS + 86_400_000])
    for each in (edge, again):
        each.observe_rows(np.zeros(1, dtype=np.int64), later, np.zeros(1), np.zeros(1, dtype=np.int64))
        each.observe_rows(
            np.zeros(1, dtype=np.int64), later + 7_200_000, np.zeros(1), np.zeros(1, dtype=np.int64)
        )
    assert again.raised_from == edge.raised_from
    assert again.raised_from != started().edge.raised_from


def test_a_policy_without_a_model_has_a_state_too() -> None:
    policy = Policy(Settings(), partition=0, partitions=1)
    again = Policy.of(Settings(), policy.state(), partition=0, partitions=1)
    assert again.edge.raised_from == float("inf")
    with pytest.raises(RuntimeError, match="call use"):
        again.judge_rows(*(np.zeros(1, dtype=np.int64),) * 2, np.zeros(1), np.zeros(1, dtype=np.int64))


def test_another_budget_counts_from_the_first_moment_on(rows: Rows) -> None:
    edge = started().edge
    assert Edge.of(Budget(30.0, 0.3, 3), edge.state()).raised_from < edge.raised_from


def test_an_account_day_takes_32_bytes_of_a_state(rows: Rows) -> None:
    edge = started().edge
    edge.observe_rows(*(column[:1] for column in rows))
    arrays = [array for name, array in edge.state().items() if name.startswith("account_days.")]
    assert sum(array.nbytes for array in arrays) == ACCOUNT_DAY.itemsize == 32


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """To the bit, but for the order of the account-days."""
    return one.keys() == other.keys() and all(
        np.array_equal(in_order(one)[name], in_order(other)[name]) for name in one
    )


def in_order(state: dict[str, Any]) -> dict[str, Any]:
    held = state["edge.clock"][-1]
    accounts = state["edge.account_days.account"]
    order = np.lexsort((accounts, np.arange(len(accounts)) >= held))
    return {
        name: array[order] if name.startswith("edge.account_days.") else array
        for name, array in state.items()
    }


def test_a_state_of_before_there_were_shocks_is_gone_on_with(rows: Rows) -> None:
    """It had counted the prior among its own days."""
    edge = started().edge
    edge.observe_rows(*(column[:200] for column in rows))
    of_late = ("prior", "of_late", "hour.accounts", "hour.scores", "hour.shock")
    saved = edge.state()
    before = {name: array for name, array in saved.items() if name not in of_late}
    before["histogram"] = saved["histogram"] + saved["prior"]
    before["observed"] = saved["observed"] + np.append(saved["of_late"][:2], [0.0, 0.0])
    again = Edge.of(Budget(3.0, 0.3, 3), before)
    assert again.observed_days == pytest.approx(edge.observed_days)
    assert (again.raised_from, again.shift) == (edge.raised_from - edge.shift, 0.0)


@pytest.mark.parametrize(
    ("name", "forged"),
    [
        ("prior", np.full(6_500, -1.0)),
        ("of_late", np.full(4, np.nan)),
        ("hour.scores", np.arange(32.0)),
        ("hour.scores", np.zeros(31)),
        ("hour.accounts", np.zeros(32)),
        ("hour.shock", np.full(5, -1.0)),
        ("hour.shock", np.zeros(6)),
    ],
)
def test_a_forged_hour_is_no_state(name: str, forged: Any) -> None:
    with pytest.raises(SnapshotError):
        Edge.of(Budget(3.0, 0.3, 3), started().edge.state() | {name: forged})
