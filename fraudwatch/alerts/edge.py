"""The edge: the score from which an alert is raised, following from the alert budget (DESIGN D7).

What would open an alert is an account that scores high on some day, not a transaction: twenty payments of one
case are one alert. So the estimate is a histogram of *account-day maxima*: the highest score of an account
within 24 h of event time from its first scored transaction; then the next account-day begins. An account-day
that only continues an open episode is taken back: what remains would open one. The histogram decays with a
half-life of 7 days of observed event time, and the edge is the smallest score that at most the aimed number of
account-days a day exceeds. The estimate starts from the model's training sample, as if one day of it had just
been observed, so that there is an edge from the first record on.

Everything follows from the sequence of judged transactions alone: no clock, no randomness. The estimate is
refreshed when the newest event time enters another hour and after every 1,000 transactions, positions of the
sequence that do not depend on how records were cut into batches; between them the edge stands still.
"""

from array import array

import msgspec
import numpy as np

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


class Budget(msgspec.Struct, frozen=True):
    """How many alerts a day, over how many partitions, and which share of them explores below the edge."""

    alerts_per_day: float
    explore: float
    partitions: int

    @property
    def share(self) -> float:
        """Alerts a day of one partition."""
        return self.alerts_per_day / self.partitions

    @property
    def ceiling(self) -> int:
        """Most alerts one partition opens on one event day: twice its share, rounded up to a whole alert."""
        return max(1, int(np.ceil(2.0 * self.share)))


class AccountDay(msgspec.Struct, gc=False):
    """The running 24 h of one account: when they end, the highest score, and when that was (observed time)."""

    ends_ms: int
    maximum: float
    observed_ms: int


class Edge:
    """The running estimate of one partition.

    `raised_from` is the edge, `medium_from` and `high_from` are the thresholds of the severities, and a
    transaction below the edge whose 32-bit hash is below `explored_below` is a sample. There is no edge
    until `use` was called. `newest_ms` is the newest event time judged.
    """

    def __init__(self, budget: Budget) -> None:
        self.raised_from = self.medium_from = self.high_from = float("inf")
        self.explored_below = 0
        self.newest_ms = _NEVER
        self._budget = budget
        self._histogram = array("d", bytes(8 * BINS))
        self._exceeding = np.zeros(BINS + 1)
        self._account_days: dict[str, AccountDay] = {}
        self._former_account_days: dict[str, AccountDay] = {}
        self._rotate_at_ms = _NEVER
        self._observed_days = 0.0
        self._observed_ms = 0
        self._scored = 0.0
        self._since_refresh = 0
        self._refreshed_ms = _NEVER
        self._next_hour_ms = _NEVER

    @property
    def observed_days(self) -> float:
        """Days, decayed, that the estimate rests on; the first of them is the prior's."""
        return self._observed_days

    def use(self, reference: FloatArray, transactions_per_day: float) -> None:
        """Start again from a model's training sample: scores of another model are another scale.

        `reference` is float64[k], the scores of the sample in any order; `transactions_per_day` is the rate of
        scored transactions in this partition. Raises ValueError for an empty or non-finite prior.
        """
        if not (reference.size and np.isfinite(reference).all() and 0 < transactions_per_day < np.inf):
            raise ValueError("expected the finite scores of a training sample and a positive daily rate")
        bins = np.clip((reference - LOWEST) * BINS_PER_UNIT, 0, BINS - 1).astype(np.int64)
        self._counts()[:] = np.bincount(bins, minlength=BINS) * (transactions_per_day / reference.size)
        self._account_days, self._former_account_days = {}, {}
        self._observed_days = 1.0
        self._scored = transactions_per_day
        self._since_refresh = 0
        self._refreshed_ms = self.newest_ms
        self._estimate()

    def observe(self, account_id: str, event_time_ms: int, score: float) -> float:
        """Count one scored transaction; returns the edge it is to be compared with, which never counts itself.

        `score` is finite. Plain Python on purpose: about half a microsecond unless the account's maximum rises.
        """
        if event_time_ms > self.newest_ms:
            self.newest_ms = event_time_ms
        if event_time_ms >= self._next_hour_ms or self._since_refresh >= REFRESH_EVERY:
            self._refresh()
        self._since_refresh += 1
        day = self._account_days.get(account_id) or self._former_account_days.get(account_id)
        if day is None or event_time_ms >= day.ends_ms:
            self._account_days[account_id] = AccountDay(event_time_ms + DAY_MS, score, self._observed_ms)
            self._histogram[_bin(score)] += 1.0
        elif score > day.maximum:
            self._histogram[_bin(day.maximum)] -= _kept(self._observed_ms - day.observed_ms)
            self._histogram[_bin(score)] += 1.0
            day.maximum, day.observed_ms = score, self._observed_ms
        return self.raised_from

    def joined(self, account_id: str, opened_ms: int) -> None:
        """The account's alerting transaction joined an episode opened at `opened_ms` and so opened none.

        Its account-day, if it began after that, is taken back: a case of a week is one opening, not seven.
        """
        day = self._account_days.get(account_id) or self._former_account_days.get(account_id)
        if day is not None and opened_ms < day.ends_ms - DAY_MS and day.maximum != _TAKEN_BACK:
            self._histogram[_bin(day.maximum)] -= _kept(self._observed_ms - day.observed_ms)
            day.maximum = _TAKEN_BACK

    def rank(self, score: float) -> float:
        """How many alerts of a usual day score higher, over all partitions."""
        above = min(max((HIGHEST - score) * BINS_PER_UNIT, 0.0), BINS - 1e-9)
        whole = int(above)
        lower, upper = self._exceeding[whole], self._exceeding[whole + 1]
        return float(lower + (above - whole) * (upper - lower)) * self._budget.partitions

    def _refresh(self) -> None:
        if not self._observed_days:
            raise RuntimeError(
                "a transaction was judged before the policy was given a model: call use() first"
            )
        silence = 0 if self._refreshed_ms == _NEVER else self.newest_ms - self._refreshed_ms
        passed = min(silence, LONGEST_SILENCE_MS)
        kept = _kept(passed)
        counts = self._counts()
        counts *= kept
        np.maximum(counts, 0.0, out=counts)  # taking back what was added may leave −1e-16
        self._observed_days = self._observed_days * kept + _MEAN_LIFE_DAYS * (1.0 - kept)
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
        self.raised_from = self._exceeded_by((1.0 - explore) * share)
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
