"""The compiled edge against the plainest one that can be written, to the bit, however the rows were cut."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from plain_edge import DAY_MS, HIGHEST, LOWEST, PlainEdge, explored

from fraudwatch.alerts import account_days
from fraudwatch.alerts.budget import Budget
from fraudwatch.alerts.edge import Edge
from fraudwatch.records import FloatArray, IntArray

START_MS = 1_533_686_400_000
REFERENCE = -np.log10((np.arange(5_000) + 0.5) / 5_000)


class Stream(msgspec.Struct):
    """n scored transactions by column."""

    accounts: IntArray
    times: IntArray
    scores: FloatArray
    ids: IntArray

    def columns(self, end: int) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
        return self.accounts[:end], self.times[:end], self.scores[:end], self.ids[:end]


def stream(seed: int, count: int, accounts: int, pause_ms: float, late: float) -> Stream:
    """Random accounts, times that now and then fall back or jump ahead, scores with ties and beyond the range."""
    draw = np.random.default_rng(seed)
    names = draw.integers(-(2**63), 2**63 - 1, accounts)
    names[: accounts // 2] = np.arange(accounts // 2) << 40  # all in one slot of a small table
    pauses = draw.exponential(pause_ms, count) * np.where(draw.random(count) < 0.002, 3_000.0, 1.0)
    times = START_MS + np.cumsum(pauses).astype(np.int64)
    times -= (draw.random(count) < late) * draw.integers(0, 2 * DAY_MS, count)
    scores = np.round(draw.exponential(1.0, count) * draw.choice([0.3, 1.0, 9.0], count), 2) - 0.5
    scores[draw.random(count) < 0.002] = 1e9
    return Stream(
        names[draw.integers(0, accounts, count)], times, scores, draw.integers(-(2**63), 2**63 - 1, count)
    )


def state(edge: Edge | PlainEdge) -> list[float]:
    scores = np.linspace(LOWEST - 1, HIGHEST + 1, 300)
    return [
        edge.raised_from,
        edge.medium_from,
        edge.high_from,
        edge.explored_below,
        edge.observed_days,
        edge.newest_ms,
        *(edge.rank(float(score)) for score in scores),
    ]


def by_rows(edge: Edge, given: Stream, cuts: list[int], swap_at: int) -> tuple[list[int], list[list[float]]]:
    """What stood out, and the state after each part; every third joins an older episode, the others open one."""
    found: list[int] = []
    states = []
    begin = 0
    for end in sorted({*cuts, swap_at, len(given.scores)}):
        while (row := edge.observe_rows(*given.columns(end), begin)) < end:
            found.append(row)
            if len(found) % 3 == 0:
                edge.joined(int(given.accounts[row]), int(given.times[row]) - DAY_MS)
            else:
                edge.opened()
            begin = row + 1
        begin = end
        if end == swap_at:
            edge.use(REFERENCE / 2, 3_000.0)
        states.append(state(edge))
    return found, states


def one_by_one(edge: PlainEdge, given: Stream, cuts: list[int], swap_at: int) -> tuple[list[int], list[Any]]:
    ends = sorted({*cuts, swap_at, len(given.scores)})
    found: list[int] = []
    states = []
    rows = zip(*(column.tolist() for column in given.columns(len(given.scores))), strict=True)
    for row, (account, time_ms, score, transaction) in enumerate(rows):
        if score >= edge.observe(account, time_ms, score) or explored(transaction) < edge.explored_below:
            found.append(row)
            if len(found) % 3 == 0:
                edge.joined(account, time_ms - DAY_MS)
            else:
                edge.opened()
        if row + 1 == swap_at:
            edge.use(REFERENCE / 2, 3_000.0)
        if row + 1 in ends:
            states.append(state(edge))
    return found, states


@example_settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 4_000),
    accounts=st.sampled_from([1, 7, 300, 3_000]),
    pause_ms=st.sampled_from([20.0, 20_000.0, 300_000.0]),
    late=st.sampled_from([0.0, 0.2]),
    budget=st.sampled_from([0.5, 40.0, 1e6]),
    cuts=st.lists(st.integers(1, 4_000), max_size=6),
    swap_at=st.integers(1, 4_000),
)
def test_rows_are_observed_as_one_by_one_however_they_are_cut(
    seed: int,
    count: int,
    accounts: int,
    pause_ms: float,
    late: float,
    budget: float,
    cuts: list[int],
    swap_at: int,
) -> None:
    given_stream = stream(seed, count, accounts, pause_ms, late)
    cuts, swap_at = [min(cut, count) for cut in cuts], min(swap_at, count)
    edge, plain = Edge(Budget(budget, 0.1, 1)), PlainEdge(Budget(budget, 0.1, 1))
    for each in (edge, plain):
        each.use(REFERENCE, 2_000.0)
    assert by_rows(edge, given_stream, cuts, swap_at) == one_by_one(plain, given_stream, cuts, swap_at)


def test_a_table_grows_with_the_accounts_of_a_day() -> None:
    given_stream = stream(5, 30_000, 20_000, 1_000.0, 0.01)
    edge, plain = Edge(Budget(40.0, 0.05, 4)), PlainEdge(Budget(40.0, 0.05, 4))
    for each in (edge, plain):
        each.use(REFERENCE, 2_000.0)
    assert by_rows(edge, given_stream, [], 30_000) == one_by_one(plain, given_stream, [], 30_000)


@given(st.integers(0, 2**64 - 1))
def test_what_explores_is_chosen_by_the_finaliser_of_splitmix64(transaction: int) -> None:
    assert account_days.explored(np.uint64(transaction)) == explored(transaction)


PLAIN = """
import importlib.util, os, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
found = importlib.util.spec_from_file_location("oracle", sys.argv[1])
oracle = importlib.util.module_from_spec(found)
sys.modules["oracle"] = oracle
found.loader.exec_module(oracle)
edge = oracle.Edge(oracle.Budget(40.0, 0.1, 1))
edge.use(oracle.REFERENCE, 2_000.0)
print(oracle.by_rows(edge, oracle.stream(3, 3_000, 1_500, 60_000.0, 0.1), [700], 2_500))
"""


def test_plain_python_observes_the_same() -> None:
    def run(**changed: str) -> str:
        command = [sys.executable, "-W", "error", "-c", PLAIN, str(Path(__file__))]
        ran = subprocess.run(command, env=os.environ | changed, capture_output=True, text=True, timeout=200)
        assert not ran.stderr
        return ran.stdout

    compiled = run()
    assert len(compiled) > 1_000
    assert run(NUMBA_DISABLE_JIT="1") == compiled
