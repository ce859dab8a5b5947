"""Score, threshold and decision are three things; this is the decision.

A transaction at or above the edge alerts, if it has a reason a person can check: it joins its account's
episode or opens one. A day's ceiling (twice the share) is passed by the highest severity only; what was cut is
counted and listed. Below the edge a small share of the budget is spent on transactions chosen by hash of
their id: a *sample* is an alert by itself, of one transaction, and belongs to no episode.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import ClassVar

import msgspec
import numpy as np

from fraudwatch.alerts.account_days import DAY_MS
from fraudwatch.alerts.budget import Budget
from fraudwatch.alerts.edge import Array, Edge
from fraudwatch.alerts.episodes import Episode, Episodes, Severity, join, single
from fraudwatch.config.settings import Settings
from fraudwatch.errors import SnapshotError
from fraudwatch.records import FloatArray, IntArray, Reason, Role, Side, Transaction

SHOWN_REASONS = 8
LEAST_CONTRIBUTION = 0.05
"""Extreme amounts 12 % more frequent than usual: below that a sentence would only tire its reader."""
MEDIAN_SURPRISE = math.log10(2)
"""Half of the training sample is at least as extreme: nothing that a sentence could call unusual."""
CUT_LISTED = 100
_HIGH_THEMES = 2
_EDGE, _REMEMBERED = "edge.", "remembered"
"""Names of what lies in `Policy.state`; the latter is the bytes (uint8) of a `Remembered` as msgpack."""


class Kind(StrEnum):
    """What was decided about one transaction. All but `joined` and `cut` are published."""

    OPENED = "opened"
    UPDATED = "updated"
    JOINED = "joined"
    CUT = "cut"
    SAMPLE = "sample"


class Cut(msgspec.Struct, frozen=True, gc=False):
    """A transaction at or above the edge that raised no alert, because the day's ceiling was reached."""

    account_id: str
    transaction_id: str
    event_time_ms: int
    score: float
    offset: int


class Remembered(msgspec.Struct, frozen=True):
    """What a policy knows besides its edge. `day` is the event day that the two counts of today are of."""

    episodes: list[Episode]
    cut: list[Cut]
    cut_total: int
    model_version: str
    day: int
    opened_today: int
    cut_today: int


class Decision(msgspec.Struct, frozen=True):
    """What was decided, and what an alert says about it.

    `episode` is a copy as of this transaction, None unless the decision is published; only then there are
    `reasons`, the strongest first, and it is found out whether the edge is low. `alert_id` is None for what was
    cut. `score` is the episode's highest; `rank` and `distance` (to the edge, negative for a sample) are its own.
    `cut_today` counts the transactions cut so far on the partition's current event day.
    """

    kind: Kind
    alert_id: str | None
    episode: Episode | None
    score: float
    severity: Severity
    rank: float
    edge: float
    edge_is_low: bool
    distance: float
    reasons: tuple[Reason, ...]
    cut_today: int
    observed_days: float
    partition: int
    model_version: str

    @property
    def is_published(self) -> bool:
        """Whether a message goes to the review topic."""
        return self.episode is not None


class Policy:
    """The state of one partition that turns scores into alerts."""

    VERSION: ClassVar = 1
    """Of what `state` gives."""

    def __init__(self, settings: Settings, *, partition: int, partitions: int) -> None:
        self.budget = Budget(settings.alerts.alerts_per_day, settings.alerts.explore, partitions)
        self.edge = Edge(self.budget)
        self.episodes = Episodes()
        self.cut: deque[Cut] = deque(maxlen=CUT_LISTED)
        self.cut_total = 0
        self._partition = partition
        self._model_version = ""
        self._day = -1
        self._opened_today = 0
        self._cut_today = 0

    @classmethod
    def of(
        cls, settings: Settings, state: Mapping[str, Array], *, partition: int, partitions: int
    ) -> "Policy":
        """The policy whose `state` this is, in the same partition of as many.

        Raises SnapshotError for what no policy has.
        """
        policy = cls(settings, partition=partition, partitions=partitions)
        try:
            known = msgspec.msgpack.decode(state[_REMEMBERED].tobytes(), type=Remembered)
        except (KeyError, msgspec.MsgspecError, RecursionError, UnicodeError) as problem:
            raise SnapshotError(f"The saved episodes cannot be read: {problem!r}") from problem
        policy.edge = Edge.of(
            policy.budget, {name.removeprefix(_EDGE): array for name, array in state.items()}
        )
        if bool(known.model_version) != bool(policy.edge.observed_days):
            raise SnapshotError("expected an edge where there is a model, found one without the other")
        policy.episodes = Episodes(known.episodes)
        policy.cut.extend(known.cut)
        policy.cut_total, policy._model_version = known.cut_total, known.model_version
        policy._day, policy._opened_today, policy._cut_today = known.day, known.opened_today, known.cut_today
        return policy

    def state(self) -> dict[str, Array]:
        """All that `of` needs, as plain arrays by name."""
        known = Remembered(
            episodes=self.episodes.kept(self.edge.newest_ms),
            cut=list(self.cut),
            cut_total=self.cut_total,
            model_version=self._model_version,
            day=self._day,
            opened_today=self._opened_today,
            cut_today=self._cut_today,
        )
        edge = {_EDGE + name: array for name, array in self.edge.state().items()}
        return edge | {_REMEMBERED: np.frombuffer(msgspec.msgpack.encode(known), dtype=np.uint8)}

    @property
    def model_version(self) -> str:
        """Of the model that it judges by; empty before `use`."""
        return self._model_version

    def use(self, reference: FloatArray, transactions_per_day: float, model_version: str) -> None:
        """Judge by another model from the next transaction on; open episodes stay.

        `reference` is float64[k], the scores of its training sample; `transactions_per_day` is the rate of
        scored transactions to expect in this partition. Raises ValueError where there is none of either.
        """
        self.edge.use(reference, transactions_per_day)
        self._model_version = model_version

    def judge_rows(
        self, accounts: IntArray, event_times_ms: IntArray, scores: FloatArray, ids: IntArray, begin: int = 0
    ) -> int:
        """The first row from `begin` on that is to be judged, n if none is: at or above the edge, or to explore.

        All are [n], of scored transactions in the order of the log, each given once: `accounts` and `ids` are
        64-bit hashes, `scores` float64 and finite. Rows up to the one returned have been observed, itself
        included; it is to be judged before the rows after it are observed.
        """
        return self.edge.observe_rows(accounts, event_times_ms, scores, ids, begin)

    def judge(
        self,
        transaction: Transaction,
        offset: int,
        score: float,
        reasons: Callable[[], tuple[Reason, ...]],
        *,
        account: int,
    ) -> Decision | None:
        """What to do about the transaction at which `judge_rows` has just stopped; None where it raises nothing.

        `account` is the account's hash; `reasons` is only called where they are needed.
        """
        if score < self.edge.raised_from:
            return self._sample(transaction, offset, score, reasons)
        return self._alert(transaction, offset, score, reasons, account)

    def _alert(
        self,
        transaction: Transaction,
        offset: int,
        score: float,
        reasons: Callable[[], tuple[Reason, ...]],
        account: int,
    ) -> Decision | None:
        has_room = self._has_room()
        newest_ms = self.edge.newest_ms
        episode = self.episodes.covering(transaction.account_id, transaction.event_time_ms, newest_ms)
        if episode is None and not has_room and score < self.edge.high_from:
            return self._cut(transaction, offset, score)  # whatever its reasons: a shock day pays for none
        why = _shown(reasons())
        if not why:  # nothing a person could check: happens only where the budget exceeds what is unusual
            return None
        severity = self._severity(score, why)
        if episode is not None:
            self.edge.joined(account, episode.first_ms)
            is_update = join(episode, transaction, offset, score, severity, why, newest_ms)
            return self._decision(Kind.UPDATED if is_update else Kind.JOINED, episode)
        if not has_room and severity is not Severity.HIGH:
            return self._cut(transaction, offset, score)
        self._opened_today += 1
        self.edge.opened()
        episode = self.episodes.open(transaction, offset, score, severity, why, newest_ms)
        return self._decision(Kind.OPENED, episode)

    def _sample(
        self, transaction: Transaction, offset: int, score: float, reasons: Callable[[], tuple[Reason, ...]]
    ) -> Decision | None:
        """An account whose episode is open is looked at anyway, and a day beyond its ceiling has no room."""
        at_ms, newest_ms = transaction.event_time_ms, self.edge.newest_ms
        if not self._has_room() or self.episodes.covering(transaction.account_id, at_ms, newest_ms):
            return None
        self._opened_today += 1
        self.edge.opened()
        episode = single(transaction, offset, score, Severity.LOW, _shown(reasons()))
        return self._decision(Kind.SAMPLE, episode)

    def _severity(self, score: float, reasons: tuple[Reason, ...]) -> Severity:
        if score >= self.edge.high_from and len({reason.spec.theme for reason in reasons}) >= _HIGH_THEMES:
            return Severity.HIGH
        return Severity.MEDIUM if score >= self.edge.medium_from else Severity.LOW

    def _has_room(self) -> bool:
        """The event day is the partition's, not the transaction's: late ones open no day of their own."""
        day = self.edge.newest_ms // DAY_MS
        if day != self._day:
            self._day, self._opened_today, self._cut_today = day, 0, 0
        return self._opened_today < self.budget.ceiling

    def _cut(self, transaction: Transaction, offset: int, score: float) -> Decision:
        self._cut_today += 1
        self.cut_total += 1
        self.cut.append(
            Cut(transaction.account_id, transaction.transaction_id, transaction.event_time_ms, score, offset)
        )
        return self._conclude(Kind.CUT, None, score, self._severity(score, ()), ())

    def _decision(self, kind: Kind, episode: Episode) -> Decision:
        if kind is Kind.JOINED:
            return self._conclude(kind, episode.alert_id, episode.score, episode.severity, ())
        reasons = _shown(tuple(episode.reasons.values()))
        return self._conclude(
            kind, episode.alert_id, episode.score, episode.severity, reasons, episode=episode.copy()
        )

    def _conclude(
        self,
        kind: Kind,
        alert_id: str | None,
        score: float,
        severity: Severity,
        reasons: tuple[Reason, ...],
        *,
        episode: Episode | None = None,
    ) -> Decision:
        return Decision(
            kind=kind,
            alert_id=alert_id,
            episode=episode,
            score=score,
            severity=severity,
            rank=self.edge.rank(score),
            edge=self.edge.raised_from,
            edge_is_low=episode is not None and self.edge.is_low,
            distance=score - self.edge.raised_from,
            reasons=reasons,
            cut_today=self._cut_today,
            observed_days=self.edge.observed_days,
            partition=self._partition,
            model_version=self._model_version,
        )


def _shown(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """The strongest first; what hardly contributes is no reason. Ties keep the order of the model."""
    contributing = [
        reason for reason in reasons if reason.contribution >= LEAST_CONTRIBUTION and _alarms(reason)
    ]
    contributing.sort(key=lambda reason: -reason.contribution)
    return tuple(contributing[:SHOWN_REASONS])


def _alarms(reason: Reason) -> bool:
    """Whether the value lies where its sentence says. A lift is learned of bands, and the lowest can have one too.

    Of a rare category the lift alone decides: it may hold half of the stream. An anchor's surprise is evidence by
    itself: an amount can be among the largest of the stream and below the account's own mean.
    """
    side = reason.spec.side
    if side is Side.RARE:
        return True
    if reason.surprise <= MEDIAN_SURPRISE:
        return False
    if reason.spec.role is Role.ANCHOR or reason.value is None or reason.usual is None:
        return True
    return reason.value > reason.usual if side is Side.HIGH else reason.value < reason.usual
