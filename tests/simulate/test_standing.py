"""What comes by itself: income, rents, bills, payrolls, takings; and the calendar that moves them."""

from collections import defaultdict
from datetime import date

import numpy as np
import pytest

from fraudwatch.records import IntArray
from fraudwatch.simulate import Plan, calendar
from fraudwatch.simulate.accounts import HOUR_MS, Accounts, accounts_of
from fraudwatch.simulate.block import Kind
from fraudwatch.simulate.counterparties import CATEGORIES
from fraudwatch.simulate.everyday import rates
from fraudwatch.simulate.plan import EPOCH
from fraudwatch.simulate.stream import Day, days_of

PLAN = Plan(accounts=800, days=91, seed=6, cases_per_day=0)


def day_of(year: int, month: int, day: int) -> int:
    return (date(year, month, day) - EPOCH).days


@pytest.fixture(name="days", scope="module")
def _days() -> list[Day]:
    return list(days_of(PLAN))


@pytest.fixture(name="accounts", scope="module")
def _accounts() -> Accounts:
    return accounts_of(PLAN.seed, PLAN.accounts, PLAN.first_day)


def column(days: list[Day], kind: Kind, name: str) -> IntArray:
    return np.concatenate([getattr(day, name)[day.kind == kind] for day in days])


@pytest.mark.parametrize(
    ("year", "month", "day"), [(2024, 4, 1), (2024, 5, 9), (2024, 5, 20), (2025, 4, 21), (2025, 12, 25)]
)
def test_public_holidays_are_those_of_france(year: int, month: int, day: int) -> None:
    assert calendar.is_holiday(day_of(year, month, day))
    assert not calendar.is_working(day_of(year, month, day))
    assert len(calendar.holidays(year)) == 11


def test_income_due_on_a_day_off_comes_on_the_working_day_before() -> None:
    fifth = calendar.PAY_RULES.index(5)
    last = calendar.PAY_RULES.index(calendar.LAST_WORKING_DAY)
    assert calendar.since_pay(day_of(2024, 5, 3))[fifth] == 0  # the 5th of May 2024 was a Sunday
    assert calendar.since_pay(day_of(2024, 5, 6))[fifth] == 3
    assert calendar.since_pay(day_of(2024, 3, 29))[last] == 0  # Easter Monday was the 1st of April
    assert calendar.since_pay(day_of(2024, 3, 28))[last] == 28


def test_every_rule_pays_once_a_month() -> None:
    year = range(day_of(2024, 1, 1), day_of(2025, 1, 1))
    for rule in calendar.PAY_RULES:
        paid = [day for day in year if calendar.is_pay_day(rule, day)]
        assert len(paid) in {12, 13}  # the first of January of the next year may come in December
        assert min(np.diff(paid)) > 20
        assert max(np.diff(paid)) < 42


def test_each_day_of_a_month_is_collected_once_and_on_a_working_day() -> None:
    march = np.sum([calendar.collected(day) for day in range(day_of(2024, 3, 1), day_of(2024, 4, 1))], axis=0)
    april = calendar.collected(day_of(2024, 4, 2))
    assert np.array_equal(march[1:30], np.ones(29))
    assert april[[1, 2, 30, 31]].all()  # the 30th and 31st of March and Easter Monday


def test_income_is_one_payers_once_a_month_and_nearly_the_same_each_time(days: list[Day]) -> None:
    amounts: dict[int, list[int]] = defaultdict(list)
    payers: dict[int, set[int]] = defaultdict(set)
    account, payer, amount = (
        column(days, Kind.INCOME, name) for name in ("account", "counterparty", "amount_minor")
    )
    assert column(days, Kind.INCOME, "is_credit").all()
    for who, whose, sum_paid in zip(account.tolist(), payer.tolist(), amount.tolist(), strict=True):
        payers[who].add(whose)
        amounts[who].append(sum_paid)
    assert 0.55 < len(payers) / PLAN.accounts < 0.8
    assert all(len(each) == 1 for each in payers.values())
    assert all(len(each) <= 4 for each in amounts.values())
    assert np.median([np.std(each) / np.mean(each) for each in amounts.values() if len(each) == 3]) < 0.08
    assert 800 < np.median(amount) / 100 < 5_000


def test_salary_day_is_a_shock_that_many_accounts_share(days: list[Day]) -> None:
    incomes = np.array([np.sum(day.kind == Kind.INCOME) for day in days])
    assert incomes.max() > 0.2 * PLAN.accounts
    assert incomes.max() > 20 * np.median(incomes)
    assert days[int(incomes.argmax())].date in {date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 29)}


def test_more_is_bought_after_pay_day_and_less_on_holidays(accounts: Accounts) -> None:
    def expected(day: int) -> float:
        return float(np.median(rates(accounts, day, slice(None))[accounts.pay_rule == 0]))

    assert expected(day_of(2024, 3, 29)) > 1.15 * expected(day_of(2024, 3, 22))
    assert expected(day_of(2024, 5, 1)) < 0.8 * expected(day_of(2024, 5, 15))


def test_a_rent_is_the_same_sum_to_the_same_landlord(days: list[Day]) -> None:
    rents: dict[int, set[tuple[int, int]]] = defaultdict(set)
    account, payee, amount = (
        column(days, Kind.RENT, name) for name in ("account", "counterparty", "amount_minor")
    )
    for who, whose, sum_paid in zip(account.tolist(), payee.tolist(), amount.tolist(), strict=True):
        rents[who].add((whose, sum_paid))
    assert len(rents) > 0.35 * PLAN.accounts
    assert all(len(each) == 1 for each in rents.values())


def test_bills_are_collected_before_people_are_up_and_never_on_days_off(days: list[Day]) -> None:
    time, category = column(days, Kind.BILLS, "time_ms"), column(days, Kind.BILLS, "category")
    assert {CATEGORIES[index].channel for index in category} == {"direct_debit"}
    assert np.all(time % (24 * HOUR_MS) < 7 * HOUR_MS)
    for day in days:
        if not calendar.is_working(day_of(day.date.year, day.date.month, day.date.day)):
            assert not np.isin(day.kind, [Kind.BILLS, Kind.INCOME, Kind.RENT, Kind.SAVINGS]).any()


def test_a_payroll_pays_the_same_people_each_month_within_minutes(
    days: list[Day], accounts: Accounts
) -> None:
    firms = defaultdict(list)
    for day in days:
        here = day.kind == Kind.PAYROLL
        for firm in np.unique(day.account[here]):
            mine = here & (day.account == firm)
            assert accounts.is_firm[firm]
            assert 3 <= mine.sum() <= 10
            assert np.ptp(day.time_ms[mine]) < 5 * 60_000
            firms[int(firm)].append(frozenset(day.counterparty[mine].tolist()))
    assert any(len(months) >= 3 for months in firms.values())
    assert all(len(set(months)) == 1 for months in firms.values())


def test_takings_are_cash_that_firms_bring(days: list[Day], accounts: Accounts) -> None:
    assert accounts.is_firm[column(days, Kind.TAKINGS, "account")].all()
    assert column(days, Kind.TAKINGS, "is_credit").all()
    assert {CATEGORIES[index].name for index in column(days, Kind.TAKINGS, "category")} == {"cash"}


def test_second_accounts_have_neither_income_nor_bills(days: list[Day], accounts: Accounts) -> None:
    for kind in (Kind.INCOME, Kind.BILLS, Kind.RENT, Kind.SAVINGS):
        assert not accounts.is_second[column(days, kind, "account")].any()
