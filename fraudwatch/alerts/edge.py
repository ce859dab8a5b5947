"""The edge: the score from which an alert is raised, following from the alert budget (DESIGN D7).

What would open an alert is an account that scores high on some day, not a transaction: twenty payments of one
case are one alert. So the estimate is a histogram of *account-day maxima*: the highest score of an account
within 24 h of event time from its first scored transaction; then the next account-day begins. An account-day
that only continues an open episode is taken back: what remains would open one. The histogram decays with a
half-life of 7 days of observed event time, and the edge is the smallest score that at most the aimed number of
account-days a day exceeds: the budget's, corrected for what was over- or underspent of it (`Spending`). The estimate
starts from the model's training sample, as if one day of it had just been observed, so that there is an edge from
the first record on.

Everything follows from the sequence of judged transactions alone: no clock, no randomness. The estimate is
refreshed when the newest event time enters another hour and after every 1,000 transactions, positions of the
sequence that do not depend on how records were cut into batches; between them the edge stands still.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fraudwatch.alerts import account_days, histogram, shock
from fraudwatch.alerts.account_days import (
    ACCOUNT_DAY,
    CLOCK,
    COLUMN,
    DAY_MS,
    HOUR_MS,
    LONGEST_SILENCE_MS,
    NEVER,
    REFRESH_DUE,
    TABLE_FULL,
    Array,
)
from fraudwatch.alerts.budget import HIGH_SHARE, LOW_FROM, MEDIUM_SHARE, Budget, Spending
from fraudwatch.alerts.histogram import BINS, BINS_PER_UNIT, HALF, HIGHEST, LOWEST, MEAN_LIFE_DAYS, kept
from fraudwatch.alerts.lanes import LEAST_SURPRISE, NO_LANES, Lanes
from fraudwatch.errors import SnapshotError
from fraudwatch.records import FloatArray, IntArray, LaneSpec, Text, Theme

HASH_RANGE = 2**32
_HOURS_A_DAY = 24.0
PRIOR_FADES = 7
"""Times as fast as what was observed: the training sample's days of shock stand in it as days like others."""
_PRIOR, _OF_LATE = "prior", "of_late"
_SHOCK = ("hour.accounts", "hour.scores", "hour.shock")
"""What a state has of late. One without them is of an edge that had counted its prior as observed."""

_LEAST, _LARGEST = 1e-12, 1e15
"""Between these lie all days and weights of a saved edge."""


class Edge:
    """The running estimate of one partition.

    `raised_from` is the edge, `medium_from` and `high_from` are the thresholds of the severities, and a
    transaction below the edge whose 32-bit hash (`account_days.explored`) is below `explored_below` is a sample.
    There is no edge until `use` was called.
    """

    def __init__(self, budget: Budget) -> None:
        self._usually_from = (float("inf"), float("inf"), float("inf"))
        self.explored_below = 0
        self._budget = budget
        self._histogram = np.zeros(BINS)
        self._prior = np.zeros(BINS)
        self._ranked = np.zeros(BINS)
        self._exceeding: FloatArray | None = None
        self._is_low: bool | None = None
        self._current = self._former = account_days.empty(account_days.FIRST_SLOTS)
        self._clock = np.zeros(1, dtype=CLOCK)
        self._clock[0] = (NEVER, NEVER, 0, 0, 0)
        self._rotate_at_ms = NEVER
        self._highest, self._shock = shock.nothing()
        self._usual = np.zeros(shock.QUARTERS * shock.MOST + 1)
        self._own_days = self._prior_days = 0.0
        self._scored = self._prior_scored = self._scored_a_day = 0.0
        self._spending = Spending(budget)
        self._aimed_with = self._aimed_lately = 0.0
        self._refreshed_ms = NEVER

    @property
    def raised_from(self) -> float:
        """The edge, as of this hour."""
        return self._usually_from[0] + self.shift

    @property
    def medium_from(self) -> float:
        """From where the severity is `medium`, as of this hour."""
        return self._usually_from[1] + self.shift

    @property
    def high_from(self) -> float:
        """From where the severity is `high`, as of this hour."""
        return self._usually_from[2] + self.shift

    @property
    def shift(self) -> float:
        """By how much a shock that many accounts share has raised the edge at this hour (`shock`)."""
        return float(self._shock[0]["shift"])

    @property
    def newest_ms(self) -> int:
        """The newest event time observed."""
        return int(self._clock[0]["newest_ms"])

    @property
    def observed_days(self) -> float:
        """Days, decayed, that the estimate rests on; the first of them is the prior's."""
        return self._own_days + self._prior_days

    @property
    def account_days_a_day(self) -> float:
        """How many account-days begin on a usual day."""
        return float(self._ranked.sum()) / self.observed_days

    @classmethod
    def of(cls, budget: Budget, state: Mapping[str, Array]) -> "Edge":
        """The edge whose `state` this is. Another budget than it was estimated with counts at once.

        Raises SnapshotError for what no edge has.
        """
        _check(state)
        edge = cls(budget)
        edge._histogram = state["histogram"].copy()
        edge._rotate_at_ms, edge._refreshed_ms, *clock = state["clock"].tolist()
        edge._clock[0] = tuple(clock)
        edge._own_days, edge._scored, overspent, aimed_with = state["observed"].tolist()
        aimed_lately = lately = 0.0
        if _OF_LATE in state:
            edge._prior = state[_PRIOR].copy()
            edge._prior_days, edge._prior_scored, lately, aimed_lately = state[_OF_LATE].tolist()
            edge._highest, edge._shock = shock.of(*(state[name] for name in _SHOCK))
        edge._spending = Spending(budget, aimed_with, aimed_lately)
        columns = {name.removeprefix(COLUMN): column for name, column in state.items()}
        held = int(edge._clock[0]["held"])
        edge._current = account_days.table_of(columns, 0, held)
        edge._former = account_days.table_of(columns, held)
        if edge.observed_days:
            edge._estimate(state["ranked"])
        # What was opened since the estimate counts at the next one.
        edge._spending = Spending(budget, overspent, lately)
        return edge

    def state(self) -> dict[str, Array]:
        """All that `of` needs, as plain arrays: histograms float64[BINS], k account-days by column, numbers."""
        columns = account_days.columns_of(self._current, self._former)
        return {
            "histogram": self._histogram.copy(),
            "ranked": self._ranked.copy(),
            "clock": np.array([self._rotate_at_ms, self._refreshed_ms, *self._clock[0]], dtype=np.int64),
            "observed": np.array([self._own_days, self._scored, self._spending.overspent, self._aimed_with]),
            _PRIOR: self._prior.copy(),
            _OF_LATE: np.array(
                [self._prior_days, self._prior_scored, self._spending.lately, self._aimed_lately]
            ),
            **dict(zip(_SHOCK, shock.state(self._highest, self._shock), strict=True)),
        } | {COLUMN + name: column for name, column in columns.items()}

    def use(self, reference: FloatArray, transactions_per_day: float) -> None:
        """Start again from a model's training sample: scores of another model are another scale.

        `reference` is float64[k], the scores of the sample in any order; `transactions_per_day` is the rate of
        scored transactions in this partition. Raises ValueError for an empty or non-finite prior.
        """
        if not (reference.size and np.isfinite(reference).all() and 0 < transactions_per_day < np.inf):
            raise ValueError("expected the finite scores of a training sample and a positive daily rate")
        bins = np.clip((reference - LOWEST) * BINS_PER_UNIT, 0, BINS - 1).astype(np.int64)
        self._prior[:] = np.bincount(bins, minlength=BINS) * (transactions_per_day / reference.size)
        self._histogram[:] = 0.0
        self._begin_generation(int(self._clock[0]["held"]))
        self._former = account_days.empty(account_days.FIRST_SLOTS)
        self._own_days, self._prior_days = 0.0, 1.0
        self._scored, self._prior_scored = 0.0, transactions_per_day
        self._clock[0]["since_refresh"] = 0
        self._refreshed_ms = self.newest_ms
        self._highest, self._shock = shock.nothing()
        self._estimate(self._prior)

    def spend(self, budget: Budget) -> None:
        """Follow another budget from now on."""
        self._budget = budget
        self._spending = Spending(budget, self._spending.overspent, self._spending.lately)
        if self.observed_days:
            self._estimate(self._ranked)

    def observe_rows(
        self,
        accounts: IntArray,
        event_times_ms: IntArray,
        scores: FloatArray,
        ids: IntArray,
        begin: int = 0,
        lanes: Lanes = NO_LANES,
        surprises: FloatArray | None = None,
    ) -> int:
        """Count scored transactions in order from row `begin` on, up to the first that stands out; its index, or n.

        That is one at or above the edge or a lane's, or one below it whose hash explores; it has been counted too.
        Each row is compared with the edges as they stood before it: none counts itself. All are [n]: `accounts` and
        `ids` are 64-bit hashes, `scores` float64 and finite. `surprises` float64[L, n] are those of `lanes`, which are
        counted in the same pass.
        """
        columns = (_given(accounts), _given(event_times_ms), _given(scores), _given(ids.view(np.uint64)))
        of_lanes = _given(np.empty((0, len(scores))) if surprises is None else surprises)
        row = begin
        with np.errstate(over="ignore"):  # hashes wrap, which only plain Python would warn of
            while True:
                row, why = account_days.observe(
                    self._current,
                    self._former,
                    self._histogram,
                    self._clock,
                    lanes.current,
                    lanes.former,
                    lanes.histograms,
                    lanes.clock,
                    HALF,
                    self._usually_from[0],
                    self._highest,
                    self._shock,
                    self._usual,
                    self._scored_a_day / _HOURS_A_DAY,
                    self.explored_below,
                    lanes.raised_from,
                    lanes.salts,
                    LEAST_SURPRISE,
                    *columns,
                    of_lanes,
                    row,
                )
                if why == REFRESH_DUE:
                    self._refresh()
                    self._spending.take_over(lanes.follow(self.newest_ms, self.account_days_a_day))
                elif why == TABLE_FULL:
                    self._current = account_days.roomier(self._current, int(self._clock[0]["held"]), 1)
                    lanes.make_room()
                else:
                    return int(row)

    def joined(self, account: int, opened_ms: int) -> None:
        """The account's alerting transaction joined an episode opened at `opened_ms` and so opened none.

        Its account-day, if it began after that, is taken back: a case of a week is one opening, not seven.
        """
        account_days.take_back(self._current, self._former, self._histogram, self._clock, account, opened_ms)

    def opened(self) -> None:
        """An alert was opened, or a sample drawn; the estimate aims at what that leaves of the budget."""
        self._spending.opened()

    def rank(self, score: float) -> float:
        """How many alerts of a usual day are stranger than this score is at this hour, over all partitions."""
        return self._exceeded_at(score - self.shift) * self._budget.partitions

    @property
    def is_low(self) -> bool:
        """Whether most of what reaches the edge would be there in a stream without anything unusual.

        Then the budget exceeds what is unusual: alerts are the everyday's largest, and say little.
        """
        if self._is_low is None:
            edge = self._usually_from[0]
            ordinary = histogram.ordinarily_exceeding(self._ranked, self.observed_days, edge)
            self._is_low = ordinary >= LOW_FROM * self._exceeded_at(edge)
        return self._is_low

    def _refresh(self) -> None:
        if not self.observed_days:
            raise RuntimeError(
                "a transaction was judged before the policy was given a model: call use() first"
            )
        newest_ms = self.newest_ms
        silence = 0 if self._refreshed_ms == NEVER else newest_ms - self._refreshed_ms
        passed = min(silence, LONGEST_SILENCE_MS)
        left = kept(HALF, passed)
        histogram.decay(self._histogram, left)
        self._own_days = self._own_days * left + MEAN_LIFE_DAYS * (1.0 - left)
        prior_left = kept(HALF, PRIOR_FADES * passed)
        self._prior *= prior_left
        self._prior_days *= prior_left
        self._prior_scored *= prior_left
        self._spending.passed(passed / DAY_MS)
        now = self._clock[0]
        if newest_ms >= now["next_hour_ms"]:
            follows = newest_ms < now["next_hour_ms"] + HOUR_MS
            shock.next_hour(*self._of_this_hour(), follows=follows)
        self._scored = self._scored * left + int(now["since_refresh"])
        now["observed_ms"] += passed
        now["since_refresh"] = 0
        now["next_hour_ms"] = (newest_ms // HOUR_MS + 1) * HOUR_MS
        self._refreshed_ms = newest_ms
        self._forget()
        self._estimate(self._histogram + self._prior)
        self._shock[0]["shift"] = shock.measured(*self._of_this_hour())

    def _forget(self) -> None:
        """Two generations of a day each: entries older than 24 h go with the elder, without a sweep."""
        if self.newest_ms >= self._rotate_at_ms:
            self._former = self._current
            self._begin_generation(int(self._clock[0]["held"]))
            self._rotate_at_ms = self.newest_ms + DAY_MS

    def _begin_generation(self, expected: int) -> None:
        self._current = account_days.empty(account_days.slots_for(expected))
        self._clock[0]["held"] = 0

    def _estimate(self, counts: FloatArray) -> None:
        np.copyto(self._ranked, counts)
        self._usual = shock.usually_exceeded(self._ranked, self.observed_days)
        self._exceeding = self._is_low = None
        self._aimed_with, self._aimed_lately = self._spending.overspent, self._spending.lately
        share, explore = self._budget.share, self._budget.explore
        aim = (1.0 - explore) * share * self._spending.correction * self._spending.pace
        self._usually_from = (
            self._exceeded_by(aim) if aim > 0.0 else HIGHEST,
            self._exceeded_by(MEDIUM_SHARE * share),
            self._exceeded_by(HIGH_SHARE * share),
        )
        self._scored_a_day = (self._scored + self._prior_scored) / self.observed_days
        self.explored_below = int(min(explore * share / self._scored_a_day, 1.0) * HASH_RANGE)

    def _of_this_hour(self) -> tuple[Array, Array, FloatArray, float]:
        return self._highest, self._shock, self._usual, self._scored_a_day / _HOURS_A_DAY

    def _exceeded_at(self, score: float) -> float:
        if self._exceeding is None:
            self._exceeding = histogram.exceeding(self._ranked, self.observed_days)
        return histogram.exceeded_at(self._exceeding, score)

    def _exceeded_by(self, account_days_a_day: float) -> float:
        return float(histogram.exceeded_by(self._ranked, self.observed_days, account_days_a_day))


def _check(state: Mapping[str, Array]) -> None:
    """That the arrays are those of a state, that they fit together, and that counts are counts."""
    days = len(state.get(COLUMN + "account", ()))
    expected: dict[str, tuple[np.dtype[Any], int]] = {
        "histogram": (np.dtype(np.float64), BINS),
        "ranked": (np.dtype(np.float64), BINS),
        "observed": (np.dtype(np.float64), 4),
        "clock": (np.dtype(np.int64), 7),
    }
    expected |= {COLUMN + name: (ACCOUNT_DAY[name], days) for name in ACCOUNT_DAY.names or ()}
    for name, (kind, length) in expected.items():
        array = state.get(name)
        if array is None or array.dtype != kind or array.shape != (length,):
            raise SnapshotError(
                f"expected in the saved edge {length} of {kind} as {name}, found something else"
            )
        if name in ("histogram", "ranked", "observed") and not np.isfinite(array).all():
            raise SnapshotError(f"expected in the saved edge finite numbers as {name}, found others")
    if _OF_LATE in state:
        _check_of_late(state)
    if not _is_plausible(state):
        raise SnapshotError(
            f"expected in the saved edge at most {days} account-days, found {state['clock'][-1]}"
        )


def _check_of_late(state: Mapping[str, Array]) -> None:
    """That a prior is one, and what was spent lately a count."""
    for name, length in ((_PRIOR, BINS), (_OF_LATE, 4), *((name, None) for name in _SHOCK)):
        array = state.get(name)
        if array is None:
            raise SnapshotError(f"expected in the saved edge what it knows of late, found no {name}")
        if length is None:  # for `shock.of` to judge
            continue
        is_ours = array.dtype == np.float64 and array.shape == (length,)
        if not (is_ours and ((array >= 0.0) & (array <= _LARGEST)).all()):
            raise SnapshotError(f"expected in the saved edge weights of a prior as {name}, found others")


def _is_plausible(state: Mapping[str, Array]) -> bool:
    """Whether counts are counts, nothing was observed after now, and weights can be reckoned with."""
    _, refreshed, newest, _, observed, since, held = state["clock"].tolist()
    observed_days, scored, *spent = state["observed"].tolist()
    prior_days, prior_scored = state[_OF_LATE].tolist()[:2] if _OF_LATE in state else (0.0, 0.0)
    days, of_days = observed_days + prior_days, scored + prior_scored
    last = state[COLUMN + "observed_ms"]
    return bool(
        NEVER <= refreshed <= newest <= -NEVER
        and 0 <= observed <= -NEVER
        and since >= 0
        and 0 <= held <= len(last)
        and ((last >= 0) & (last <= observed)).all()
        and not np.isnan(state[COLUMN + "maximum"]).any()
        and all(np.abs(state[name]).max() <= _LARGEST for name in ("histogram", "ranked"))
        and min(observed_days, scored) >= 0.0
        and (days == of_days == 0.0 or min(days, of_days) >= _LEAST)
        and max(observed_days, scored, *map(abs, spent)) <= _LARGEST
    )


def _given(column: Array) -> Array:
    """Of one type for the kernel, whoever owns the memory: for another type it would be compiled in mid-stream."""
    seen = np.ascontiguousarray(column).view()
    seen.flags.writeable = False
    return seen


def warm_up() -> None:
    """Compile the kernels of the edge, or load their machine code: at a first transaction it would take a second."""
    edge = Edge(Budget(1.0, 0.0, 1))
    edge.use(np.zeros(1), 1.0)
    hashes = np.zeros(1, dtype=np.int64)
    edge.observe_rows(hashes, hashes, np.zeros(1), hashes)
    example = LaneSpec("example", "EXAMPLE", Theme.PROFILE, Text("", ""), Text("", ""))
    lanes = Lanes([example], Budget(1.0, 0.0, 1))
    lanes.start(0, 1.0)
    lanes.rank(HIGHEST)
    edge.observe_rows(hashes, hashes, np.zeros(1), hashes, 0, lanes, np.full((1, 1), HIGHEST))
    edge.joined(0, -DAY_MS - 1)
    account_days.grown(edge._current)
