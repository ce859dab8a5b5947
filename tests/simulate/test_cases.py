"""Cases: how many, in whose accounts, of what shape, and that only they carry a label."""

from collections import Counter, defaultdict
from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest

from fraudwatch.errors import ConfigurationError
from fraudwatch.records import Transaction
from fraudwatch.simulate import Labelled, Plan, Typology, transactions
from fraudwatch.simulate.accounts import DAY_MS, HOUR_MS, accounts_of
from fraudwatch.simulate.block import NO_CASE, Kind
from fraudwatch.simulate.cases import SHAPES, SLEPT_DAYS, TYPOLOGY_OF_KIND, YOUNG_DAYS
from fraudwatch.simulate.stream import days_of

PLAN = Plan(accounts=1_000, days=70, seed=2, cases_per_day=8)
Case = list[Transaction]


@pytest.fixture(name="stream", scope="module")
def _stream() -> list[Labelled]:
    return list(transactions(PLAN))


@pytest.fixture(name="cases", scope="module")
def _cases(stream: list[Labelled]) -> dict[str, list[Case]]:
    """Whole cases by typology: those that begin early enough not to be cut by the end of the plan."""
    found: dict[tuple[str, str], Case] = defaultdict(list)
    for labelled in stream:
        if labelled.case_id is not None and labelled.typology is not None:
            found[labelled.typology, labelled.case_id].append(labelled.transaction)
    last_begin = stream[-1].transaction.event_time_ms - 31 * DAY_MS
    whole: dict[str, list[Case]] = defaultdict(list)
    for (typology, _), case in found.items():
        if case[0].event_time_ms < last_begin:
            whole[typology].append(case)
    return whole


@pytest.fixture(name="usual", scope="module")
def _usual(stream: list[Labelled]) -> dict[str, float]:
    """Median of what each account pays by itself."""
    amounts: dict[str, list[int]] = defaultdict(list)
    for each in stream:
        if each.case_id is None and each.transaction.direction == "debit":
            amounts[each.transaction.account_id].append(each.transaction.amount_minor)
    return {account: float(np.median(values)) for account, values in amounts.items()}


def span_ms(case: Case) -> int:
    return case[-1].event_time_ms - case[0].event_time_ms


def debits(case: Case) -> Case:
    return [each for each in case if each.direction == "debit"]


def credits(case: Case) -> Case:
    return [each for each in case if each.direction == "credit"]


def others(case: Case) -> int:
    return len({each.counterparty_id for each in case})


def times_usual(cases: list[Case], usual: dict[str, float]) -> float:
    """Median over the cases of their median amount in multiples of what is usual for the account."""
    amounts = [
        np.median([each.amount_minor for each in case]) / usual[case[0].account_id]
        for case in cases
        if case[0].account_id in usual
    ]
    return float(np.median(amounts))


def test_labels_are_on_injected_cases_and_on_nothing_else() -> None:
    injected = np.array([int(kind) for kind in TYPOLOGY_OF_KIND])
    for day in days_of(msgspec.structs.replace(PLAN, days=6)):
        assert np.array_equal(np.isin(day.kind, injected), day.case != NO_CASE)
    assert {int(kind) for kind in Kind if kind >= 32} == set(injected.tolist())


def test_every_typology_has_a_shape() -> None:
    assert set(SHAPES) == set(Typology)
    assert len(TYPOLOGY_OF_KIND) == len(Typology)


def test_there_are_as_many_cases_as_planned_and_each_typology_has_its_share(stream: list[Labelled]) -> None:
    typology = {each.case_id: each.typology for each in stream if each.case_id is not None}
    assert 0.93 * 560 <= len(typology) <= 560
    counts = Counter(typology.values())
    assert all(32 <= counts[code.value] <= 40 for code in Typology), counts


def test_no_more_cases_begin_than_half_the_alert_slots() -> None:
    most = Plan(accounts=2_000, days=10, cases_per_day=20)
    seen: set[int] = set()
    for number, day in enumerate(days_of(most), start=1):
        seen |= set(day.case[day.is_case].tolist())
        assert len(seen) <= 20 * number
    assert len(seen) > 180


def test_the_default_plan_has_under_half_as_many_cases_as_a_budget_of_a_thousandth_has_alerts() -> None:
    transactions_a_day = np.mean([len(day) for day in days_of(Plan(days=14))])
    assert Plan().cases_per_day <= 0.5 * transactions_a_day / 1_000


def test_a_case_is_in_one_account(cases: dict[str, list[Case]]) -> None:
    assert len(cases) == len(Typology)
    assert all(len({each.account_id for each in case}) == 1 for found in cases.values() for case in found)


def test_a_large_amount_is_far_out_of_habit(cases: dict[str, list[Case]], usual: dict[str, float]) -> None:
    assert all(len(case) <= 2 and span_ms(case) < 2 * DAY_MS for case in cases["AMT"])
    assert times_usual(cases["AMT"], usual) > 20


def test_a_burst_is_large_payments_to_new_counterparties_within_two_days(
    cases: dict[str, list[Case]], usual: dict[str, float]
) -> None:
    assert all(7 <= len(case) <= 13 and span_ms(case) <= 48 * HOUR_MS for case in cases["VEL"])
    assert all(others(case) >= len(case) - 2 for case in cases["VEL"])
    assert times_usual(cases["VEL"], usual) > 3


def test_card_testing_is_tiny_amounts_at_many_shops_then_a_large_one_and_often_declined(
    cases: dict[str, list[Case]], usual: dict[str, float]
) -> None:
    found = cases["CTEST"]
    for case in found:
        tests = case[:-1]
        assert 5 <= len(tests) <= 12
        assert max(each.amount_minor for each in tests) <= 2_500
        assert span_ms(tests) <= 24 * HOUR_MS
        assert others(case) >= len(case) - 2
    assert np.median([span_ms(case[:-1]) for case in found]) < 1.5 * HOUR_MS
    assert times_usual([case[-1:] for case in found], usual) > 2.5
    assert 0.25 < np.mean([each.status == "declined" for case in found for each in case]) < 0.45


def test_a_take_over_is_few_larger_payments_within_hours_from_a_device_never_seen(
    cases: dict[str, list[Case]], stream: list[Labelled], usual: dict[str, float]
) -> None:
    elsewhere = {each.transaction.device_id for each in stream if each.case_id is None}
    for case in cases["ATO"]:
        assert 2 <= len(case) <= 5
        assert span_ms(case) <= 24 * HOUR_MS
        devices = {each.device_id for each in case}
        assert len(devices) == 1
        assert not devices & elsewhere
    assert times_usual(cases["ATO"], usual) > 3


def test_impossible_travel_is_in_shops_of_far_cities_within_hours(cases: dict[str, list[Case]]) -> None:
    homes = accounts_of(PLAN.seed, PLAN.accounts, PLAN.first_day).home
    for case in cases["GEO"]:
        assert 4 <= len(case) <= 8
        assert span_ms(case) <= 24 * HOUR_MS
        cities = {int(str(each.counterparty_id)[1:]) // 1_500 for each in case}
        assert len(cities) <= 2
        assert homes[int(case[0].account_id[1:])] not in cities


def test_unusual_hours_are_those_at_which_the_holder_sleeps(cases: dict[str, list[Case]]) -> None:
    accounts = accounts_of(PLAN.seed, PLAN.accounts, PLAN.first_day)
    distance = []
    for case in cases["NIGHT"]:
        assert 7 <= len(case) <= 12
        assert span_ms(case) <= 2 * DAY_MS
        who = int(case[0].account_id[1:])
        hours = np.array(
            [each.event_time_ms % DAY_MS / HOUR_MS + 1.0 for each in case]
        )  # most homes are UTC+1
        distance.append(np.mean(np.abs((hours - accounts.centre[who] + 12.0) % 24.0 - 12.0)))
    assert np.median(distance) > 9.0


def test_a_slow_ramp_rises_over_weeks(cases: dict[str, list[Case]]) -> None:
    rises = []
    for case in cases["RAMP"]:
        assert 9 <= len(case) <= 16
        assert 12 * DAY_MS < span_ms(case) < 29 * DAY_MS
        assert others(case) <= 2
        amounts = np.log([each.amount_minor for each in case])
        rises.append(amounts[-3:].mean() - amounts[:3].mean())
    assert np.median(rises) > 1.0


def test_a_dormant_account_has_slept_for_weeks(cases: dict[str, list[Case]], usual: dict[str, float]) -> None:
    accounts = accounts_of(PLAN.seed, PLAN.accounts, PLAN.first_day)
    for case in cases["DORM"]:
        assert 3 <= len(case) <= 7
        assert span_ms(case) <= 3 * DAY_MS
        day = case[0].event_time_ms // DAY_MS  # the first payment comes up to two days after the case begins
        who = int(case[0].account_id[1:])
        assert max(accounts.asleep_days(day - later)[who] for later in range(3)) > SLEPT_DAYS
    assert times_usual(cases["DORM"], usual) > 2


def test_round_amounts_are_fifties_to_one_or_two_payees(cases: dict[str, list[Case]]) -> None:
    for case in cases["ROUND"]:
        assert 5 <= len(case) <= 11
        assert span_ms(case) < 16 * DAY_MS
        assert others(case) <= 2
        assert all(each.amount_minor % 5_000 == 0 for each in case)


def test_structuring_keeps_just_under_one_threshold(cases: dict[str, list[Case]]) -> None:
    for case in cases["FRAC"]:
        assert 5 <= len(case) <= 10
        assert span_ms(case) < 11 * DAY_MS
        amounts = [each.amount_minor / 100 for each in case]
        assert any(
            0.8 * limit <= min(amounts) and max(amounts) < limit < sum(amounts)
            for limit in (1_000, 3_000, 10_000)
        )
    channels = {each.channel for case in cases["FRAC"] for each in case}
    assert channels == {"atm", "transfer"}


@pytest.mark.parametrize(("typology", "longest_days"), [("PASS", 9), ("MULE", 4)])
def test_what_passes_through_comes_from_strangers_and_leaves_within_days(
    cases: dict[str, list[Case]], typology: str, longest_days: int
) -> None:
    left = []
    for case in cases[typology]:
        assert case[0].direction == "credit"
        received, sent = (sum(each.amount_minor for each in part) for part in (credits(case), debits(case)))
        left.append(sent / received)
        assert span_ms(case) < longest_days * DAY_MS
    assert 0.85 < np.median(left) < 1.01
    assert np.mean([each.channel == "atm" for case in cases["MULE"] for each in debits(case)]) > 0.2


def test_a_mule_account_is_young(cases: dict[str, list[Case]]) -> None:
    opened = accounts_of(PLAN.seed, PLAN.accounts, PLAN.first_day).opened
    for case in cases["MULE"]:
        age = case[0].event_time_ms // DAY_MS - opened[int(case[0].account_id[1:])]
        assert YOUNG_DAYS[0] <= age <= YOUNG_DAYS[1]


def test_a_collection_is_many_strangers_paying_in(cases: dict[str, list[Case]]) -> None:
    for case in cases["FANIN"]:
        assert 8 <= len(credits(case)) <= 20
        assert others(credits(case)) >= len(credits(case)) - 1
        assert len(debits(case)) <= 1
        assert span_ms(credits(case)) <= 48 * HOUR_MS
    equal = [len({each.amount_minor for each in credits(case)}) == 1 for case in cases["FANIN"]]
    assert 0.2 < np.mean(equal) < 0.8


def test_a_dispersal_is_many_new_payees_within_hours(cases: dict[str, list[Case]]) -> None:
    for case in cases["FANOUT"]:
        assert 8 <= len(case) <= 20
        assert others(case) >= len(case) - 6  # a ring's member may be paid more than once
        assert span_ms(case) <= 14 * HOUR_MS
        assert {each.channel for each in case} == {"transfer"}


def test_some_payees_receive_from_several_cases(cases: dict[str, list[Case]]) -> None:
    accounts: dict[str | None, set[str]] = defaultdict(set)
    for found in cases.values():
        for case in found:
            for each in debits(case):
                if each.channel == "transfer":
                    accounts[each.counterparty_id].add(each.account_id)
    assert sum(len(each) >= 5 for each in accounts.values()) >= 10


@pytest.mark.parametrize("typology", list(Typology))
def test_one_typology_alone_can_be_planned(typology: Typology) -> None:
    plan = msgspec.structs.replace(PLAN, accounts=400, typologies=(typology,), days=3)
    assert {each.typology for each in transactions(plan)} == {None, typology.value}


def test_a_plan_without_cases_has_no_labels() -> None:
    plan = msgspec.structs.replace(PLAN, cases_per_day=0.0, days=3)
    assert all(each.case_id is None for each in transactions(plan))


def test_a_typology_without_an_account_that_fits_is_left_out() -> None:
    plan = Plan(accounts=1, days=3, typologies=(Typology.DORMANT,), cases_per_day=5)
    assert all(each.case_id is None for each in transactions(plan))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"accounts": 0}, "accounts"),
        ({"days": 0}, "days"),
        ({"seed": -1}, "seed"),
        ({"start": date(1969, 12, 31)}, "start"),
        ({"cases_per_day": 20.5}, "half of 40"),
        ({"cases_per_day": float("nan")}, "cases_per_day"),
        ({"currency": "euro"}, "currency"),
        ({"typologies": ()}, "typologies"),
    ],
)
def test_a_plan_that_cannot_be_simulated_is_refused_by_name(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigurationError, match=named):
        Plan(**change)
