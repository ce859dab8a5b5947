"""Accounts keep their habits: amounts, rhythm, hours, counterparties, devices, places, sleep."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import Plan
from fraudwatch.simulate.accounts import DAY_MS, Accounts, accounts_of
from fraudwatch.simulate.block import Kind, Status
from fraudwatch.simulate.counterparties import SHOPS_PER_CITY, is_in_city, is_payee
from fraudwatch.simulate.everyday import rates
from fraudwatch.simulate.stream import Day, days_of

PLAN = Plan(accounts=300, days=90, seed=4, cases_per_day=0)


class Everyday:
    """Columns of the everyday transactions of the plan, in order."""

    def __init__(self, days: list[Day]) -> None:
        def column(name: str) -> IntArray:
            return np.concatenate([getattr(day, name)[day.kind == Kind.EVERYDAY] for day in days])

        self.account = column("account")
        self.time_ms = column("time_ms")
        self.log_amount: FloatArray = np.log(column("amount_minor"))
        self.counterparty = column("counterparty")
        self.device = column("device")
        self.status = column("status")
        self.is_credit = column("is_credit")

    def busy(self, least: int = 60) -> Iterator[IntArray]:
        """Index of the transactions of each account that has at least so many."""
        for account in range(PLAN.accounts):
            index = np.flatnonzero(self.account == account)
            if len(index) >= least:
                yield index


@pytest.fixture(name="everyday", scope="module")
def _everyday() -> Everyday:
    return Everyday(list(days_of(PLAN)))


@pytest.fixture(name="accounts", scope="module")
def _accounts() -> Accounts:
    return accounts_of(PLAN.seed, PLAN.accounts, PLAN.first_day)


def share_between(values: FloatArray, account: IntArray) -> float:
    """Share of the variance that is between accounts."""
    sums = np.bincount(account, values, PLAN.accounts)
    counts = np.maximum(np.bincount(account, minlength=PLAN.accounts), 1)
    return float(np.var((sums / counts)[account]) / np.var(values))


def test_amounts_cluster_around_the_accounts_own_scale(everyday: Everyday) -> None:
    assert 0.25 < share_between(everyday.log_amount, everyday.account) < 0.75
    shuffled = np.random.default_rng(0).permutation(everyday.account)
    assert share_between(everyday.log_amount, shuffled) < 0.05


def test_each_account_keeps_its_own_rate(everyday: Everyday, accounts: Accounts) -> None:
    days = range(PLAN.first_day, PLAN.first_day + PLAN.days)
    expected = np.sum([rates(accounts, day, slice(None)) for day in days], axis=0)
    found = np.bincount(everyday.account, minlength=PLAN.accounts)
    assert np.mean(np.abs(found - expected) < 4 * np.sqrt(expected) + 2) > 0.97
    assert np.std(np.log(accounts.rate)) > 0.4


def test_each_account_keeps_its_own_hours(everyday: Everyday) -> None:
    turn = np.exp(2j * np.pi * (everyday.time_ms % 86_400_000) / 86_400_000)
    together = [abs(turn[index].mean()) for index in everyday.busy()]
    assert np.median(together) > 0.5
    centres = [np.angle(turn[index].mean()) for index in everyday.busy()]
    assert np.std(centres) > 0.3


def test_the_week_of_an_account_is_not_flat(everyday: Everyday) -> None:
    weekday = (everyday.time_ms // 86_400_000 + 3) % 7
    largest = [np.bincount(weekday[index], minlength=7).max() / len(index) for index in everyday.busy(200)]
    assert np.median(largest) > 0.2  # 1/7 = 0.14 if all days were alike


def test_most_transactions_go_to_a_few_favourites_and_some_to_new_counterparties(everyday: Everyday) -> None:
    top_five, first_times = [], []
    for index in everyday.busy(100):
        counterparty = everyday.counterparty[index].tolist()
        counts = Counter(counterparty)
        top_five.append(sum(count for _, count in counts.most_common(5)) / len(index))
        half = len(counterparty) // 2
        known = set(counterparty[:half])
        first_times.append(np.mean([each not in known for each in counterparty[half:]]))
    assert 0.35 < np.median(top_five) < 0.75
    assert 0.08 < np.median(first_times) < 0.5


def test_an_account_uses_few_devices_and_hardly_ever_a_strange_one(everyday: Everyday) -> None:
    known = everyday.device != 0
    assert 0.2 < known.mean() < 0.8
    telephone = [
        max(Counter(everyday.device[index][known[index]].tolist()).values()) / known[index].sum()
        for index in everyday.busy()
        if known[index].any()
    ]
    assert np.median(telephone) > 0.7


def test_a_telephone_is_now_and_then_replaced(everyday: Everyday) -> None:
    changed = 0
    for index in everyday.busy():
        used = everyday.device[index][everyday.device[index] != 0]
        before, after = Counter(used[: len(used) // 3].tolist()), Counter(used[-len(used) // 3 :].tolist())
        if before and after:
            changed += before.most_common(1)[0][0] != after.most_common(1)[0][0]
    busy = sum(1 for _ in everyday.busy())
    assert 0.03 < changed / busy < 0.35


def test_nobody_pays_before_the_account_is_opened(everyday: Everyday, accounts: Accounts) -> None:
    day = everyday.time_ms // DAY_MS
    assert np.all(day >= accounts.opened[everyday.account])
    later = np.unique(everyday.account[accounts.opened[everyday.account] > PLAN.first_day])
    assert 3 <= len(later) <= 40


def test_a_sleeping_account_does_nothing_and_wakes(everyday: Everyday, accounts: Accounts) -> None:
    day = everyday.time_ms // DAY_MS
    days = range(PLAN.first_day, PLAN.first_day + PLAN.days)
    asleep = np.stack([accounts.asleep_days(each) > 0 for each in days])
    assert not asleep[day - PLAN.first_day, everyday.account].any()
    assert 2 <= np.sum(asleep[:-1] & ~asleep[1:]) <= 30  # wakings
    assert 0.005 < asleep.mean() < 0.06


def test_on_a_journey_shops_are_those_of_another_city(everyday: Everyday, accounts: Accounts) -> None:
    day = everyday.time_ms // DAY_MS
    days = range(PLAN.first_day, PLAN.first_day + PLAN.days)
    away = np.stack([accounts.is_away(each) for each in days])[day - PLAN.first_day, everyday.account]
    in_city = is_in_city(everyday.counterparty)
    city = everyday.counterparty // SHOPS_PER_CITY
    is_home = city == accounts.home[everyday.account]
    assert is_home[in_city & ~away].all()
    assert is_home[in_city & away].mean() < 0.15  # somebody stays; some visit their own city
    assert 0.01 < away.mean() < 0.12


def test_nobody_is_in_two_far_cities_within_hours_but_those_who_share_an_account(
    everyday: Everyday, accounts: Accounts
) -> None:
    in_city = is_in_city(everyday.counterparty) & ~accounts.is_shared[everyday.account]
    order = np.lexsort((everyday.time_ms[in_city], everyday.account[in_city]))
    account, time, city = (
        column[in_city][order]
        for column in (everyday.account, everyday.time_ms, everyday.counterparty // SHOPS_PER_CITY)
    )
    moves = (account[1:] == account[:-1]) & (city[1:] != city[:-1])
    assert moves.sum() > 100
    assert np.diff(time)[moves].min() >= DAY_MS


def test_some_card_payments_are_declined_and_no_transfer_is(everyday: Everyday) -> None:
    declined = everyday.status == Status.DECLINED
    assert 0.01 < declined.mean() < 0.05
    assert not declined[is_payee(everyday.counterparty)].any()


def test_firms_are_paid_by_many_and_households_now_and_then(everyday: Everyday, accounts: Accounts) -> None:
    firm = accounts.is_firm[everyday.account]
    assert 0.15 < everyday.is_credit[firm].mean() < 0.45
    assert 0.005 < everyday.is_credit[~firm].mean() < 0.05
