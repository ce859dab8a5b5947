"""The budget is the contract: what a stationary stream costs the investigators."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from fraudwatch.alerts import Kind, Policy
from fraudwatch.config.settings import Alerts, Settings
from fraudwatch.records import IntArray, Reason, Transaction

DAYS, ACCOUNTS, PER_DAY = 60, 5_000, 5_000
BUDGET = 40.0
START_MS = 1_533_686_400_000


def alerts_by_day(partitions: int, reason: Reason, case_days: int) -> tuple[IntArray, Counter[Kind]]:
    """Random payments of 5,000 accounts; 4 in 1,000 accounts at a time are cases that last `case_days` days."""
    draw = np.random.default_rng(20 + partitions)
    count = DAYS * PER_DAY
    elapsed = np.sort(draw.integers(0, DAYS * 86_400_000, count))
    accounts = draw.integers(0, ACCOUNTS, count)
    scores = draw.exponential(1 / np.log(10), count)
    if case_days:
        periods = elapsed // (case_days * 86_400_000)
        scores += 3.0 * ((accounts * 1_000_003 + periods * 7_919) % 1_000 < 4)
    settings = Settings(alerts=Alerts(alerts_per_day=BUDGET))
    policies = [Policy(settings, partition=index, partitions=partitions) for index in range(partitions)]
    for policy in policies:
        policy.use(draw.choice(scores, 20_000, replace=False), PER_DAY / partitions, "model-1")
    kinds: Counter[Kind] = Counter()
    days = np.zeros(DAYS, dtype=np.int64)
    hashes = draw.integers(-(2**63), 2**63 - 1, ACCOUNTS)[accounts]
    ids = draw.integers(-(2**63), 2**63 - 1, count)
    for index, policy in enumerate(policies):
        of_partition = np.flatnonzero(accounts % partitions == index)
        columns = [column[of_partition] for column in (hashes, START_MS + elapsed, scores, ids)]
        row = -1
        while (row := policy.judge_rows(*columns, row + 1)) < len(of_partition):
            offset = int(of_partition[row])
            payment = Transaction(f"t{offset}", f"a{accounts[offset]}", int(columns[1][row]), 100, "EUR")
            decision = policy.judge(
                payment, offset, scores[offset], lambda: (reason,), account=int(columns[0][row])
            )
            if decision is not None:
                kinds[decision.kind] += 1
                days[elapsed[offset] // 86_400_000] += decision.kind in (Kind.OPENED, Kind.SAMPLE)
    return days, kinds


@pytest.mark.parametrize("partitions", [1, 4])
@pytest.mark.parametrize("case_days", [0, 7], ids=["no cases", "cases of a week"])
def test_a_stationary_stream_costs_the_budget_within_a_tenth(
    reason: Callable[..., Reason], partitions: int, case_days: int
) -> None:
    days, kinds = alerts_by_day(partitions, reason(), case_days)
    assert days.mean() == pytest.approx(BUDGET, rel=0.1)
    assert days[:7].mean() == pytest.approx(BUDGET, rel=0.25)
    assert days.max() <= 2 * BUDGET
    # 2 a day for 60 days, to three standard deviations.
    assert kinds[Kind.SAMPLE] == pytest.approx(120, abs=33)
