"""What many accounts do at an hour is nobody's surprise, and what one does is its own."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fraudwatch.alerts import Kind, Policy
from fraudwatch.config.settings import Alerts, Settings
from fraudwatch.records import FloatArray, IntArray, Reason, Transaction

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
START_MS = 1_533_686_400_000
DAYS, ACCOUNTS, PER_DAY, BUDGET = 30, 2_000, 4_000, 16.0
SHOCKS = (9, 19, 29)
PAID_HOURS = range(2, 7)
CASE_AT = 4 * HOUR_MS
"""Of the day, in the midst of the shock: an account far above all others of the hour."""


def drawn(seed: int, shift: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Accounts, event times and scores; on days of shock a third of all accounts are paid within five hours."""
    draw = np.random.default_rng(seed)
    times = np.sort(draw.integers(0, DAYS * DAY_MS, DAYS * PER_DAY))
    day, hour = times // DAY_MS, times // HOUR_MS % 24
    scores = draw.exponential(1 / np.log(10), len(times))
    is_paid = np.isin(day, SHOCKS) & np.isin(hour, PAID_HOURS) & (draw.random(len(times)) < 0.6)
    return draw.integers(0, ACCOUNTS, len(times)), times, scores + shift * is_paid


def opened(columns: tuple[Any, ...], reason: Reason) -> IntArray:
    """Rows that opened an alert."""
    accounts, times, scores = columns
    policy = Policy(Settings(alerts=Alerts(alerts_per_day=BUDGET)), partition=0, partitions=1)
    policy.use(np.random.default_rng(1).exponential(1 / np.log(10), 20_000), PER_DAY, "model-1")
    draw = np.random.default_rng(2)
    hashes, ids = (
        draw.integers(-(2**63), 2**63 - 1, ACCOUNTS + 1),
        draw.integers(-(2**63), 2**63 - 1, len(times)),
    )
    rows = hashes[accounts], START_MS + times, scores, ids
    found, row = [], -1
    while (row := policy.judge_rows(*rows, row + 1)) < len(times):
        account = int(rows[0][row])
        payment = Transaction(f"t{row}", f"a{account}", int(rows[1][row]), 100, "EUR")
        decision = policy.judge(payment, row, float(scores[row]), lambda: (reason,), account=account)
        if decision is not None and decision.kind in (Kind.OPENED, Kind.SAMPLE):
            found.append(row)
    return np.array(found)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_a_day_on_which_a_third_of_the_accounts_are_paid_costs_the_budget(
    reason: Callable[..., Reason], shift: float
) -> None:
    streams = [drawn(seed, shift) for seed in range(4)]
    by_day = np.array([np.bincount(of[1][opened(of, reason())] // DAY_MS, minlength=DAYS) for of in streams])
    assert by_day[:, SHOCKS].mean() == pytest.approx(BUDGET, rel=0.2)
    assert by_day.mean() == pytest.approx(BUDGET, rel=0.1)
    assert by_day.max() <= 2 * BUDGET


def test_a_case_in_the_midst_of_a_shock_is_found(reason: Callable[..., Reason]) -> None:
    accounts, times, scores = drawn(5, 2.0)
    moments = np.array([day * DAY_MS + CASE_AT for day in SHOCKS])
    places = np.searchsorted(times, moments)
    columns = (
        np.insert(accounts, places, ACCOUNTS),
        np.insert(times, places, moments),
        np.insert(scores, places, 8.0),
    )
    assert {int(place) + extra for extra, place in enumerate(places)} <= set(
        opened(columns, reason()).tolist()
    )


def test_what_one_account_does_again_and_again_is_no_shock(reason: Callable[..., Reason]) -> None:
    accounts, times, scores = drawn(6, 0.0)
    busy = np.arange(len(times)) % 20 == 0
    accounts[busy], scores[busy] = ACCOUNTS, 6.0
    without = ~busy
    of_others = opened((accounts[without], times[without], scores[without]), reason())
    together = opened((accounts, times, scores), reason())
    of_all = np.flatnonzero(without)[of_others]
    others = together[accounts[together] != ACCOUNTS]
    assert len(others) == pytest.approx(len(of_all), rel=0.1)
