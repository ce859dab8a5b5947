"""The edges of the lanes: the surprise from which each lane of the typology queue raises an alert (DESIGN D4, D7).

A lane's *surprise* is −log10 of its episode tail: of the part of account-days of the training sample whose maximum is
as high. As for the amount queue (`edge`), the estimate of each lane is a decaying histogram of account-day maxima, of
which those that only continue an open episode are taken back. Five things are different:

- What is below `LEAST_SURPRISE` is nothing to a lane and not even counted.
- How surprises ordinarily fall off is known by their construction, by the factor 10 a unit. So one day of the training
  sample's tail counts beside what was observed, for good, and a lane's own days begin with its first word: one that is
  silent for months begins at the edge of the training sample.
- A model may say that some lanes are worth less of the budget than others (`detection.earned`): shares go by weights.
- What is spent is spent by the queue. What one lane leaves goes to the others, up to twice their share; a lane that is
  dead leaves its share to those that live.
- The estimates are refreshed when the newest event time enters another hour.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from fraudwatch.alerts import account_days, histogram
from fraudwatch.alerts.account_days import (
    ACCOUNT_DAY,
    CLOCK,
    COLUMN,
    DAY_MS,
    HOUR_MS,
    LONGEST_SILENCE_MS,
    NEVER,
    Array,
)
from fraudwatch.alerts.budget import HIGH_SHARE, LOW_FROM, MEDIUM_SHARE, Budget, Spending
from fraudwatch.alerts.episodes import Severity
from fraudwatch.alerts.histogram import BINS, BINS_PER_UNIT, HIGHEST, LOWEST, MEAN_LIFE_DAYS, kept
from fraudwatch.compiled import compiled
from fraudwatch.errors import SnapshotError
from fraudwatch.mixing import mix
from fraudwatch.records import FeatureSpec, FloatArray, LaneSpec, Reason, Role, Side, Unit

LEAST_SURPRISE = 1.0
"""One account-day in ten of the training sample is as surprising: nothing that a sentence could call unusual."""
LEAST_WEIGHT = 1e-3
"""Of a snapshot: no lane has earned less."""
MOST_LANES = 64
"""Of a snapshot, so that no forged one takes all memory."""

_LEAST_BIN = histogram.bin_of(LEAST_SURPRISE)
_WEIGHTS = "weights"
"""What a state has since shares were earned; one without is of lanes with equal ones."""
_ORDINARY = 0.3
"""The part of all entries from whose lowest surprise on the ordinary fall is drawn out."""
_LARGEST = 1e15


def _tail() -> FloatArray:
    """By bin, the part of account-days whose surprise ordinarily lies in it: float64[BINS]."""
    lower = LOWEST + np.arange(BINS) / BINS_PER_UNIT
    tail = 10.0**-lower - 10.0 ** -(lower + 1 / BINS_PER_UNIT)
    tail[:_LEAST_BIN] = 0.0
    return tail


_TAIL: Final = _tail()


class Lanes:
    """The running estimates of one partition, for L lanes.

    `thresholds` is float64[3, L], by severity: from where each lane raises an alert of it. `histograms`, `current`,
    `former`, `clock` and `salts` are what `account_days.observe` counts in.
    """

    def __init__(self, specs: Sequence[LaneSpec], budget: Budget, weights: FloatArray | None = None) -> None:
        """`budget` is that of the whole queue; its lanes share it by `weights` float64[L], equally without."""
        count = len(specs)
        self.specs = tuple(specs)
        self.weights = np.ones(count) if weights is None else weights.copy()
        self.reason_specs = tuple(map(_reason_spec, specs))
        self.names = [spec.name for spec in specs]
        self.thresholds = np.full((3, count), HIGHEST)
        self.histograms = np.zeros((count, BINS))
        self.current = self.former = account_days.empty(account_days.FIRST_SLOTS)
        self.clock = np.zeros(1, dtype=CLOCK)
        self.clock[0] = (NEVER, NEVER, 0, 0, 0)
        self.salts = mix(np.arange(1, count + 1, dtype=np.uint64)).view(np.int64)
        self._budget = budget
        self._spending = Spending(budget)
        self._ranked = np.zeros((count, BINS))
        self._days = np.zeros(count)
        self._lows: dict[int, bool] = {}
        self._rotate_at_ms = NEVER

    def __len__(self) -> int:
        return len(self.specs)

    @property
    def raised_from(self) -> FloatArray:
        """The edge of each: float64[L]."""
        edges: FloatArray = self.thresholds[Severity.LOW]
        return edges

    @property
    def share(self) -> float:
        """Alerts a day, in this partition, of the lane that has earned most."""
        return float(self.shares.max())

    @property
    def shares(self) -> FloatArray:
        """Alerts a day of each in this partition: float64[L]."""
        shares: FloatArray = self._budget.share * self.weights / self.weights.sum()
        return shares

    def days(self, lane: int) -> float:
        """Days, decayed, that the estimate rests on, with that of the training sample."""
        return float(self._days[lane]) + 1.0

    def reason(self, lane: int, surprise: float) -> Reason:
        """What the lane says, as a reason."""
        return Reason(self.reason_specs[lane], surprise, surprise, None, None)

    def reached(self, surprises: Sequence[float]) -> list[int]:
        """The places of those whose edge a transaction of these surprises reaches, the most surprising first."""
        edges = self.raised_from.tolist()
        places = [place for place, surprise in enumerate(surprises) if surprise >= edges[place]]
        return sorted(places, key=lambda place: -surprises[place])

    def level(self, surprises: Sequence[float]) -> Severity:
        """The highest severity whose threshold one of them reaches."""
        if not surprises:
            return Severity.LOW
        reached = np.any(self.thresholds <= np.array(surprises), axis=1).tolist()
        return max((level for level in Severity if reached[level]), default=Severity.LOW)

    def start(self, newest_ms: int, account_days_a_day: float) -> None:
        """Have edges before the first transaction: those of the training sample."""
        self.clock[0]["newest_ms"] = newest_ms
        self._estimate(1.0, account_days_a_day)

    def follow(self, newest_ms: int, account_days_a_day: float) -> float:
        """Estimate again if the newest event time is in another hour; how many alerts lapsed for want of account-days.

        `account_days_a_day` is how many account-days begin on a usual day in this partition, whatever a lane says.
        """
        now = self.clock[0]
        if not self.specs or newest_ms < now["next_hour_ms"]:
            return 0.0
        silence = 0 if now["newest_ms"] == NEVER else newest_ms - int(now["newest_ms"])
        passed = min(silence, LONGEST_SILENCE_MS)
        left = kept(histogram.HALF, passed)
        begun = (self._days > 0.0) | self.histograms.any(axis=1)
        self._days = np.where(begun, self._days * left + MEAN_LIFE_DAYS * (1.0 - left), 0.0)
        lapsed = self._spending.passed(passed / DAY_MS)
        now["observed_ms"] += passed
        now["newest_ms"] = newest_ms
        now["next_hour_ms"] = (newest_ms // HOUR_MS + 1) * HOUR_MS
        if newest_ms >= self._rotate_at_ms:
            self.former = self.current
            self.current = account_days.empty(account_days.slots_for(int(now["held"])))
            now["held"] = 0
            self._rotate_at_ms = newest_ms + DAY_MS
        self._estimate(left, account_days_a_day)
        return lapsed

    def make_room(self) -> None:
        """A larger table where one more row could fill the present one."""
        self.current = account_days.roomier(self.current, int(self.clock[0]["held"]), len(self.specs))

    def joined(self, lane: int, account: int, opened_ms: int) -> None:
        """As `Edge.joined`, for the account-day of one lane."""
        key = int(np.int64(account) ^ self.salts[lane])
        account_days.take_back(self.current, self.former, self.histograms[lane], self.clock, key, opened_ms)

    def opened(self) -> None:
        """A lane opened an alert."""
        self._spending.opened()

    def rank(self, surprise: float) -> float:
        """How many alerts of a usual day, of all lanes and over all partitions, are more surprising."""
        above = 0.0
        for ranked, days, edge in zip(
            self._ranked, self._days.tolist(), self.raised_from.tolist(), strict=True
        ):
            above += histogram.exceeding_at(ranked, days + 1.0, max(edge, surprise))
        return above * self._budget.partitions

    def is_low(self, lane: int) -> bool:
        """As `Edge.is_low`: whether most of what reaches the lane's edge would if its surprises fell off ordinarily."""
        if lane not in self._lows:
            self._lows[lane] = self._is_low(lane)
        return self._lows[lane]

    def _is_low(self, lane: int) -> bool:
        ranked, edge = self._ranked[lane], float(self.raised_from[lane])
        above = histogram.exceeding_at(ranked, 1.0, edge)
        from_bin = np.cumsum(ranked[::-1])[::-1]
        at = int(np.flatnonzero(from_bin >= _ORDINARY * from_bin[0])[-1])
        ordinary = float(from_bin[at]) * 10.0 ** min(LOWEST + at / BINS_PER_UNIT - edge, 0.0)
        return bool(ordinary >= LOW_FROM * above)

    def state(self) -> dict[str, Array]:
        """All that `of` needs besides the specs, as plain arrays."""
        columns = account_days.columns_of(self.current, self.former)
        return {
            "histograms": self.histograms.copy(),
            "ranked": self._ranked.copy(),
            "thresholds": self.thresholds.copy(),
            "days": self._days.copy(),
            _WEIGHTS: self.weights.copy(),
            "overspent": np.array([self._spending.overspent]),
            "clock": np.array([self._rotate_at_ms, *self.clock[0]], dtype=np.int64),
        } | {COLUMN + name: column for name, column in columns.items()}

    @classmethod
    def of(
        cls, specs: Sequence[LaneSpec], budget: Budget, state: Mapping[str, Array], newest_ms: int
    ) -> "Lanes":
        """The lanes whose `state` this is, `newest_ms` being the newest event time observed.

        Raises SnapshotError for what no lanes have.
        """
        _check(len(specs), state, newest_ms)
        lanes = cls(specs, budget, state.get(_WEIGHTS))
        lanes.histograms, lanes._ranked = state["histograms"].copy(), state["ranked"].copy()
        lanes.thresholds, lanes._days = state["thresholds"].copy(), state["days"].copy()
        lanes._spending = Spending(budget, float(state["overspent"][0]))
        lanes._rotate_at_ms, *clock = state["clock"].tolist()
        lanes.clock[0] = tuple(clock)
        columns = {name.removeprefix(COLUMN): column for name, column in state.items()}
        held = int(lanes.clock[0]["held"])
        lanes.current = account_days.table_of(columns, 0, held)
        lanes.former = account_days.table_of(columns, held)
        return lanes

    def _estimate(self, left: float, account_days_a_day: float) -> None:
        self._lows.clear()
        aims = np.outer(self.shares, [self._spending.correction, MEDIUM_SHARE, HIGH_SHARE])
        estimate(
            self.histograms, self._ranked, self.thresholds, self._days, _TAIL, account_days_a_day, left, aims
        )


@compiled
def estimate(
    histograms: FloatArray,
    ranked: FloatArray,
    thresholds: FloatArray,
    days: FloatArray,
    tail: FloatArray,
    account_days_a_day: float,
    left: float,
    aims: FloatArray,
) -> None:
    """Let all weights decay, and find the thresholds that as many account-days a day exceed as is aimed at.

    `aims` is float64[L, 3], of each lane falling, in the order of `thresholds`. Where all that is counted is less than
    is aimed at, the threshold is `LEAST_SURPRISE`.
    """
    for lane in range(len(days)):
        thresholds[:, lane] = LEAST_SURPRISE
        observed_days = days[lane] + 1.0
        total = 0.0
        found = aims.shape[1] - 1
        for place in range(BINS - 1, _LEAST_BIN - 1, -1):
            weight = max(histograms[lane, place] * left, 0.0)
            histograms[lane, place] = weight
            weight += account_days_a_day * tail[place]
            ranked[lane, place] = weight
            while found >= 0 and total + weight > aims[lane, found] * observed_days:
                inside = (aims[lane, found] * observed_days - total) / weight
                thresholds[found, lane] = HIGHEST - (BINS - 1 - place + inside) / BINS_PER_UNIT
                found -= 1
            total += weight


def _reason_spec(lane: LaneSpec) -> FeatureSpec:
    """What a lane says, in the form of a reason that is evidence by itself."""
    return FeatureSpec(
        lane.name,
        lane.code,
        lane.theme,
        Side.HIGH,
        Role.ANCHOR,
        Unit.NUMBER,
        lane.sentence,
        lane.innocent,
        doc=lane.doc,
    )


def _check(count: int, state: Mapping[str, Array], newest_ms: int) -> None:
    """That the arrays are those of so many lanes, that they fit together, and that counts are counts."""
    days = len(state.get(COLUMN + "account", ()))
    expected: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = {
        "histograms": (np.dtype(np.float64), (count, BINS)),
        "ranked": (np.dtype(np.float64), (count, BINS)),
        "thresholds": (np.dtype(np.float64), (3, count)),
        "days": (np.dtype(np.float64), (count,)),
        "overspent": (np.dtype(np.float64), (1,)),
        "clock": (np.dtype(np.int64), (6,)),
    }
    if _WEIGHTS in state:
        expected[_WEIGHTS] = (np.dtype(np.float64), (count,))
    expected |= {COLUMN + name: (ACCOUNT_DAY[name], (days,)) for name in ACCOUNT_DAY.names or ()}
    for name, (kind, shape) in expected.items():
        array = state.get(name)
        if array is None or array.dtype != kind or array.shape != shape:
            raise SnapshotError(
                f"expected in the saved lanes {kind} of {shape} as {name}, found something else"
            )
    if not (1 <= count <= MOST_LANES and _is_plausible(state, newest_ms)):
        raise SnapshotError("expected in the saved lanes counts of what was observed, found other numbers")


def _is_plausible(state: Mapping[str, Array], newest_ms: int) -> bool:
    """Whether counts are counts, nothing was observed after now, and weights can be reckoned with."""
    _, newest, _, observed, _, held = state["clock"].tolist()
    last = state[COLUMN + "observed_ms"]
    bounds = {
        "histograms": (-_LARGEST, _LARGEST),
        "ranked": (0.0, _LARGEST),
        "thresholds": (LEAST_SURPRISE, HIGHEST),
        "days": (0.0, _LARGEST),
        "overspent": (-_LARGEST, _LARGEST),
    }
    if _WEIGHTS in state:
        bounds[_WEIGHTS] = (LEAST_WEIGHT, 1.0)
    return bool(
        NEVER <= newest <= newest_ms
        and 0 <= observed <= -NEVER
        and 0 <= held <= len(last)
        and ((last >= 0) & (last <= observed)).all()
        and not np.isnan(state[COLUMN + "maximum"]).any()
        and all(
            ((state[name] >= least) & (state[name] <= most)).all() for name, (least, most) in bounds.items()
        )
    )


NO_LANES: Final = Lanes((), Budget(0.0, 0.0, 1))
"""Of a partition whose model has none, or whose settings give them nothing."""
