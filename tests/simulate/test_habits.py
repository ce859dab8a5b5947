"""Accounts keep their habits: amounts, rhythm, hours, counterparties, devices, places, income."""

from collections import Counter
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import Plan
from fraudwatch.simulate.accounts import accounts_of
from fraudwatch.simulate.block import Kind
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

    def busy(self, least: int = 60) -> Iterator[IntArray]:
        """Index of the transactions of each account that has at least so many."""
        for account in range(PLAN.accounts):
            index = np.flatnonzero(self.account == account)
            if len(index) >= least:
                yield index


@pytest.fixture(name="everyday", scope="module")
def _everyday() -> Everyday:
    return Everyday(list(days_of(PLAN)))


def share_between(values: FloatArray, account: IntArray) -> float:
    """Share of the variance that is between accounts."""
    sums = np.bincount(account, values, PLAN.accounts)
    counts = np.maximum(np.bincount(account, minlength=PLAN.accounts), 1)
    return float(np.var((sums / counts)[account]) / np.var(values))


def test_amounts_cluster_around_the_accounts_own_scale(everyday: Everyday) -> None:
    assert 0.25 < share_between(everyday.log_amount, everyday.account) < 0.75
    shuffled = np.random.default_rng(0).permutation(everyday.account)
    assert share_between(everyday.log_amount, shuffled) < 0.05


def test_each_account_keeps_its_own_rate(everyday: Everyday) -> None:
    expected = accounts_of(PLAN.seed, PLAN.accounts).rate * PLAN.days
    found = np.bincount(everyday.account, minlength=PLAN.accounts)
    assert np.mean(np.abs(found - expected) < 4 * np.sqrt(expected) + 2) > 0.97
    assert np.std(np.log(expected)) > 0.4


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


def test_income_comes_once_a_month_from_one_payer_if_planned() -> None:
    days = list(days_of(msgspec.structs.replace(PLAN, income=True, days=60)))
    payers: dict[int, list[int]] = {}
    for day in days:
        is_income = day.kind == Kind.INCOME
        assert day.is_credit[is_income].all()
        for account, payer in zip(day.account[is_income], day.counterparty[is_income], strict=True):
            payers.setdefault(int(account), []).append(int(payer))
    assert len(payers) == PLAN.accounts
    assert all(len(each) in (1, 2, 3) and len(set(each)) == 1 for each in payers.values())
    assert not any((day.kind == Kind.INCOME).any() for day in days_of(msgspec.structs.replace(PLAN, days=31)))
