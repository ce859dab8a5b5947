"""The product written slowly: record by record, in plain Python objects, with PyOD's own decision functions.

Nothing compiled takes part. A record is decoded by `Decoder.decode`; each account is kept and its features computed by
`ordinary.Account`, in time that does not grow with the stream; reasons and scores come from NumPy and from the PyOD
objects that the model's detectors were exported from, 2,000 rows a call, for PyOD takes milliseconds for one; the edge
is `plain_edge.PlainEdge`. What is decided at the edge (episodes, ceiling, severity) has one form only, which is plain
already: `Policy` is given that edge and these reasons.

It takes streams whose accounts are in order; `tests/features/oracle.py` says what the history makes of late ones.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from ordinary import DAY_MS, FEATURES, HOUR_MS, PRIOR, Account, Model
from plain_edge import PlainEdge, explored
from plain_siphash import KEY, siphash_1_3
from prepared import Fitted, ordinary_model

from fraudwatch.alerts import Decision, Policy
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder
from fraudwatch.records import DeadLetter, FloatArray, Outcome, Reason, Record, Transaction

Shown = tuple[tuple[float | None, float | None], ...]

MASK = 2**64 - 1
DEAD_LETTER = -1
"""Stands for the outcome of a record that is none: it became a dead letter."""


class Told(NamedTuple):
    """What a form says of n records: outcomes int[n], values float64[n, features] in the order of `FEATURES`, scores.

    NaN where there is none. `decisions` are all that were taken, each with the record's offset.
    """

    outcome: list[int]
    values: FloatArray
    score: FloatArray
    decisions: list[tuple[int, Decision]]


class ExactAccount(Account):
    """What the benchmark's account leaves to floating point, to the last bit; and the numbers of the sentences.

    `shown` is what a person reads of each of `FEATURES` of the transaction judged last: its value, what is usual.
    """

    __slots__ = ("shown",)

    def _values(
        self,
        money: int,
        time_ms: int,
        is_known: bool,
        is_new: bool,
        population: dict[str, float],
        usual: float,
    ) -> list[float]:
        values = super()._values(money, time_ms, is_known, is_new, population, usual)
        amount = self._amount(population["mean"], usual)
        mean = (self.sum + PRIOR * population["mean"]) / (self.paid + PRIOR)
        days = (time_ms - self.first) / DAY_MS
        rate = (self.total + PRIOR) / (days + PRIOR / population["rate"])
        paid_rate = (self.paid + PRIOR) / (days + PRIOR / population["paid_rate"])
        self.shown: Shown = (
            (money, amount),
            (money, amount),
            (self.day_sum, paid_rate * mean),
            (len(self.day), rate),
            (self.pressure, None),
            (time_ms // HOUR_MS % 24, None),
            (float(is_new) if is_known else None, None),
            (self.day_new, self.day_known * population["new_share"]),
        )
        return values

    def _deviations(self) -> float:
        if not self.paid:
            return 0.0
        floor = self.sum // self.paid
        rest = self.sum - floor * self.paid
        squares = self.squares - 2 * floor * self.sum + self.paid * floor * floor
        deviation = float(np.sqrt((squares - rest * rest / self.paid) / self.paid))
        return self.paid * deviation * deviation

    def _weight(self, money: int) -> float:
        return float(np.float32(super()._weight(money)))


class SlowerForm:
    """The state of one partition."""

    def __init__(self, settings: Settings, fit: Fitted) -> None:
        self._decoder = Decoder(settings)
        self._model = Model.of(
            ordinary_model(fit, records_per_day=1.0, alerts_per_day=1.0)
        )  # its edge is not used
        self._horizon = settings.lateness.dedup_horizon
        self._accounts: dict[str, ExactAccount] = {}
        self._numbers: dict[str, int] = {}
        self._seen: dict[tuple[str, str], int] = {}
        specs = {spec.name: spec for spec in fit.model.reason_specs}
        names = [reason.name for reason in (*self._model.features, *self._model.detectors)]
        self._specs = [specs[name] for name in names]
        self._places = [names.index(name) for name in specs]  # the model's order breaks ties
        self._policy = Policy(settings, partition=0, partitions=1)
        self._edge: Any = PlainEdge(self._policy.budget)
        self._policy.edge = self._edge
        of = fit.model
        self._policy.use(of.reference, of.transactions_per_day, of.version)

    def take(self, records: Sequence[Record]) -> Told:
        """Records into the state, one after the other."""
        told = Told([], np.full((len(records), len(FEATURES)), np.nan), np.full(len(records), np.nan), [])
        scored: list[tuple[int, Transaction, Shown]] = []
        for row, record in enumerate(records):
            decoded = self._decoder.decode(record)
            outcome, values = (
                (DEAD_LETTER, None) if isinstance(decoded, DeadLetter) else self._observe(decoded)
            )
            told.outcome.append(outcome)
            if values is not None:
                assert isinstance(decoded, Transaction)
                told.values[row] = values
                scored.append((row, decoded, self._accounts[decoded.account_id].shown))
        if scored:
            self._judge(records, scored, told)
        return told

    def _observe(self, transaction: Transaction) -> tuple[int, list[float] | None]:
        """The outcome, and the features of what is scored."""
        time_ms = transaction.event_time_ms
        key = (transaction.account_id, transaction.transaction_id)
        if key in self._seen and time_ms - self._seen[key] < self._horizon:
            return Outcome.DUPLICATE.value, None
        self._seen[key] = time_ms
        account = self._accounts.get(transaction.account_id)
        if account is None:
            account = self._accounts[transaction.account_id] = ExactAccount()
            self._numbers[transaction.account_id] = len(self._numbers)
        if account.total and time_ms < account.newest:
            raise ValueError(f"{transaction}: the slower form takes the records of an account in order")
        values = account.judged(
            time_ms,
            transaction.amount_minor,
            transaction.counterparty_id,
            transaction.status,
            self._model.population,
            self._model.usual(transaction.direction, transaction.channel, transaction.category),
        )
        return (Outcome.UNSCORED_YOUNG_ACCOUNT if values is None else Outcome.SCORED).value, values

    def _judge(
        self, records: Sequence[Record], scored: list[tuple[int, Transaction, Shown]], told: Told
    ) -> None:
        """Score them together, then one after the other against the edge."""
        rows = [row for row, _, _ in scored]
        surprises, contributions = self._model.reasons(told.values[rows])
        told.score[rows] = contributions.sum(axis=1)
        for at, (row, transaction, shown) in enumerate(scored):
            score = float(told.score[row])
            number = self._numbers[transaction.account_id]
            raised_from = self._edge.observe(number, transaction.event_time_ms, score)
            if score < raised_from and not self._is_explored(transaction.transaction_id):
                continue

            def reasons(at: int = at, shown: Shown = shown) -> tuple[Reason, ...]:
                numbers = (*shown, *((None, None) for _ in self._model.detectors))
                return tuple(
                    Reason(self._specs[i], float(surprises[at, i]), float(contributions[at, i]), *numbers[i])
                    for i in self._places
                )

            offset = records[row].offset
            decision = self._policy.judge(transaction, offset, score, reasons, account=number)
            if decision is not None:
                told.decisions.append((offset, decision))

    def _is_explored(self, transaction_id: str) -> bool:
        name = siphash_1_3(KEY, transaction_id.encode()) & MASK
        return bool(explored(name) < self._edge.explored_below)
