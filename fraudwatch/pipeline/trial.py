"""The trial of a model in shadow: both models score the same accounts, and nobody is told.

The accounts are chosen by hash, so that their account-days and alerts are whole. What is concluded is a function of the
transactions from the one with which it began, however they were cut into batches.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from fraudwatch.alerts import Alert, Decision, Kind, Policy
from fraudwatch.alerts.account_days import DAY_MS
from fraudwatch.alerts.differences import Differences, Opened
from fraudwatch.alerts.episodes import Episode, Episodes
from fraudwatch.alerts.lanes import LEAST_SURPRISE
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.features import Catalogue, Observations
from fraudwatch.mixing import mix
from fraudwatch.pipeline.batch import Assessments
from fraudwatch.pipeline.compared import (
    Comparison,
    Highest,
    KeyArray,
    Pair,
    Report,
    compare,
    is_enough,
    of_one_trial,
)
from fraudwatch.records import Chunk, FloatArray, IntArray, Reason, Record, Transaction

FAILURE_SHOWN = 300

_TRIAL = np.uint64(int.from_bytes(b"on trial", "little"))
_U32 = np.uint64(32)


class Voice(NamedTuple):
    """How a pipeline puts a transaction into words: the object it is, its reasons by a model, an alert's message."""

    transaction: Callable[[Record], Transaction]
    reasons: Callable[[Model, FloatArray], tuple[Reason, ...]]
    alert: Callable[[Decision, int, Record], Alert]


class Trial:
    """The running trial of `candidate` beside the model `in_use`, in one partition of as many.

    The candidate has a policy of its own, with the budget's part of the accounts on trial. It begins as the partition's
    would if the candidate were put in use at that moment: at the edges of its own training sample, with the episodes
    that are open.
    """

    def __init__(
        self,
        settings: Settings,
        in_use: Model,
        candidate: Model,
        partitions: int,
        *,
        partition: int = 0,
        episodes: Iterable[Episode] = (),
    ) -> None:
        self.in_use, self.candidate = in_use, candidate
        self._settings, self._limits = settings, settings.trial
        self._partitions = partitions
        self._chosen_below = np.uint64(int(settings.trial.share * 2**32))
        self._bands = [model.usual.of_score.counts(np.empty((0, 1))) for model in (in_use, candidate)]
        self._amount = self._typology = Pair()
        self._opened: dict[str, Opened] = {}
        self._would_open: dict[str, Opened] = {}
        self._policy = _policy(settings, candidate, partition, partitions)
        self._policy.episodes = Episodes(episode.copy() for episode in episodes)
        self._seen = 0
        self._first_ms = self._newest_ms = -(2**62)
        self._failure = ""
        self.is_over = False

    @property
    def progress(self) -> float:
        """From 0 to 1: the slower of number and event time, as if this partition were the only one."""
        span = (self._newest_ms - self._first_ms) / max(self._limits.span, 1)
        return min(1.0, self._seen / self._limits.transactions, span) if self._seen else 0.0

    def add(
        self,
        catalogue: Catalogue,
        chunk: Chunk,
        found: Assessments,
        observations: Observations,
        alerts: Sequence[Alert],
        voice: Voice,
    ) -> None:
        """A batch, as the model in use has judged it and with the `alerts` it raised.

        An error of the candidate's ends its trial and nothing else: the batch is judged already.
        """
        if self.is_over:
            return
        try:
            self._add(catalogue, chunk, found, observations, alerts, voice)
        except MemoryError:  # not the candidate's fault
            raise
        except Exception as error:  # noqa: BLE001 - it is told, and keeps the candidate out
            self._failure, self.is_over = repr(error)[:FAILURE_SHOWN], True

    def _add(
        self,
        catalogue: Catalogue,
        chunk: Chunk,
        found: Assessments,
        observations: Observations,
        alerts: Sequence[Alert],
        voice: Voice,
    ) -> None:
        of = found.transactions
        rows = np.flatnonzero(~np.isnan(found.score))
        rows = rows[(mix(of.accounts[rows].view(np.uint64) ^ _TRIAL) >> _U32) < self._chosen_below]
        rows = rows[: self._left(of.event_time_ms[rows])]
        if not len(rows):
            return
        values = catalogue.values(observations.columns[rows], self.candidate.population)
        scores = self.candidate.judge(values).score
        lanes = self.candidate.lanes
        surprises = np.zeros((len(lanes), len(rows)))
        if lanes:
            surprises = self.candidate.judge_lanes(catalogue.composites(observations.composites[rows], lanes))
        told = (found.score[rows], scores)
        for bands, model, by_model in zip(self._bands, (self.in_use, self.candidate), told, strict=True):
            bands += model.usual.of_score.counts(by_model[:, np.newaxis])
        days = _account_days(of.accounts[rows], of.event_time_ms[rows])
        self._amount = Pair(
            *(highest.with_more(days, by) for highest, by in zip(_of(self._amount), told, strict=True))
        )
        self._typology = Pair(
            _with_lanes(self._typology.in_use, days, found.lanes, found.lane_surprises[:, rows]),
            _with_lanes(self._typology.candidate, days, [lane.name for lane in lanes], surprises),
        )
        self._note(found, rows, alerts)
        self._judge(chunk, found, observations.columns, rows, scores, surprises, voice)

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

    def _note(self, found: Assessments, rows: IntArray, alerts: Sequence[Alert]) -> None:
        """What the model in use has opened."""
        opened = {alert.alert_id: alert for alert in alerts if alert.kind == "alert" and not alert.sample}
        is_mine = np.zeros(len(found.score), np.bool_)
        is_mine[rows] = True
        for row, alert_id in found.alert_ids.items():
            if not is_mine[row]:
                continue
            if alert_id in opened and alert_id not in self._opened:
                self._opened[alert_id] = Opened.of(opened[alert_id])
            elif alert_id in self._opened:
                self._opened[alert_id].stretch(int(found.transactions.event_time_ms[row]))

    def _judge(
        self,
        chunk: Chunk,
        found: Assessments,
        columns: FloatArray,
        rows: IntArray,
        scores: FloatArray,
        surprises: FloatArray,
        voice: Voice,
    ) -> None:
        """What the candidate would open."""
        of = found.transactions
        accounts, times, ids = of.accounts[rows], of.event_time_ms[rows], of.ids[rows]
        at = -1
        while (at := self._policy.judge_rows(accounts, times, scores, ids, at + 1, surprises)) < len(rows):
            row, account = int(rows[at]), int(accounts[at])
            record = chunk.record(int(of.rows[row]))
            decision = self._policy.judge(
                voice.transaction(record),
                record.offset,
                float(scores[at]),
                partial(voice.reasons, self.candidate, columns[row : row + 1]),
                account=account,
                lanes=surprises[:, at],
            )
            if decision is None or decision.alert_id is None:
                continue
            if decision.kind is Kind.OPENED:
                alert = voice.alert(decision, account, record)
                self._would_open[decision.alert_id] = Opened.of(alert)
            elif decision.alert_id in self._would_open:
                self._would_open[decision.alert_id].stretch(int(times[at]))

    @property
    def differences(self) -> Differences:
        """Of the alerts opened so far."""
        return Differences.between(list(self._opened.values()), list(self._would_open.values()))

    @property
    def changes(self) -> dict[tuple[str, str], int]:
        """How many alerts of each kind there are so far, by kind and queue."""
        return {
            (name, queue): count
            for name, kind in self.differences.kinds.items()
            for queue, count in kind.alerts.items()
        }

    def report(self) -> bytes:
        """What was seen so far, as a message."""
        in_use, candidate = (tuple(bands[0].tolist()) for bands in self._bands)
        report = Report(
            in_use=self.in_use.version,
            is_over=self.is_over,
            progress=self.progress,
            transactions=self._seen,
            first_ms=self._first_ms,
            newest_ms=self._newest_ms,
            bands=(in_use, candidate),
            amount=self._amount,
            typology=self._typology,
            differences=self.differences,
            failure=self._failure,
        )
        return msgspec.json.encode(report)

    def concluded(self, messages: Mapping[int, bytes]) -> Comparison | None:
        """What the reports of all partitions show together; None as long as that is not enough."""
        reports = of_one_trial(messages, self.in_use.version)
        if not is_enough(reports, self._limits, self._partitions):
            return None
        return compare(reports, self._settings, self.in_use, self.candidate, self._partitions)


def _policy(settings: Settings, candidate: Model, partition: int, partitions: int) -> Policy:
    """The candidate's own; what the model in use explores is nobody's alert."""
    share, given = settings.trial.share, settings.alerts
    alerts_per_day = given.alerts_per_day * (1.0 - given.explore) * share
    alerts = replace(given, alerts_per_day=alerts_per_day, explore=0.0)
    policy = Policy(replace(settings, alerts=alerts), partition=partition, partitions=partitions)
    policy.use(candidate.reference, candidate.transactions_per_day / partitions * share, candidate.version)
    policy.watch(candidate.lanes, candidate.lane_weights)
    return policy


def _of(pair: Pair) -> tuple[Highest, Highest]:
    return pair.in_use, pair.candidate


def _account_days(accounts: IntArray, times: IntArray) -> KeyArray:
    """A key for each account and UTC day."""
    return mix(accounts.view(np.uint64) ^ mix((times // DAY_MS).view(np.uint64)))


def _with_lanes(highest: Highest, days: KeyArray, lanes: Sequence[str], surprises: FloatArray) -> Highest:
    """Of each lane an account-day of its own; what is below the least surprise is nothing to a lane."""
    for lane, told in zip(lanes, surprises, strict=True):
        salt = np.uint64(int.from_bytes(blake2b(lane.encode(), digest_size=8).digest(), "little"))
        said = told >= LEAST_SURPRISE
        highest = highest.with_more(mix(days[said] ^ salt), told[said])
    return highest
