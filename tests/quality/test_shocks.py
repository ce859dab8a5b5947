"""The gates on shock days count what they say."""

from datetime import date

import pytest
from shocks import BUDGET, OUTAGE, Found, gates_of, is_shock

from fraudwatch.simulate.plan import EPOCH

SHARE = int(BUDGET)


def values_of(*runs: Found) -> dict[str, float | None]:
    return {gate.name: gate.value for gate in gates_of(list(runs), [Found([SHARE], [False], [], 0.9)])}


def test_days_of_many_salaries_holidays_and_the_outage_are_shocks() -> None:
    shocks = [date(2024, 4, 30), date(2024, 5, 1), date(2024, 5, 8), OUTAGE]
    assert all(is_shock((day - EPOCH).days) for day in shocks)
    assert not is_shock((date(2024, 5, 22) - EPOCH).days)


def test_shock_days_are_held_against_the_budget_and_the_dearest_day_against_its_ceiling() -> None:
    found = values_of(Found([SHARE, 2 * SHARE, 3 * SHARE], [False, True, True], [], 0.0))
    assert found["shock_alerts_least"] == found["shock_alerts_most"] == 2.5
    assert found["day_alerts_most"] == 3.0
    assert found["budget_off_by"] == pytest.approx(1.0)
    assert (found["quiet_alerts"], found["quiet_low_edge"]) == (1.0, 0.9)


def test_cases_of_shock_days_are_held_against_those_of_others() -> None:
    cases = [(True, True), (True, False), (False, True), (False, True)]
    found = values_of(Found([SHARE], [True], cases, 0.0))
    assert (found["shock_recall"], found["shock_recall_ratio"]) == (0.5, 0.5)
