"""Cases: how many, of what shape, and that only they carry a label."""

from collections import defaultdict
from datetime import date
from typing import Any

import msgspec
import numpy as np
import pytest

from fraudwatch.errors import ConfigurationError
from fraudwatch.simulate import Labelled, Plan, Typology, transactions
from fraudwatch.simulate.block import NO_CASE, Kind
from fraudwatch.simulate.cases import TYPOLOGY_OF_KIND
from fraudwatch.simulate.stream import days_of

PLAN = Plan(accounts=500, days=30, seed=2, cases_per_day=6)
HOUR_MS = 3_600_000


@pytest.fixture(name="stream", scope="module")
def _stream() -> list[Labelled]:
    return list(transactions(PLAN))


@pytest.fixture(name="cases", scope="module")
def _cases(stream: list[Labelled]) -> dict[str, list[Labelled]]:
    """Whole cases: those that begin early enough not to be cut by the end of the plan."""
    found: dict[str, list[Labelled]] = defaultdict(list)
    for labelled in stream:
        if labelled.case_id is not None:
            found[labelled.case_id].append(labelled)
    last_begin = stream[-1].transaction.event_time_ms - 72 * HOUR_MS
    return {name: case for name, case in found.items() if case[0].transaction.event_time_ms < last_begin}


def of(cases: dict[str, list[Labelled]], typology: Typology) -> list[list[Labelled]]:
    return [case for case in cases.values() if case[0].typology == typology.value]


def span_ms(case: list[Labelled]) -> int:
    return case[-1].transaction.event_time_ms - case[0].transaction.event_time_ms


def usual(stream: list[Labelled]) -> dict[str, float]:
    """Median amount of each account's innocent transactions."""
    amounts: dict[str, list[int]] = defaultdict(list)
    for labelled in stream:
        if labelled.case_id is None:
            amounts[labelled.transaction.account_id].append(labelled.transaction.amount_minor)
    return {account: float(np.median(values)) for account, values in amounts.items()}


def test_labels_are_on_injected_cases_and_on_nothing_else() -> None:
    injected = np.array([int(kind) for kind in TYPOLOGY_OF_KIND])
    for day in days_of(PLAN):
        assert np.array_equal(np.isin(day.kind, injected), day.case != NO_CASE)
    assert {int(kind) for kind in Kind} - set(injected.tolist()) == set(range(6))


def test_there_are_as_many_cases_as_planned_and_each_typology_has_its_share(stream: list[Labelled]) -> None:
    typology = {each.case_id: each.typology for each in stream if each.case_id is not None}
    assert 0.95 * 180 <= len(typology) <= 180
    for code in Typology:
        assert 54 <= sum(found == code.value for found in typology.values()) <= 60


def test_no_day_begins_more_cases_than_half_the_alert_slots() -> None:
    most = Plan(accounts=1_000, days=10, cases_per_day=20)
    begun: dict[int, set[int]] = defaultdict(set)
    seen: set[int] = set()
    for number, day in enumerate(days_of(most)):
        today = set(day.case[day.is_case].tolist()) - seen
        begun[number] = today
        seen |= today
    assert len(seen) > 180
    assert len(seen) <= 20 * 10


def test_a_case_is_in_one_account_and_of_one_typology(cases: dict[str, list[Labelled]]) -> None:
    for case in cases.values():
        assert len({each.transaction.account_id for each in case}) == 1
        assert len({each.typology for each in case}) == 1


def test_card_testing_is_tiny_amounts_at_many_shops_minutes_apart_then_a_large_one(
    cases: dict[str, list[Labelled]], stream: list[Labelled]
) -> None:
    habit = usual(stream)
    found = of(cases, Typology.CARD_TESTING)
    for case in found:
        tests = case[:-1]
        assert 5 <= len(tests) <= 12
        assert max(each.transaction.amount_minor for each in tests) <= 1_500
        assert span_ms(tests) <= 2 * HOUR_MS
        assert len({each.transaction.counterparty_id for each in case}) >= len(case) - 2
    large = [case[-1].transaction for case in found if case[-1].transaction.account_id in habit]
    assert np.median([each.amount_minor / habit[each.account_id] for each in large]) > 3


def test_a_burst_is_large_payments_to_new_counterparties_within_two_days(
    cases: dict[str, list[Labelled]], stream: list[Labelled]
) -> None:
    habit = usual(stream)
    found = of(cases, Typology.BURST)
    times_habit = []
    for case in found:
        assert 5 <= len(case) <= 12
        assert span_ms(case) <= 48 * HOUR_MS
        if (account := case[0].transaction.account_id) in habit:
            times_habit.append(np.median([each.transaction.amount_minor for each in case]) / habit[account])
    assert np.median(times_habit) > 3


def test_a_take_over_is_few_larger_payments_within_hours_from_a_device_never_seen(
    cases: dict[str, list[Labelled]], stream: list[Labelled]
) -> None:
    found = of(cases, Typology.TAKE_OVER)
    elsewhere = {each.transaction.device_id for each in stream if each.case_id is None}
    for case in found:
        assert 2 <= len(case) <= 4
        assert span_ms(case) <= 24 * HOUR_MS
        devices = {each.transaction.device_id for each in case}
        assert len(devices) == 1
        assert not devices & elsewhere


def test_one_typology_alone_can_be_planned() -> None:
    plan = msgspec.structs.replace(PLAN, typologies=(Typology.TAKE_OVER,), days=5)
    assert {each.typology for each in transactions(plan)} == {None, "ATO"}


def test_a_plan_without_cases_has_no_labels() -> None:
    plan = msgspec.structs.replace(PLAN, cases_per_day=0.0, days=3)
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
