"""The edge, told slowly: one transaction at a time, in plain Python and dictionaries."""

import math
from array import array

import msgspec
import numpy as np

from fraudwatch.alerts.budget import Budget
from fraudwatch.records import FloatArray

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

    @property
    def is_low(self) -> bool:
        """Whether a tail drawn out from the highest 30 % and 3 % of all account-days fills two thirds of the edge's."""
        daily = float(self._exceeding[-1])
        many, few = self._exceeded_by(0.3 * daily), self._exceeded_by(0.03 * daily)
        above = self.rank(self.raised_from) / self._budget.partitions
        if self.raised_from <= few:
            return daily >= 2 / 3 * above
        if few <= many:
            return above <= 0.0
        ordinary = 0.03 * daily * 0.1 ** ((self.raised_from - few) / (few - many))
        return ordinary >= 2 / 3 * above

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
