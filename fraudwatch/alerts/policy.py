"""Score, threshold and decision are three things; this is the decision.

A transaction alerts where it reaches the edge of the amount queue or that of a lane, if it has a reason a person can
check: it joins its account's episode or opens one. An account has one episode at a time, whichever queue opened it, and
opening spends the budget of that queue: the most surprising lane's before the amount queue's, for it says more exactly
what was found. A day's ceiling (twice the share, of each queue and of both together) is passed by the highest severity
only; what was cut is counted and listed. Below the edges a small share of the budget is spent on transactions chosen by
hash of their id: a *sample* is an alert by itself, of one transaction, and belongs to no episode.
"""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import ClassVar, NamedTuple

import msgspec
import numpy as np

from fraudwatch.alerts.account_days import DAY_MS, NEVER, Array
from fraudwatch.alerts.budget import Budget, Shares
from fraudwatch.alerts.edge import Edge
from fraudwatch.alerts.episodes import Episode, Episodes, Queue, Severity, join, single
from fraudwatch.alerts.lanes import LEAST_SURPRISE, NO_LANES, Lanes
from fraudwatch.config.settings import Settings
from fraudwatch.errors import SnapshotError
from fraudwatch.records import FloatArray, IntArray, LaneSpec, Reason, Role, Side, Transaction

SHOWN_REASONS = 8
LEAST_CONTRIBUTION = 0.05
"""Extreme amounts 12 % more frequent than usual: below that a sentence would only tire its reader."""
MEDIAN_SURPRISE = math.log10(2)
"""Half of the training sample is at least as extreme: nothing that a sentence could call unusual."""
SAID_FROM = -math.log10(0.05)
"""An anchor's sentence says "far above" or "among the largest": true of one amount in twenty, not of the others."""
CUT_LISTED = 100
LOOKED_INTO = 16
"""Transactions of an episode whose reasons are all looked for. Of an account that alerts with each of its thousands of
transactions a day, further ones would cost twenty times what scoring does, to find what the alert says already."""
_HIGH_THEMES = 2
_EDGE, _LANES, _REMEMBERED = "edge.", "lanes.", "remembered"
"""Names of what lies in `Policy.state`; the last is the bytes (uint8) of a `Remembered` as msgpack."""
_JUST_NOW = -NEVER
"""Opened after every account-day began."""


class Kind(StrEnum):
    """What was decided about one transaction. All but `joined` and `cut` are published."""

    OPENED = "opened"
    UPDATED = "updated"
    JOINED = "joined"
    CUT = "cut"
    SAMPLE = "sample"


class Cut(msgspec.Struct, frozen=True, gc=False):
    """A transaction at or above an edge that raised no alert, because the day's ceiling was reached."""

    account_id: str
    transaction_id: str
    event_time_ms: int
    score: float
    offset: int


class Remembered(msgspec.Struct, frozen=True):
    """What a policy knows besides its edges. `day` is the event day that the counts of today are of.

    Of the alerts opened today `lanes_opened_today` are the lanes'.
    """

    episodes: list[Episode]
    cut: list[Cut]
    cut_total: int
    model_version: str
    day: int
    opened_today: int
    cut_today: int
    lanes: tuple[LaneSpec, ...] = ()
    lanes_opened_today: int = 0


class Candidate(NamedTuple):
    """A transaction to be decided about: its account's hash, its score, and the surprises of L lanes.

    `lanes` are places of the lanes whose edge it reaches, the most surprising first.
    """

    transaction: Transaction
    offset: int
    account: int
    score: float
    surprises: list[float]
    reaches_edge: bool
    lanes: list[int]

    def by(self, lane: str | None) -> float:
        """What the queue of an episode ranks it by."""
        return (
            self.score if lane is None else max((self.surprises[place] for place in self.lanes), default=0.0)
        )


class Decision(msgspec.Struct, frozen=True):
    """What was decided, and what an alert says about it.

    `episode` is a copy as of this transaction, None unless the decision is published; only then there are
    `reasons`, the strongest first, and it is found out whether the edge is low. `alert_id` is None for what was
    cut. `score` is the episode's highest; `rank` and `distance` (to the edge, negative for a sample) are its own. All
    are those of the queue that opened it: of `lane`, the score being a surprise, or of the amount queue where that is
    None. `cut_today` counts the transactions cut so far on the partition's current event day.
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
    lane: str | None = None

    @property
    def queue(self) -> Queue:
        """In which it is ranked."""
        return Queue.AMOUNT if self.lane is None else Queue.TYPOLOGY

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
        self.lanes = NO_LANES
        self.episodes = Episodes()
        self.cut: deque[Cut] = deque(maxlen=CUT_LISTED)
        self.cut_total = 0
        self._typology_share = settings.alerts.typology_share
        self._shares = Shares.of(self.budget, 0.0)
        self._partition = partition
        self._model_version = ""
        self._day = -1
        self._opened_today = dict.fromkeys(Queue, 0)
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
        lanes = policy._with_share(known.lanes)
        policy._shares = Shares.of(policy.budget, policy._typology_share if lanes else 0.0)
        policy.edge = Edge.of(policy._shares.amount, _part(state, _EDGE))
        if bool(known.model_version) != bool(policy.edge.observed_days):
            raise SnapshotError("expected an edge where there is a model, found one without the other")
        if lanes:
            if not known.model_version:
                raise SnapshotError("expected lanes where there is a model, found them without one")
            newest_ms = policy.edge.newest_ms
            policy.lanes = Lanes.of(lanes, policy._shares.typology, _part(state, _LANES), newest_ms)
        policy.episodes = Episodes(known.episodes)
        policy.cut.extend(known.cut)
        policy.cut_total, policy._model_version = known.cut_total, known.model_version
        policy._day, policy._cut_today = known.day, known.cut_today
        of_lanes_today = known.lanes_opened_today
        policy._opened_today = {
            Queue.AMOUNT: known.opened_today - of_lanes_today,
            Queue.TYPOLOGY: of_lanes_today,
        }
        return policy

    def state(self) -> dict[str, Array]:
        """All that `of` needs, as plain arrays by name."""
        known = Remembered(
            episodes=self.episodes.kept(self.edge.newest_ms),
            cut=list(self.cut),
            cut_total=self.cut_total,
            model_version=self._model_version,
            day=self._day,
            opened_today=sum(self._opened_today.values()),
            cut_today=self._cut_today,
            lanes=self.lanes.specs,
            lanes_opened_today=self._opened_today[Queue.TYPOLOGY],
        )
        edge = {_EDGE + name: array for name, array in self.edge.state().items()}
        lanes = {_LANES + name: array for name, array in self.lanes.state().items()} if known.lanes else {}
        remembered = np.frombuffer(msgspec.msgpack.encode(known), dtype=np.uint8)
        return edge | lanes | {_REMEMBERED: remembered}

    @property
    def model_version(self) -> str:
        """Of the model that it judges by; empty before `use`."""
        return self._model_version

    @property
    def budgets(self) -> dict[tuple[str, str], float]:
        """Alerts a day over all partitions, by queue and lane: "" for the amount queue, whose samples are in it."""
        amount, typology = self._shares
        of_lanes = typology.alerts_per_day * self.lanes.weights / self.lanes.weights.sum()
        lanes = {
            (Queue.TYPOLOGY.value, name): share
            for name, share in zip(self.lanes.names, of_lanes.tolist(), strict=True)
        }
        return {(Queue.AMOUNT.value, ""): amount.alerts_per_day} | lanes

    def use(self, reference: FloatArray, transactions_per_day: float, model_version: str) -> None:
        """Judge by another model from the next transaction on; open episodes stay, and its lanes are to be watched.

        `reference` is float64[k], the scores of its training sample; `transactions_per_day` is the rate of
        scored transactions to expect in this partition. Raises ValueError where there is none of either.
        """
        self.edge.use(reference, transactions_per_day)
        self._model_version = model_version
        self.watch(())

    def go_on(self, model_version: str) -> None:
        """Judge by a model whose scores are nearly those of the one before: nothing starts anew."""
        self._model_version = model_version

    def watch(self, lanes: Sequence[LaneSpec], weights: FloatArray | None = None) -> None:
        """Raise alerts for the lanes of the model in use; where they are others than before, all start anew.

        They share their queue's budget by these weights float64[L], equally where none are given. Without lanes, or
        without a share of the budget for them, the amount queue has it all.
        """
        lanes = self._with_share(lanes)
        if lanes == self.lanes.specs:
            return
        self._shares = Shares.of(self.budget, self._typology_share if lanes else 0.0)
        self.edge.spend(self._shares.amount)
        self.lanes = NO_LANES
        if lanes:
            self.lanes = Lanes(lanes, self._shares.typology, weights)
            self.lanes.start(self.edge.newest_ms, self.edge.account_days_a_day)

    def judge_rows(
        self,
        accounts: IntArray,
        event_times_ms: IntArray,
        scores: FloatArray,
        ids: IntArray,
        begin: int = 0,
        lanes: FloatArray | None = None,
    ) -> int:
        """The first row from `begin` on that is to be judged, n if none is: at or above an edge, or to explore.

        All are [n], of scored transactions in the order of the log, each given once: `accounts` and `ids` are
        64-bit hashes, `scores` float64 and finite. `lanes` is float64[L, n], the surprises of the lanes that are
        watched, 0 where a lane has nothing to say. Rows up to the one returned have been observed, itself included; it
        is to be judged before the rows after it are observed.
        """
        if not len(self.lanes) or not len(scores):  # what was saved with lanes may wait for its model
            return self.edge.observe_rows(accounts, event_times_ms, scores, ids, begin)
        if lanes is None or lanes.shape != (len(self.lanes), len(scores)):
            found = "none" if lanes is None else lanes.shape
            raise ValueError(
                f"expected surprises of {len(self.lanes)} lanes for {len(scores)} rows, found {found}"
            )
        return self.edge.observe_rows(accounts, event_times_ms, scores, ids, begin, self.lanes, lanes)

    def judge(
        self,
        transaction: Transaction,
        offset: int,
        score: float,
        reasons: Callable[[], tuple[Reason, ...]],
        *,
        account: int,
        lanes: FloatArray | None = None,
    ) -> Decision | None:
        """What to do about the transaction at which `judge_rows` has just stopped; None where it raises nothing.

        `account` is the account's hash, `lanes` float64[L] its surprises; `reasons` is only called where they are
        needed.
        """
        surprises = lanes.tolist() if lanes is not None and len(self.lanes) else []
        candidate = Candidate(
            transaction,
            offset,
            account,
            score,
            surprises,
            reaches_edge=score >= self.edge.raised_from,
            lanes=self.lanes.reached(surprises),
        )
        if candidate.reaches_edge or candidate.lanes:
            return self._alert(candidate, reasons)
        return self._sample(candidate, reasons)

    def _alert(self, candidate: Candidate, reasons: Callable[[], tuple[Reason, ...]]) -> Decision | None:
        lane, has_room = self._opener(candidate)
        newest_ms = self.edge.newest_ms
        transaction, offset = candidate.transaction, candidate.offset
        episode = self.episodes.covering(transaction.account_id, transaction.event_time_ms, newest_ms)
        level = self._level(candidate)
        if episode is None and not has_room and level < Severity.HIGH:
            return self._cut(candidate, lane, level)  # whatever its reasons: a shock day pays for none
        said = tuple(self.lanes.reason(place, candidate.surprises[place]) for place in candidate.lanes)
        if episode is not None and not self._may_tell_more(episode, candidate, level):
            why, severity = worth_saying(said), episode.severity
        else:
            why = worth_saying(said + reasons(), lane)
            if not why:  # nothing a person could check: happens only where the budget exceeds what is unusual
                return None
            severity = _severity(level, why)
        if episode is not None:
            self._take_back(candidate, episode.lane, episode.first_ms)
            score = candidate.by(episode.lane)
            is_update = join(episode, transaction, offset, score, severity, why, newest_ms)
            return self._decision(Kind.UPDATED if is_update else Kind.JOINED, episode)
        if not has_room and severity is not Severity.HIGH:
            return self._cut(candidate, lane, level)
        self._open(lane)
        self._take_back(candidate, lane, _JUST_NOW)
        score = candidate.by(lane)
        episode = self.episodes.open(transaction, offset, score, severity, why, newest_ms, lane)
        return self._decision(Kind.OPENED, episode)

    @staticmethod
    def _may_tell_more(episode: Episode, candidate: Candidate, level: Severity) -> bool:
        """Whether the reasons of a transaction that joins are worth their price; those of its lanes cost nothing.

        In a long episode they are where it is stranger than all before, or where an update is due anyway.
        """
        is_doubling = episode.count & (episode.count + 1) == 0
        return (
            episode.count < LOOKED_INTO
            or is_doubling
            or level > episode.severity
            or candidate.by(episode.lane) > episode.score
        )

    def _sample(self, candidate: Candidate, reasons: Callable[[], tuple[Reason, ...]]) -> Decision | None:
        """An account whose episode is open is looked at anyway, and a day beyond its ceiling has no room."""
        transaction, newest_ms = candidate.transaction, self.edge.newest_ms
        if not self._has_room(Queue.AMOUNT) or self.episodes.covering(
            transaction.account_id, transaction.event_time_ms, newest_ms
        ):
            return None
        self._open(None)
        episode = single(
            transaction, candidate.offset, candidate.score, Severity.LOW, worth_saying(reasons())
        )
        return self._decision(Kind.SAMPLE, episode)

    def _opener(self, candidate: Candidate) -> tuple[str | None, bool]:
        """The lane that opens an alert, None for the amount queue; and whether the day has room for it."""
        has_room = {queue: self._has_room(queue) for queue in Queue}
        lane = self.lanes.names[candidate.lanes[0]] if candidate.lanes else None
        if lane is not None and has_room[Queue.TYPOLOGY]:
            return lane, True
        if candidate.reaches_edge and has_room[Queue.AMOUNT]:
            return None, True
        return lane, False

    def _open(self, lane: str | None) -> None:
        """One alert more of a queue; all samples are the amount queue's."""
        if lane is None:
            self._opened_today[Queue.AMOUNT] += 1
            self.edge.opened()
        else:
            self._opened_today[Queue.TYPOLOGY] += 1
            self.lanes.opened()

    def _take_back(self, candidate: Candidate, opener: str | None, opened_ms: int) -> None:
        """Of the account-days that reach an edge, only the one that opened the episode is one that opens an alert."""
        if candidate.reaches_edge:
            self.edge.joined(candidate.account, opened_ms if opener is None else NEVER)
        for place in candidate.lanes:
            is_opener = self.lanes.names[place] == opener
            self.lanes.joined(place, candidate.account, opened_ms if is_opener else NEVER)

    def _level(self, candidate: Candidate) -> Severity:
        """How severe by its queues alone."""
        level = self.lanes.level(candidate.surprises)
        if not candidate.reaches_edge:
            return level
        if candidate.score >= self.edge.high_from:
            return Severity.HIGH
        return max(level, Severity.MEDIUM) if candidate.score >= self.edge.medium_from else level

    def _has_room(self, queue: Queue) -> bool:
        """The event day is the partition's, not the transaction's: late ones open no day of their own."""
        day = self.edge.newest_ms // DAY_MS
        if day != self._day:
            self._day, self._cut_today = day, 0
            self._opened_today = dict.fromkeys(Queue, 0)
        own = self._shares.amount if queue is Queue.AMOUNT else self._shares.typology
        opened = self._opened_today
        return opened[queue] < own.ceiling and sum(opened.values()) < self.budget.ceiling

    def _cut(self, candidate: Candidate, lane: str | None, level: Severity) -> Decision:
        self._cut_today += 1
        self.cut_total += 1
        of = candidate.transaction
        score = candidate.by(lane)
        self.cut.append(Cut(of.account_id, of.transaction_id, of.event_time_ms, score, candidate.offset))
        return self._conclude(Kind.CUT, None, lane, score, _severity(level, ()), ())

    def _decision(self, kind: Kind, episode: Episode) -> Decision:
        of = (kind, episode.alert_id, episode.lane, episode.score, episode.severity)
        if kind is Kind.JOINED:
            return self._conclude(*of, ())
        reasons = worth_saying(tuple(episode.reasons.values()), episode.lane)
        return self._conclude(*of, reasons, episode=episode.copy())

    def _conclude(
        self,
        kind: Kind,
        alert_id: str | None,
        lane: str | None,
        score: float,
        severity: Severity,
        reasons: tuple[Reason, ...],
        *,
        episode: Episode | None = None,
    ) -> Decision:
        by = self._standing(lane, score, is_published=episode is not None)
        return Decision(
            kind=kind,
            alert_id=alert_id,
            episode=episode,
            score=score,
            severity=severity,
            rank=by.rank,
            edge=by.edge,
            edge_is_low=by.is_low,
            distance=score - by.edge,
            reasons=reasons,
            cut_today=self._cut_today,
            observed_days=by.days,
            partition=self._partition,
            model_version=self._model_version,
            lane=lane,
        )

    def _standing(self, lane: str | None, score: float, *, is_published: bool) -> "_Standing":
        """Where a score stands in its queue. Only what is published pays for finding out whether the edge is low."""
        of_amounts = self.edge
        if lane is None:
            is_low = is_published and of_amounts.is_low
            return _Standing(of_amounts.raised_from, of_amounts.rank(score), is_low, of_amounts.observed_days)
        rank = self.lanes.rank(score)
        if lane not in self.lanes.names:  # an episode that outlived the model it was opened by
            return _Standing(LEAST_SURPRISE, rank, False, of_amounts.observed_days)
        place = self.lanes.names.index(lane)
        is_low = is_published and self.lanes.is_low(place)
        return _Standing(float(self.lanes.raised_from[place]), rank, is_low, self.lanes.days(place))

    def _with_share(self, lanes: Sequence[LaneSpec]) -> tuple[LaneSpec, ...]:
        return tuple(lanes) if self._typology_share else ()


class _Standing(NamedTuple):
    """Of a score in its queue; `days` are those that the estimate of the edge rests on."""

    edge: float
    rank: float
    is_low: bool
    days: float


def _part(state: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    """The arrays of one part, by the names it gave them."""
    return {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}


def _severity(level: Severity, reasons: tuple[Reason, ...]) -> Severity:
    """The highest needs reasons of two themes."""
    if level is Severity.HIGH and len({reason.spec.theme for reason in reasons}) < _HIGH_THEMES:
        return Severity.MEDIUM
    return level


def worth_saying(reasons: tuple[Reason, ...], lane: str | None = None) -> tuple[Reason, ...]:
    """What the lane says, then the strongest; what hardly contributes is no reason. Ties keep the model's order."""
    contributing = [
        reason for reason in reasons if reason.contribution >= LEAST_CONTRIBUTION and _alarms(reason)
    ]
    contributing.sort(key=lambda reason: (reason.spec.name != lane, -reason.contribution))
    return tuple(contributing[:SHOWN_REASONS])


def _alarms(reason: Reason) -> bool:
    """Whether the value lies where its sentence says. A lift is learned of bands, and the lowest can have one too.

    Of a rare category the lift alone decides: it may hold half of the stream. An anchor's surprise is evidence by
    itself: an amount can be among the largest of the stream and below the account's own mean. A lane says something
    only from its edge on, and has no value.
    """
    side = reason.spec.side
    if side is Side.RARE:
        return True
    if reason.spec.role is Role.ANCHOR:
        return reason.value is None or reason.surprise >= SAID_FROM
    if reason.surprise <= MEDIAN_SURPRISE:
        return False
    if reason.value is None or reason.usual is None:
        return True
    return reason.value > reason.usual if side is Side.HIGH else reason.value < reason.usual
