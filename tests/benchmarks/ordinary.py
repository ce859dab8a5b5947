"""The worker's job written the ordinary way: Python objects, NumPy by micro-batch, PyOD's own `decision_function`.

What the programs on stock Faust and on Quix Streams have in common: they decode with msgspec, keep the state of each
account in plain objects, compute the features that the model judges, score a micro-batch with the very PyOD objects
that the product's compiled detectors were exported from, and write an alert for what lies at or above an edge.
`test_baselines.py` holds the features and scores to the product's.

It spares itself what the product does beside that, which is to its advantage here: it does not map sources, keeps no
windows but the day that the judged features look at, counts a transaction older than its account's newest and leaves it
at that, keeps a fixed edge and no episodes, and writes no dead letters. It imports nothing of fraudwatch.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import joblib
import msgspec
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

MICRO_BATCH = 2_000
"""Records judged at once, as many as the product takes: PyOD's cost of a call is spread over them."""

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
HORIZON_MS = 7 * DAY_MS
HALF_LIFE_MS = 2 * DAY_MS
PRIOR = 3.0
LEAST_HISTORY = 5
GRAIN = 2.0**30

FEATURES = (
    "amount",
    "amount_ratio",
    "spend_24h_excess",
    "count_24h_excess",
    "pressure_2d",
    "hour",
    "new_counterparty",
    "new_24h_excess",
)
"""What `Account.judged` gives, in this order."""


class Payment(msgspec.Struct, gc=False):
    """A canonical transaction as it is written in the topic."""

    transaction_id: str
    account_id: str
    event_time: datetime
    amount: float
    currency: str
    direction: str | None = None
    counterparty_id: str | None = None
    counterparty_country: str | None = None
    channel: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    device_id: str | None = None
    category: str | None = None
    status: str | None = None


Cohort = tuple[str | None, str | None, str | None]

decode: Callable[[bytes], Payment] = msgspec.json.Decoder(Payment).decode


class Table(NamedTuple):
    """Surprises of one feature or detector: `knots` and `levels` float64[k], past the last knot a slope."""

    side: str
    knots: FloatArray
    levels: FloatArray
    slope: float
    ceiling: float

    def surprises(self, values: FloatArray) -> FloatArray:
        """float64[n] of values float64[n]; 0 where NaN."""
        if self.side == "rare":
            place = np.minimum(np.searchsorted(self.knots, values), len(self.knots) - 1)
            found = np.where(self.knots[place] == values, self.levels[place], self.ceiling)
        else:
            found = self._tail(-values if self.side == "low" else values)
        return np.where(np.isnan(values), 0.0, np.floor(found * GRAIN + 0.5) / GRAIN)

    def _tail(self, values: FloatArray) -> FloatArray:
        """Between two knots on the line through both, `np.interp` in other words, whose last bit is another one."""
        knots, levels, last = self.knots, self.levels, len(self.knots) - 1
        above = np.searchsorted(knots, values, side="right")
        below = np.maximum(above - 1, 0)
        part = np.maximum(values - knots[below], 0.0)
        gap = knots[np.minimum(above, last)] - knots[below]
        rise = levels[np.minimum(above, last)] - levels[below]
        inside = levels[below] + rise * (part / np.where(gap > 0.0, gap, 1.0))
        return np.where(
            values > knots[last], np.minimum(levels[last] + part * self.slope, self.ceiling), inside
        )


class Lifts(NamedTuple):
    """What a reason adds to the score: `lifts` has one entry more than `cuts`."""

    cuts: FloatArray
    lifts: FloatArray

    def of(self, side: str, values: FloatArray, surprises: FloatArray) -> FloatArray:
        """float64[n]; 0 where the value is missing."""
        if side == "rare":
            place = np.minimum(np.searchsorted(self.cuts, values), len(self.cuts) - 1)
            band = np.where(self.cuts[place] == values, place, len(self.cuts))
        else:
            band = np.searchsorted(self.cuts, surprises, side="left")
        return np.where(np.isnan(values), 0.0, self.lifts[band])


class Reason(NamedTuple):
    """A feature or a detector: `lifts` None for an anchor, `pyod` None for a feature."""

    name: str
    table: Table
    lifts: Lifts | None
    pyod: Any


class Model(NamedTuple):
    """What `prepared.ordinary_model` writes: features in the order of `FEATURES`, detectors, population, edge, and the
    mean amount of each cohort by direction, channel and category."""

    features: tuple[Reason, ...]
    detectors: tuple[Reason, ...]
    population: dict[str, float]
    edge: float
    cohorts: dict[Cohort, float]

    @classmethod
    def read(cls, path: Path) -> "Model":
        """From a file of our own making (joblib is a pickle)."""
        return cls.of(joblib.load(path))

    @classmethod
    def of(cls, plain: Any) -> "Model":
        """From what that file holds."""
        features, detectors, population, edge, cohorts = plain
        return cls(
            tuple(_reason(reason) for reason in features),
            tuple(_reason(reason) for reason in detectors),
            population,
            edge,
            cohorts,
        )

    def usual(self, direction: str | None, channel: str | None, category: str | None) -> float:
        """What such a transaction usually comes to."""
        return self.cohorts.get((direction, channel, category), self.population["mean"])

    def judge(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Scores float64[n] and contributions float64[n, reasons] of values float64[n, features]."""
        _, contributions = self.reasons(values)
        return contributions.sum(axis=1), contributions

    def reasons(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Surprises and contributions, each float64[n, reasons], of values float64[n, features]."""
        surprises = np.column_stack([r.table.surprises(values[:, i]) for i, r in enumerate(self.features)])
        contexts = surprises[:, [reason.lifts is not None for reason in self.features]]
        told = np.zeros((len(values), len(self.detectors)))
        contributions = np.zeros((len(values), len(self.features) + len(self.detectors)))
        anchors = [i for i, reason in enumerate(self.features) if reason.lifts is None]
        strongest = np.array(anchors)[np.argmax(surprises[:, anchors], axis=1)]
        rows = np.arange(len(values))
        contributions[rows, strongest] = surprises[rows, strongest]
        for index, reason in enumerate(self.features):
            if reason.lifts is not None:
                found = reason.lifts.of(reason.table.side, values[:, index], surprises[:, index])
                contributions[:, index] = found
        for index, reason in enumerate(self.detectors, len(self.features)):
            raw = reason.pyod.decision_function(contexts)
            assert reason.lifts is not None
            told[:, index - len(self.features)] = reason.table.surprises(raw)
            contributions[:, index] = reason.lifts.of("high", raw, told[:, index - len(self.features)])
        return np.hstack([surprises, told]), contributions


def _reason(plain: Any) -> Reason:
    name, table, lifts, pyod = plain
    return Reason(name, Table(*table), None if lifts is None else Lifts(*lifts), pyod)


class Account:
    """What is kept of one account: its habits, and the transactions of the last 24 hours."""

    __slots__ = (
        "counterparties",
        "day",
        "day_known",
        "day_new",
        "day_sum",
        "first",
        "newest",
        "paid",
        "pressure",
        "squares",
        "sum",
        "total",
    )

    def __init__(self) -> None:
        self.total = self.paid = self.sum = self.squares = 0
        self.first = self.newest = 0
        self.pressure = 0.0
        self.day: deque[tuple[int, int, bool, bool]] = deque()
        self.day_sum = self.day_known = self.day_new = 0
        self.counterparties: set[str] = set()

    def judged(
        self,
        time_ms: int,
        money: int,
        counterparty: str | None,
        status: str | None,
        population: dict[str, float],
        usual: float,
    ) -> list[float] | None:
        """The features before this transaction of `money` minor units, None of an account's first; then it is kept."""
        moved = status != "declined" and status != "reversed"
        is_new = counterparty is not None and counterparty not in self.counterparties
        self._let_go(time_ms - DAY_MS)
        if self.total:
            self.pressure *= math.exp2((self.newest - time_ms) / HALF_LIFE_MS)
            values = self._values(money, time_ms, counterparty is not None, is_new, population, usual)
        else:
            self.first = time_ms
            values = None
        self._remember(time_ms, money if moved else 0, moved, counterparty, is_new)
        return values

    def _values(
        self,
        money: int,
        time_ms: int,
        is_known: bool,
        is_new: bool,
        population: dict[str, float],
        usual: float,
    ) -> list[float]:
        mean = (self.sum + PRIOR * population["mean"]) / (self.paid + PRIOR)
        days = (time_ms - self.first) / DAY_MS
        rate = (self.total + PRIOR) / (days + PRIOR / population["rate"])
        size = math.log(money + 100.0)
        return [
            size,
            size - math.log(self._amount(population["mean"], usual) + 100.0),
            self._spend(mean, (self.paid + PRIOR) / (days + PRIOR / population["paid_rate"]), population),
            2.0 * (math.sqrt(len(self.day) + 0.375) - math.sqrt(rate + 0.375)),
            self.pressure,
            float(time_ms // HOUR_MS % 24),
            float(is_new) if is_known else math.nan,
            self._new(population["new_share"]),
        ]

    def _amount(self, everybodys: float, usual: float) -> float:
        """What the account's transactions usually come to."""
        prior = everybodys + PRIOR / (self.paid + PRIOR) * (usual - everybodys)
        return (self.sum + PRIOR * prior) / (self.paid + PRIOR)

    def _spend(self, mean: float, rate: float, population: dict[str, float]) -> float:
        """Wilson and Hilferty's cube root of a compound Poisson day."""
        variance = (self._deviations() + PRIOR * population["variance"]) / (self.paid + PRIOR)
        expected = rate * mean
        if expected <= 0.0:
            return math.nan
        shape = rate * mean * mean / (variance + mean * mean)
        return ((self.day_sum / expected) ** (1 / 3) - (1.0 - 1.0 / (9.0 * shape))) * math.sqrt(9.0 * shape)

    def _deviations(self) -> float:
        """Sum of the squared deviations of earlier amounts from their mean."""
        return self.squares - self.sum * self.sum / self.paid if self.paid else 0.0

    def _new(self, share: float) -> float:
        expected = self.day_known * share
        return (self.day_new - expected) / math.sqrt(expected * (1.0 - share) + 0.25)

    def _weight(self, money: int) -> float:
        return max(0.0, math.log((money + 100.0) / (self.sum / self.paid + 100.0)))

    def _let_go(self, until_ms: int) -> None:
        day = self.day
        while day and day[0][0] <= until_ms:
            _, money, is_known, is_new = day.popleft()
            self.day_sum -= money
            self.day_known -= is_known
            self.day_new -= is_new

    def _remember(
        self, time_ms: int, money: int, moved: bool, counterparty: str | None, is_new: bool
    ) -> None:
        if moved:
            winsor = money
            if self.paid >= LEAST_HISTORY:
                self.pressure += self._weight(money)
                winsor = min(money, 5 * self.sum // self.paid + 1_000)
            self.paid += 1
            self.sum += winsor
            self.squares += winsor * winsor
        is_known = counterparty is not None
        if counterparty is not None:
            self.counterparties.add(counterparty)
        self.day.append((time_ms, money, is_known, is_new))
        self.day_sum += money
        self.day_known += is_known
        self.day_new += is_new
        self.total += 1
        self.newest = time_ms


class Observed(NamedTuple):
    """A transaction that can be scored, and its features."""

    payment: Payment
    values: list[float]


class Job:
    """State and model of one process."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.accounts: dict[str, Account] = {}
        self.counts = dict.fromkeys(("records", "scored", "young", "duplicates", "late", "alerts"), 0)
        self._seen: dict[tuple[str, str], int] = {}
        self._arrivals: deque[tuple[int, tuple[str, str]]] = deque()
        self._newest = 0

    def observe(self, value: bytes) -> Observed | None:
        """One record into the state; None for what is not to be scored."""
        self.counts["records"] += 1
        payment = decode(value)
        time_ms = round(payment.event_time.timestamp() * 1000)
        if self._is_seen(payment, time_ms):
            self.counts["duplicates"] += 1
            return None
        account = self.accounts.get(payment.account_id)
        if account is None:
            account = self.accounts[payment.account_id] = Account()
        if time_ms < account.newest:
            self.counts["late"] += 1
            return None
        money = round(payment.amount * 100)
        counterparty, status = payment.counterparty_id, payment.status
        usual = self.model.usual(payment.direction, payment.channel, payment.category)
        values = account.judged(time_ms, money, counterparty, status, self.model.population, usual)
        if values is None:
            self.counts["young"] += 1
            return None
        return Observed(payment, values)

    def alerts(self, observed: Sequence[Observed]) -> list[tuple[bytes, bytes]]:
        """Key and value of an alert for each transaction at or above the edge."""
        if not observed:
            return []
        self.counts["scored"] += len(observed)
        scores, contributions = self.model.judge(np.array([each.values for each in observed]))
        rows = np.flatnonzero(scores >= self.model.edge).tolist()
        self.counts["alerts"] += len(rows)
        return [self._alert(observed[row], scores[row], contributions[row]) for row in rows]

    def take(self, values: Iterable[bytes]) -> list[tuple[bytes, bytes]]:
        """A micro-batch of records into the state; its alerts."""
        found = [self.observe(value) for value in values]
        return self.alerts([each for each in found if each is not None])

    def _is_seen(self, payment: Payment, time_ms: int) -> bool:
        self._newest = max(self._newest, time_ms)
        while self._arrivals and self._arrivals[0][0] < self._newest - HORIZON_MS:
            self._seen.pop(self._arrivals.popleft()[1], None)
        key = (payment.account_id, payment.transaction_id)
        if key in self._seen:
            return True
        self._seen[key] = time_ms
        self._arrivals.append((time_ms, key))
        return False

    def _alert(self, observed: Observed, score: float, contributions: FloatArray) -> tuple[bytes, bytes]:
        names = [reason.name for reason in (*self.model.features, *self.model.detectors)]
        strongest = np.argsort(-contributions)[:3].tolist()
        payment = observed.payment
        message = {
            "account_id": payment.account_id,
            "transaction": payment,
            "score": float(score),
            "reasons": [{"reason": names[i], "contribution": float(contributions[i])} for i in strongest],
        }
        return payment.account_id.encode(), msgspec.json.encode(message)
