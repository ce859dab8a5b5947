"""The compiled edge against the plainest one that can be written, to the bit, however the rows were cut."""

import math
import os
import subprocess
import sys
from array import array
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st

from fraudwatch.alerts import account_days
from fraudwatch.alerts.budget import Budget
from fraudwatch.alerts.edge import Edge
from fraudwatch.records import FloatArray, IntArray

START_MS = 1_533_686_400_000
REFERENCE = -np.log10((np.arange(5_000) + 0.5) / 5_000)

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

LOWEST, HIGHEST = -5.0, 60.0
"""Scores are clamped to this range. A score counts decimal orders of improbability: 60 is beyond any stream."""
BINS_PER_UNIT = 100
BINS = int((HIGHEST - LOWEST) * BINS_PER_UNIT)

HALF_LIFE_MS = 7 * DAY_MS
"""A whole week, so that every day of the week weighs about the same."""
_MEAN_LIFE_DAYS = HALF_LIFE_MS / DAY_MS / float(np.log(2))
LONGEST_SILENCE_MS = DAY_MS
"""Of a longer gap in the stream only this much counts as observed: an interrupted source is not a calm one."""
REFRESH_EVERY = 1_000

MEDIUM_SHARE, HIGH_SHARE = 0.4, 0.1
"""The part of the budget whose scores suffice for the severities `medium` and `high`."""
HASH_RANGE = 2**32

_NEVER = -(2**62)
_TAKEN_BACK = float("inf")
"""Maximum of an account-day that no longer counts: no score exceeds it."""


class AccountDay(msgspec.Struct, gc=False):
    """The running 24 h of one account: when they end, the highest score, and when that was (observed time)."""

    ends_ms: int
    maximum: float
    observed_ms: int


class PlainEdge:
    """One transaction at a time, in plain Python and dictionaries."""

    def __init__(self, budget: Budget) -> None:
        self.raised_from = self.medium_from = self.high_from = float("inf")
        self.explored_below = 0
        self.newest_ms = _NEVER
        self._budget = budget
        self._histogram = array("d", bytes(8 * BINS))
        self._exceeding = np.zeros(BINS + 1)
        self._account_days: dict[int, AccountDay] = {}
        self._former_account_days: dict[int, AccountDay] = {}
        self._rotate_at_ms = _NEVER
        self._observed_days = 0.0
        self._observed_ms = 0
        self._scored = 0.0
        self._overspent = 0.0
        self._since_refresh = 0
        self._refreshed_ms = _NEVER
        self._next_hour_ms = _NEVER

    @property
    def observed_days(self) -> float:
        return self._observed_days

    def use(self, reference: FloatArray, transactions_per_day: float) -> None:
        bins = np.clip((reference - LOWEST) * BINS_PER_UNIT, 0, BINS - 1).astype(np.int64)
        self._counts()[:] = np.bincount(bins, minlength=BINS) * (transactions_per_day / reference.size)
        self._account_days, self._former_account_days = {}, {}
        self._observed_days = 1.0
        self._scored = transactions_per_day
        self._since_refresh = 0
        self._refreshed_ms = self.newest_ms
        self._estimate()

    def observe(self, account: int, event_time_ms: int, score: float) -> float:
        if event_time_ms > self.newest_ms:
            self.newest_ms = event_time_ms
        if event_time_ms >= self._next_hour_ms or self._since_refresh >= REFRESH_EVERY:
            self._refresh()
        self._since_refresh += 1
        day = self._account_days.get(account) or self._former_account_days.get(account)
        if day is None or event_time_ms >= day.ends_ms:
            self._account_days[account] = AccountDay(event_time_ms + DAY_MS, score, self._observed_ms)
            self._histogram[_bin(score)] += 1.0
        elif score > day.maximum:
            self._histogram[_bin(day.maximum)] -= _kept(self._observed_ms - day.observed_ms)
            self._histogram[_bin(score)] += 1.0
            day.maximum, day.observed_ms = score, self._observed_ms
        return self.raised_from

    def joined(self, account: int, opened_ms: int) -> None:
        day = self._account_days.get(account) or self._former_account_days.get(account)
        if day is not None and opened_ms < day.ends_ms - DAY_MS and day.maximum != _TAKEN_BACK:
            self._histogram[_bin(day.maximum)] -= _kept(self._observed_ms - day.observed_ms)
            day.maximum = _TAKEN_BACK

    def opened(self) -> None:
        self._overspent += 1.0

    def rank(self, score: float) -> float:
        above = min(max((HIGHEST - score) * BINS_PER_UNIT, 0.0), BINS - 1e-9)
        whole = int(above)
        lower, upper = self._exceeding[whole], self._exceeding[whole + 1]
        return float(lower + (above - whole) * (upper - lower)) * self._budget.partitions

    def _refresh(self) -> None:
        silence = 0 if self._refreshed_ms == _NEVER else self.newest_ms - self._refreshed_ms
        passed = min(silence, LONGEST_SILENCE_MS)
        kept = _kept(passed)
        counts = self._counts()
        counts *= kept
        np.maximum(counts, 0.0, out=counts)  # taking back what was added may leave −1e-16
        self._observed_days = self._observed_days * kept + _MEAN_LIFE_DAYS * (1.0 - kept)
        most = max(3.0, self._budget.share * 7.0 * math.log(2.0))
        self._overspent -= self._budget.share * (passed / DAY_MS)
        self._overspent = min(max(self._overspent, -most), most)
        self._scored = self._scored * kept + self._since_refresh
        self._observed_ms += passed
        self._since_refresh = 0
        self._refreshed_ms = self.newest_ms
        self._next_hour_ms = (self.newest_ms // HOUR_MS + 1) * HOUR_MS
        self._forget()
        self._estimate()

    def _forget(self) -> None:
        """Two generations of a day each: entries older than 24 h go with the elder, without a sweep."""
        if self.newest_ms >= self._rotate_at_ms:
            self._former_account_days = self._account_days
            self._account_days = {}
            self._rotate_at_ms = self.newest_ms + DAY_MS

    def _estimate(self) -> None:
        np.cumsum(self._counts()[::-1], out=self._exceeding[1:])
        self._exceeding /= self._observed_days
        share, explore = self._budget.share, self._budget.explore
        correction = min(max(math.exp(-self._overspent / (share * 7.0)), 0.5), 2.0)
        self.raised_from = self._exceeded_by((1.0 - explore) * share * correction)
        self.medium_from = self._exceeded_by(MEDIUM_SHARE * share)
        self.high_from = self._exceeded_by(HIGH_SHARE * share)
        scored_per_day = self._scored / self._observed_days
        self.explored_below = int(min(explore * share / scored_per_day, 1.0) * HASH_RANGE)

    def _exceeded_by(self, account_days: float) -> float:
        """The smallest score that at most so many account-days a day exceed, interpolated within its bin."""
        exceeding = self._exceeding
        whole = int(np.searchsorted(exceeding, account_days, side="right")) - 1
        if whole == BINS:
            return LOWEST
        part = (account_days - exceeding[whole]) / (exceeding[whole + 1] - exceeding[whole])
        return float(HIGHEST - (whole + part) / BINS_PER_UNIT)

    def _counts(self) -> FloatArray:
        return np.frombuffer(self._histogram, dtype=np.float64)


def _bin(score: float) -> int:
    return min(int((min(max(score, LOWEST), HIGHEST) - LOWEST) * BINS_PER_UNIT), BINS - 1)


def _kept(passed_ms: int) -> float:
    """What is left of a weight after so much observed time."""
    return float(0.5 ** (passed_ms / HALF_LIFE_MS))


def explored(transaction: int) -> int:
    """The upper 32 bits of splitmix64's finaliser of an id's hash and a constant."""
    word = 2**64 - 1
    mixed = (transaction ^ int.from_bytes(b"explore!")) & word
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9 & word
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB & word
    return (mixed ^ (mixed >> 31)) >> 32


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


@example_settings(max_examples=40, deadline=None)
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
import importlib.util, sys
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
