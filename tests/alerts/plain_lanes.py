"""The edges of the lanes, told slowly: one transaction at a time, in plain Python and dictionaries."""

import math

import numpy as np
from plain_edge import (
    BINS,
    BINS_PER_UNIT,
    DAY_MS,
    HIGHEST,
    HOUR_MS,
    LONGEST_SILENCE_MS,
    LOWEST,
    AccountDay,
    PlainEdge,
)

from fraudwatch.alerts.budget import Budget

LEAST = 1.0
SHARES = (None, 0.4, 0.1)
"""The part of a lane's share whose surprises suffice for each severity; of the lowest what the spending says."""

_NEVER = -(2**62)
_TAKEN_BACK = float("inf")


class PlainLane:
    """One lane: the running account-days, and what they say of a usual day."""

    def __init__(self) -> None:
        self.days = 0.0
        self.histogram = np.zeros(BINS)
        self.ranked = np.zeros(BINS)
        self.thresholds = [LEAST] * 3
        self.account_days: dict[int, AccountDay] = {}
        self.former: dict[int, AccountDay] = {}

    def count(self, account: int, time_ms: int, surprise: float, observed_ms: int) -> None:
        day = self.account_days.get(account) or self.former.get(account)
        if day is None or time_ms >= day.ends_ms:
            self.account_days[account] = AccountDay(time_ms + DAY_MS, surprise, observed_ms)
        elif surprise > day.maximum:
            self.histogram[_bin(day.maximum)] -= _kept(observed_ms - day.observed_ms)
            day.maximum, day.observed_ms = surprise, observed_ms
        else:
            return
        self.histogram[_bin(surprise)] += 1.0

    def estimate(self, account_days_a_day: float, aims: list[float]) -> None:
        lower = LOWEST + np.arange(BINS) / BINS_PER_UNIT
        ordinary = 10.0**-lower - 10.0 ** -(lower + 1 / BINS_PER_UNIT)
        ordinary[: _bin(LEAST)] = 0.0
        self.ranked = self.histogram + account_days_a_day * ordinary
        above = np.cumsum(self.ranked[::-1])
        for place, aim in enumerate(aims):
            wanted = aim * (self.days + 1.0)
            whole = int(np.searchsorted(above[: BINS - _bin(LEAST)], wanted, side="right"))
            if whole == BINS - _bin(LEAST):
                self.thresholds[place] = LEAST
                continue
            inside = (wanted - (above[whole - 1] if whole else 0.0)) / self.ranked[BINS - 1 - whole]
            self.thresholds[place] = HIGHEST - (whole + inside) / BINS_PER_UNIT

    def exceeded(self, surprise: float) -> float:
        """How many account-days a day are more surprising."""
        above = min(max((HIGHEST - surprise) * BINS_PER_UNIT, 0.0), BINS - 1e-9)
        counts = np.concatenate([[0.0], np.cumsum(self.ranked[::-1])]) / (self.days + 1.0)
        whole = int(above)
        return float(counts[whole] + (above - whole) * (counts[whole + 1] - counts[whole]))


class PlainLanes:
    """All lanes of one partition. `edge` is that of the amount queue: when it looks again, they may."""

    def __init__(self, weights: list[float], budget: Budget, edge: "EdgeWithLanes") -> None:
        self.lanes = [PlainLane() for _ in weights]
        self._weights = weights
        self.overspent = 0.0
        self._budget = budget
        self._observed_ms = 0
        self._newest_ms = edge.newest_ms
        self._next_hour_ms = _NEVER
        self._rotate_at_ms = _NEVER
        edge.lanes = self
        self._estimate(edge.account_days_a_day)

    def observe(self, account: int, time_ms: int, surprises: list[float]) -> list[int]:
        """The lanes whose edge is reached, the most surprising first."""
        for lane, surprise in zip(self.lanes, surprises, strict=True):
            if surprise >= LEAST:
                lane.count(account, time_ms, surprise, self._observed_ms)
        reached = [
            place for place, surprise in enumerate(surprises) if surprise >= self.lanes[place].thresholds[0]
        ]
        return sorted(reached, key=lambda place: -surprises[place])

    def joined(self, place: int, account: int, opened_ms: int) -> None:
        lane = self.lanes[place]
        day = lane.account_days.get(account) or lane.former.get(account)
        if day is not None and opened_ms < day.ends_ms - DAY_MS and day.maximum != _TAKEN_BACK:
            lane.histogram[_bin(day.maximum)] -= _kept(self._observed_ms - day.observed_ms)
            day.maximum = _TAKEN_BACK

    def opened(self) -> None:
        self.overspent += 1.0

    def rank(self, surprise: float) -> float:
        exceeded = [lane.exceeded(max(surprise, lane.thresholds[0])) for lane in self.lanes]
        return sum(exceeded) * self._budget.partitions

    def follow(self, newest_ms: int, account_days_a_day: float) -> None:
        if newest_ms < self._next_hour_ms:
            return
        silence = 0 if self._newest_ms == _NEVER else newest_ms - self._newest_ms
        passed = min(silence, LONGEST_SILENCE_MS)
        kept = _kept(passed)
        most = max(3.0, self._budget.share * 7.0 * math.log(2.0))
        self.overspent -= self._budget.share * (passed / DAY_MS)
        self.overspent = min(max(self.overspent, -most), most)
        self._observed_ms += passed
        self._newest_ms = newest_ms
        self._next_hour_ms = (newest_ms // HOUR_MS + 1) * HOUR_MS
        rotates = newest_ms >= self._rotate_at_ms
        if rotates:
            self._rotate_at_ms = newest_ms + DAY_MS
        for lane in self.lanes:
            if lane.days or lane.histogram.any():  # its days begin with its first word
                lane.days = lane.days * kept + 7.0 / math.log(2.0) * (1.0 - kept)
            lane.histogram *= kept
            np.maximum(lane.histogram, 0.0, out=lane.histogram)
            if rotates:
                lane.former, lane.account_days = lane.account_days, {}
        self._estimate(account_days_a_day)

    def _estimate(self, account_days_a_day: float) -> None:
        correction = min(max(math.exp(-self.overspent / (self._budget.share * 7.0)), 0.5), 2.0)
        for lane, weight in zip(self.lanes, self._weights, strict=True):
            share = self._budget.share * weight / sum(self._weights)
            aims = [share * (correction if part is None else part) for part in SHARES]
            lane.estimate(account_days_a_day, aims)


class EdgeWithLanes(PlainEdge):
    """The edge of the amount queue, which says when to look again."""

    lanes: PlainLanes | None = None
    account_days_a_day: float

    def _refresh(self) -> None:
        super()._refresh()
        if self.lanes is not None:
            self.lanes.follow(self.newest_ms, self.account_days_a_day)

    def _estimate(self) -> None:
        super()._estimate()
        self.account_days_a_day = float(self._ranked.sum()) / self.observed_days


def _bin(surprise: float) -> int:
    return min(int((min(max(surprise, LOWEST), HIGHEST) - LOWEST) * BINS_PER_UNIT), BINS - 1)


def _kept(passed_ms: int) -> float:
    return float(0.5 ** (passed_ms / (7 * DAY_MS)))
