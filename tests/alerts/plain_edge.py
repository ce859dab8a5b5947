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


class Hour:
    """The highest score of each account of an hour; the 32 highest of them are what is looked at."""

    def __init__(self) -> None:
        self.highest: dict[int, float] = {}
        self.seen = self.former_seen = 0
        self.shift = self.former = 0.0
        self.is_stale = False

    def heights(self) -> list[float]:
        return sorted(self.highest.values(), reverse=True)[:32]

    def note(self, account: int, score: float) -> None:
        self.seen += 1
        heights = self.heights()
        lowest = heights[-1] if len(heights) == 32 else -math.inf
        if score > max(lowest, self.highest.get(account, -math.inf)):
            self.highest[account] = score
            self.is_stale = True


class PlainEdge:
    """One transaction at a time, in plain Python and dictionaries."""

    def __init__(self, budget: Budget) -> None:
        self.usually_from = [float("inf")] * 3
        self.explored_below = 0
        self.newest_ms = _NEVER
        self._budget = budget
        self._histogram = array("d", bytes(8 * BINS))
        self._prior = np.zeros(BINS)
        self._ranked = np.zeros(BINS)
        self._hour = Hour()
        self._exceeding = np.zeros(BINS + 1)
        self._account_days: dict[int, AccountDay] = {}
        self._former_account_days: dict[int, AccountDay] = {}
        self._rotate_at_ms = _NEVER
        self._own_days = self._prior_days = 0.0
        self._observed_ms = 0
        self._scored = self._prior_scored = self._scored_a_day = 0.0
        self._overspent = self._lately = 0.0
        self._since_refresh = 0
        self._refreshed_ms = _NEVER
        self._next_hour_ms = _NEVER

    @property
    def observed_days(self) -> float:
        return self._own_days + self._prior_days

    @property
    def shift(self) -> float:
        return self._hour.shift

    @property
    def raised_from(self) -> float:
        return self.usually_from[0] + self.shift

    @property
    def medium_from(self) -> float:
        return self.usually_from[1] + self.shift

    @property
    def high_from(self) -> float:
        return self.usually_from[2] + self.shift

    def use(self, reference: FloatArray, transactions_per_day: float) -> None:
        bins = np.clip((reference - LOWEST) * BINS_PER_UNIT, 0, BINS - 1).astype(np.int64)
        self._prior = np.bincount(bins, minlength=BINS) * (transactions_per_day / reference.size)
        self._counts()[:] = 0.0
        self._hour = Hour()
        self._account_days, self._former_account_days = {}, {}
        self._own_days, self._prior_days = 0.0, 1.0
        self._scored, self._prior_scored = 0.0, transactions_per_day
        self._since_refresh = 0
        self._refreshed_ms = self.newest_ms
        self._estimate()

    def observe(self, account: int, event_time_ms: int, score: float) -> float:
        if event_time_ms > self.newest_ms:
            self.newest_ms = event_time_ms
        if event_time_ms >= self._next_hour_ms or self._since_refresh >= REFRESH_EVERY:
            self._refresh()
        self._since_refresh += 1
        self._hour.note(account, score)
        if self._hour.is_stale:
            self._hour.shift = self._measured()
        score -= self.shift
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
        self._lately += 1.0

    def rank(self, score: float) -> float:
        return self._exceeded_at(score - self.shift) * self._budget.partitions

    def _exceeded_at(self, score: float) -> float:
        above = min(max((HIGHEST - score) * BINS_PER_UNIT, 0.0), BINS - 1e-9)
        whole = int(above)
        lower, upper = self._exceeding[whole], self._exceeding[whole + 1]
        return float(lower + (above - whole) * (upper - lower))

    @property
    def is_low(self) -> bool:
        """Whether a tail drawn out from the highest 30 % and 3 % of all account-days fills two thirds of the edge's."""
        daily = float(self._exceeding[-1])
        many, few = self._exceeded_by(0.3 * daily), self._exceeded_by(0.03 * daily)
        edge = self.usually_from[0]
        above = self._exceeded_at(edge)
        if edge <= few:
            return daily >= 2 / 3 * above
        if few <= many:
            return above <= 0.0
        ordinary = 0.03 * daily * 0.1 ** ((edge - few) / (few - many))
        return ordinary >= 2 / 3 * above

    def _refresh(self) -> None:
        silence = 0 if self._refreshed_ms == _NEVER else self.newest_ms - self._refreshed_ms
        passed = min(silence, LONGEST_SILENCE_MS)
        if self.newest_ms >= self._next_hour_ms:
            hour = Hour()
            if self.newest_ms < self._next_hour_ms + HOUR_MS:
                hour.former, hour.former_seen = self._measured(), self._hour.seen
            self._hour = hour
        kept = _kept(passed)
        counts = self._counts()
        counts *= kept
        np.maximum(counts, 0.0, out=counts)  # taking back what was added may leave −1e-16
        self._own_days = self._own_days * kept + _MEAN_LIFE_DAYS * (1.0 - kept)
        kept_of_prior = _kept(7 * passed)
        self._prior *= kept_of_prior
        self._prior_days *= kept_of_prior
        self._prior_scored *= kept_of_prior
        most = max(3.0, self._budget.share * 7.0 * math.log(2.0))
        self._overspent -= self._budget.share * (passed / DAY_MS)
        self._overspent = min(max(self._overspent, -most), most)
        self._lately *= math.exp(-(passed / DAY_MS))
        self._scored = self._scored * kept + self._since_refresh
        self._observed_ms += passed
        self._since_refresh = 0
        self._refreshed_ms = self.newest_ms
        self._next_hour_ms = (self.newest_ms // HOUR_MS + 1) * HOUR_MS
        self._forget()
        self._estimate()
        self._hour.shift = self._measured()

    def _measured(self) -> float:
        """By how much the k-th highest account of the hour is above what k usually exceed, the most of all k."""
        hour = self._hour
        hour.is_stale = False
        heights = hour.heights()
        quarters = 4 * min(1.0, (self._scored_a_day / 24.0) / max(float(hour.seen), 1.0))
        from_above = np.cumsum(self._ranked[::-1])
        found = hour.former * max(0.0, 1.0 - hour.seen / max(hour.former_seen, 1))
        for count in range(2, len(heights)):
            accounts = int(count * quarters) / 4
            taken = int(np.searchsorted(from_above, accounts * (self.observed_days * 24), side="right")) + 1
            if accounts * (self.observed_days * 24) > 0.3 * from_above[-1]:
                continue
            usual = LOWEST + max(BINS - taken, 0) / 100
            above = min(heights[count], HIGHEST) - usual
            if above * above * count > 1.0:
                found = max(found, (1.0 - 1.0 / (float(count) * count * count)) * above)
        return found

    def _forget(self) -> None:
        """Two generations of a day each: entries older than 24 h go with the elder, without a sweep."""
        if self.newest_ms >= self._rotate_at_ms:
            self._former_account_days = self._account_days
            self._account_days = {}
            self._rotate_at_ms = self.newest_ms + DAY_MS

    def _estimate(self) -> None:
        self._ranked = self._counts() + self._prior
        np.cumsum(self._ranked[::-1], out=self._exceeding[1:])
        self._exceeding /= self.observed_days
        share, explore = self._budget.share, self._budget.explore
        correction = min(max(math.exp(-self._overspent / (share * 7.0)), 0.5), 2.0)
        pace = math.exp(-max(0.0, self._lately - share * max(1.0, correction)) / max(share, 3.0))
        aims = (1.0 - explore) * share * correction * pace, MEDIUM_SHARE * share, HIGH_SHARE * share
        self.usually_from = list(map(self._exceeded_by, aims))
        self._scored_a_day = (self._scored + self._prior_scored) / self.observed_days
        self.explored_below = int(min(explore * share / self._scored_a_day, 1.0) * HASH_RANGE)

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
