"""The trial of a model in shadow: both models score the same accounts, and nobody is told.

The accounts are chosen by hash, so that their account-days are whole. What is concluded is a function of the
transactions from the one with which it began, however they were cut into batches.
"""

import msgspec
import numpy as np

from fraudwatch.alerts.account_days import DAY_MS
from fraudwatch.alerts.budget import Budget
from fraudwatch.alerts.edge import Edge
from fraudwatch.config.settings import Settings
from fraudwatch.config.settings import Trial as TrialSettings
from fraudwatch.detection import Model
from fraudwatch.features import Catalogue
from fraudwatch.mixing import mix
from fraudwatch.records import FloatArray, IntArray, Transactions

LEAST_COMPARED = 20
"""Account-days above the edge, by which the models are compared: a small share of a budget would be two or three."""

COMPACT_ROWS = 100_000

_TRIAL = np.uint64(int.from_bytes(b"on trial", "little"))
_U32 = np.uint64(32)


class Comparison(msgspec.Struct, frozen=True):
    """What a trial showed. `account_days` are those above the edge, of each model; `days` is event time.

    `psi` and `psi_in_use` compare each model's scores with those of its own training sample; `overlap` is the share
    of the account-days above the edge that both agree on; `alert_rate` is the alerts a day, in budgets, that the
    new model would raise before its edge has followed the stream.
    """

    in_use: str
    transactions: int
    days: float
    psi: float
    psi_in_use: float
    overlap: float
    alert_rate: float
    account_days: int

    def objections(self, limits: TrialSettings) -> list[str]:
        """Why the new model should be kept out, in words; empty where nothing speaks against it."""
        found = []
        if self.psi > limits.psi_limit:
            found.append(
                f"its scores are not those of its own sample (PSI {self.psi:.2f}, limit {limits.psi_limit:g})"
            )
        if self.overlap < limits.least_overlap:
            found.append(
                f"it agrees on {self.overlap:.0%} of the account-days above the edge only "
                f"(at least {limits.least_overlap:.0%})"
            )
        if not limits.least_alerts <= self.alert_rate <= limits.most_alerts:
            found.append(
                f"it would raise {self.alert_rate:.2g} times the alerts of the budget "
                f"(from {limits.least_alerts:g} to {limits.most_alerts:g} times)"
            )
        return found


class Trial:
    """The running trial of `candidate` beside the model `in_use`, in one partition of as many."""

    def __init__(self, settings: Settings, in_use: Model, candidate: Model, partitions: int) -> None:
        self.in_use, self.candidate = in_use, candidate
        self._limits = settings.trial
        self._budget = settings.alerts.alerts_per_day / partitions
        self._partitions = partitions
        self._chosen_below = np.uint64(int(settings.trial.share * 2**32))
        self._bands = [model.usual.of_score.counts(np.empty((0, 1))) for model in (in_use, candidate)]
        self._maxima = _Maxima()
        self._seen = 0
        self._first_ms = self._newest_ms = -(2**62)
        self.is_over = False

    @property
    def progress(self) -> float:
        """From 0 to 1: the slower of number and event time."""
        span = (self._newest_ms - self._first_ms) / max(self._limits.span, 1)
        return min(1.0, self._seen / self._limits.transactions, span) if self._seen else 0.0

    def add(
        self,
        catalogue: Catalogue,
        transactions: Transactions,
        rows: IntArray,
        columns: FloatArray,
        scores: FloatArray,
    ) -> None:
        """A batch: its scored `rows`, all history `columns`, and the scores float64[k] of the model in use."""
        if self.is_over:
            return
        accounts = transactions.accounts[rows]
        mine = np.flatnonzero((mix(accounts.view(np.uint64) ^ _TRIAL) >> _U32) < self._chosen_below)
        mine = mine[: self._left(transactions.event_time_ms[rows[mine]])]
        if not len(mine):
            return
        chosen = rows[mine]
        found, _ = self.candidate.judge(catalogue.values(columns[chosen], self.candidate.population))
        days = transactions.event_time_ms[chosen] // DAY_MS
        self._maxima.add(accounts[mine], days, scores[mine], found)
        for bands, model, told in zip(
            self._bands, (self.in_use, self.candidate), (scores[mine], found), strict=True
        ):
            bands += model.usual.of_score.counts(told[:, np.newaxis])

    def _left(self, times: IntArray) -> int:
        """How many of these rows still belong to the trial."""
        if not len(times):
            return 0
        if not self._seen:
            self._first_ms = int(times[0])
        newest = np.maximum(np.maximum.accumulate(times), self._newest_ms)
        seen = self._seen + np.arange(1, len(times) + 1)
        is_enough = (seen >= self._limits.transactions) & (newest - self._first_ms >= self._limits.span)
        self.is_over = bool(is_enough[-1])
        left = int(np.argmax(is_enough)) + 1 if self.is_over else len(times)
        self._seen += left
        self._newest_ms = int(newest[left - 1])
        return left

    def comparison(self) -> Comparison:
        """Of what was scored so far, at least one transaction."""
        psi_in_use, psi = (
            float(model.usual.of_score.psi(bands)[0])
            for bands, model in zip(self._bands, (self.in_use, self.candidate), strict=True)
        )
        maxima_in_use, maxima = self._maxima.compacted()[2:]
        days = max(self._newest_ms - self._first_ms, DAY_MS) / DAY_MS
        budget = max(self._budget * self._limits.share * days, LEAST_COMPARED)
        compared = min(round(budget), len(maxima))
        both = np.intersect1d(_highest(maxima_in_use, compared), _highest(maxima, compared))
        above = int(np.count_nonzero(maxima >= self._first_edge(budget / days)))
        return Comparison(
            in_use=self.in_use.version,
            transactions=self._seen,
            days=days,
            psi=psi,
            psi_in_use=psi_in_use,
            overlap=len(both) / compared,
            alert_rate=float(above / budget),
            account_days=compared,
        )

    def _first_edge(self, account_days_a_day: float) -> float:
        """With which the new model would begin, for a budget of so many account-days of the accounts on trial."""
        edge = Edge(Budget(account_days_a_day, 0.0, 1))
        rate = self.candidate.transactions_per_day / self._partitions * self._limits.share
        edge.use(self.candidate.reference, rate)
        return edge.raised_from


class _Maxima:
    """The highest scores of each account-day: accounts and days int64[k], scores of both models float64[k]."""

    def __init__(self) -> None:
        self._held: list[tuple[IntArray, IntArray, FloatArray, FloatArray]] = []
        self._rows = 0

    def add(self, accounts: IntArray, days: IntArray, in_use: FloatArray, candidate: FloatArray) -> None:
        self._held.append((accounts, days, in_use, candidate))
        self._rows += len(accounts)
        if self._rows > COMPACT_ROWS:
            self._held = [self.compacted()]
            self._rows = 0

    def compacted(self) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
        """One row for each account-day, ordered by account and day."""
        accounts, days, in_use, candidate = (
            np.concatenate(column) for column in zip(*self._held, strict=True)
        )
        order = np.lexsort((days, accounts))
        accounts, days = accounts[order], days[order]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = (np.diff(accounts) != 0) | (np.diff(days) != 0)
        begins = np.flatnonzero(is_first)
        maxima = (np.maximum.reduceat(scores[order], begins) for scores in (in_use, candidate))
        return accounts[begins], days[begins], *maxima  # type: ignore[return-value]


def _highest(maxima: FloatArray, count: int) -> IntArray:
    """The places of so many highest; of equal ones the first."""
    return np.argsort(-maxima, kind="stable")[:count]
