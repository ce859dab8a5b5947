"""Innocent episodes that look like cases: how often, of what shape, and that they end."""

from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pytest

from fraudwatch.records import IntArray
from fraudwatch.simulate import Plan
from fraudwatch.simulate.accounts import DAY_MS, accounts_of
from fraudwatch.simulate.block import Kind, Status
from fraudwatch.simulate.lookalikes import LOOKALIKES, SET_OFF, lookalikes
from fraudwatch.simulate.stream import Day, days_of

PLAN = Plan(accounts=2_500, days=40, seed=7, cases_per_day=0)


class Found(NamedTuple):
    """The transactions of one kind in one account on nearby days."""

    time_ms: IntArray
    amount: IntArray
    status: IntArray
    is_credit: IntArray


@pytest.fixture(name="days", scope="module")
def _days() -> list[Day]:
    return list(days_of(PLAN))


def episodes(days: list[Day], kind: Kind) -> list[Found]:
    """Those of a kind; two of one account that overlap count as one."""
    rows: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for day in days:
        here = np.flatnonzero(day.kind == kind)
        columns = (day.account, day.time_ms, day.amount_minor, day.status, day.is_credit)
        for who, *rest in zip(*(column[here].tolist() for column in columns), strict=True):
            rows[who].append(tuple(rest))
    found = []
    for mine in rows.values():
        table = np.array(mine, dtype=np.int64)
        cuts = np.flatnonzero(np.diff(table[:, 0]) > LOOKALIKES[kind].days * DAY_MS / 2) + 1
        found += [Found(*part.T) for part in np.split(table, cuts)]
    return found


@pytest.mark.parametrize("kind", list(LOOKALIKES))
def test_each_kind_begins_as_often_as_its_table_says(kind: Kind) -> None:
    accounts = accounts_of(PLAN.seed, PLAN.accounts, PLAN.first_day)
    begun = expected = 0.0
    for day in range(PLAN.first_day, PLAN.first_day + 300, 10):
        blocks = [b for b in lookalikes(accounts, day, slice(None)) if b.kind[0] == kind]
        begun += sum(len(np.unique(block.account)) for block in blocks)
        is_home = accounts.is_active(day) & ~accounts.is_away(day)
        expected += LOOKALIKES[kind].often * float(np.sum(np.minimum(accounts.rate, 1.0) * is_home))
    assert abs(begun - expected) < 5 * np.sqrt(expected)


@pytest.mark.parametrize("kind", [*LOOKALIKES, *SET_OFF])
def test_an_episode_is_over_when_its_table_says(kind: Kind) -> None:
    """Nearly: exponential waiting times have no end, and what is cut off is nothing at the plan's first days."""
    accounts = accounts_of(PLAN.seed, 2_000, PLAN.first_day)
    last = (LOOKALIKES | SET_OFF)[kind].days
    late = total = 0
    for day in range(PLAN.first_day - 400, PLAN.first_day + 400, 25):
        for block in lookalikes(accounts, day, slice(None)):
            if block.kind[0] == kind:
                late += int(np.sum(block.time_ms // DAY_MS >= day + last))
                total += len(block)
    assert late <= 0.02 * total


def test_a_second_look_back_makes_only_what_is_still_going_on() -> None:
    accounts = accounts_of(PLAN.seed, PLAN.accounts, PLAN.first_day)
    kinds = {int(block.kind[0]) for block in lookalikes(accounts, PLAN.first_day, slice(None), still=20)}
    assert kinds == {Kind.WORKS, Kind.LESSONS} | (kinds & {Kind.FIRST_STEPS})


def test_what_is_declined_is_tried_again_for_the_same_sum(days: list[Day]) -> None:
    for each in episodes(days, Kind.TRIED_AGAIN):
        assert each.status[0] == Status.DECLINED
        assert len(set(each.amount.tolist())) <= 2  # two that overlap
    ends = [each.status[-1] for each in episodes(days, Kind.TRIED_AGAIN)]
    assert 0.5 < np.mean(np.array(ends) == Status.APPROVED) < 0.9


def test_a_purchase_taken_back_is_reversed_or_paid_back(days: list[Day]) -> None:
    two = [each for each in episodes(days, Kind.TAKEN_BACK) if len(each.amount) == 2]
    pairs = [each for each in two if each.amount[0] == each.amount[1]]
    assert len(pairs) > max(100, 0.9 * len(two))  # the others are halves of two that follow closely
    reversed_ones = np.array([each.status[1] == Status.REVERSED for each in pairs])
    assert np.array_equal(reversed_ones, [not each.is_credit[1] for each in pairs])
    assert 0.2 < np.mean(reversed_ones) < 0.6


def test_a_kitty_is_collected_and_spent(days: list[Day]) -> None:
    whole = [
        e
        for e in episodes(days, Kind.KITTY)
        if e.is_credit[0] and not e.is_credit[-1] and len(e.amount) <= 10
    ]
    assert len(whole) > 10
    spent = [each.amount[-1] / each.amount[:-1].sum() for each in whole]
    assert 0.7 < np.median(spent) < 1.1


def test_statuses_and_directions_are_met_in_innocent_traffic(days: list[Day]) -> None:
    status = np.concatenate([day.status for day in days])
    assert 0.01 < np.mean(status == Status.DECLINED) < 0.08
    assert 0.0005 < np.mean(status == Status.REVERSED) < 0.01
    assert 0.04 < np.mean(np.concatenate([day.is_credit for day in days])) < 0.25
