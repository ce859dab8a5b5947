"""The way of a transaction, for one partition: decode → features → detection → policy → explain.

`Pipeline` does no I/O, reads no clock and knows neither Kafka nor Faust: the live worker, a backtest over a file, a
benchmark and a test run the same code. What it concludes is a function of the records in their order and of the
models it was given between them, however the records were cut into batches. Records travel by column; only what
alerts becomes objects and sentences.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property, partial

import numpy as np
import numpy.typing as npt

from fraudwatch.alerts import Alert, Decision, Kind, Policy, compose, in_line, read
from fraudwatch.alerts.episodes import Episodes
from fraudwatch.alerts.model_note import model_note
from fraudwatch.alerts.policy import LEAST_CONTRIBUTION
from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import fingerprint
from fraudwatch.decode import Decoder
from fraudwatch.detection import Drift, Finding, Judged, LiftTables, Model
from fraudwatch.errors import UnusableInputError
from fraudwatch.features import Catalogue, History, Observations
from fraudwatch.pipeline.batch import NO_LANE, NO_REASON, Assessments, Batch
from fraudwatch.pipeline.recent import RecentTransactions
from fraudwatch.pipeline.saved import Loaded, Parts, blocks_of, parts_of
from fraudwatch.pipeline.training import TrainingSample
from fraudwatch.pipeline.trial import Trial, Voice
from fraudwatch.records import (
    ByteArray,
    Chunk,
    Evidence,
    FloatArray,
    IntArray,
    Outcome,
    Reason,
    Record,
    Scores,
    Transaction,
    Transactions,
)
from fraudwatch.snapshots import Blocks

_NO_MODEL = np.uint8(Outcome.UNSCORED_NO_MODEL.value)


class Pipeline:
    """The state of one partition and what folds records into it."""

    def __init__(
        self,
        settings: Settings,
        *,
        partition: int = 0,
        partitions: int = 1,
        model: Model | None = None,
        training: TrainingSample | None = None,
        lifts: LiftTables | None = None,
        timer: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """An empty partition. `timer` returns seconds, for `Batch.stage_seconds`; by default nothing is timed.

        Lifts are fed from one partition, the first, unless partitions are given tables that they share. Raises
        ConfigurationError for a mapping that cannot be used.
        """
        self.settings = settings
        self.decoder = Decoder(settings)
        self.catalogue = Catalogue(settings, self.decoder.fields)
        self.policy = Policy(settings, partition=partition, partitions=partitions)
        self.training = training or TrainingSample(settings.training, share=1 / partitions)
        self.lifts = lifts or LiftTables(settings.training, share=1 / partitions, kept=partition == 0)
        self.drift = Drift(settings.drift)
        self.model: Model | None = None
        self.trial: Trial | None = None
        self._codes: tuple[str, ...] = ()
        self._partition, self._partitions = partition, partitions
        self._configuration = fingerprint(settings)
        self._history = History(settings)
        self._recent = RecentTransactions()
        self._timer = timer
        if model is not None:
            self.use(model)

    @classmethod
    def of(
        cls,
        settings: Settings,
        blocks: Blocks,
        *,
        partition: int = 0,
        partitions: int = 1,
        model: Model | None = None,
        timer: Callable[[], float] = lambda: 0.0,
    ) -> tuple["Pipeline", Loaded]:
        """The pipeline that `state` gave these blocks of, and what could not be taken from them.

        It goes on as that one would have, to the bit, but that evidence folded before has no names. A block that is
        missing, of another version or damaged starts anew. Raises SnapshotError where that is the history, or where it
        was kept with other settings: fold the log again then.
        """
        parts, loaded = parts_of(settings, blocks, partition=partition, partitions=partitions)
        pipeline = cls(
            settings, partition=partition, partitions=partitions, training=parts.training, timer=timer
        )
        pipeline._history = parts.history
        pipeline.policy = parts.policy or pipeline.policy
        pipeline.drift = parts.drift or pipeline.drift
        pipeline.lifts = parts.lifts or pipeline.lifts
        if model is not None:
            pipeline.use(model)
        return pipeline, loaded

    @property
    def accounts(self) -> IntArray:
        """The hashes int64[k] of all accounts that were ever new here, ascending."""
        return self._history.accounts

    def state(self) -> Blocks:
        """A copy of all that is known, by blocks; to be called between two folds."""
        return blocks_of(Parts(self._history, self.policy, self.training, self.drift, self.lifts))

    def history_lost(self) -> int:
        """Records are missing from here on; how many accounts are known, each of which may have lost some.

        None is new when it comes again, and what rests on a whole history is missing until its longest window has
        passed.
        """
        return self._history.lose()

    def follow(self, published: Iterable[bytes], *, since: int, until: int) -> int:
        """Brings the open episodes in line with what was published; how many were not as folded here.

        `published` are the messages of the review topic's partition from the offset `since` of the log on, `until` is
        the first record that was not folded. One that is no alert is passed over.
        """
        before = self.policy.episodes.kept(self.policy.edge.newest_ms)
        of_model = self.model.reason_specs if self.model is not None else ()
        specs = {spec.code: spec for spec in (*of_model, *self.policy.lanes.reason_specs)}
        after = in_line(
            before, _alerts(published), specs, since=since, until=until, newest_ms=self.policy.edge.newest_ms
        )
        self.policy.episodes = Episodes(after)
        return len({one.alert_id for one in before} ^ {one.alert_id for one in after})

    def use(self, model: Model) -> None:
        """Score with this model from the next batch on. The one that is in use already changes nothing."""
        if self.model is not None and model.version != self.model.version:
            self.trial = None  # of another model than the one in use now
        self.model = model
        self._codes = tuple(spec.code for spec in model.reason_specs)
        if self.policy.model_version and model.fit == self.lifts.fit:
            self.policy.go_on(model.version)  # other lifts move scores a little: the edge follows by itself
        elif model.version != self.policy.model_version:
            self.policy.use(model.reference, model.transactions_per_day / self._partitions, model.version)
        self.lifts.use(model)
        self.policy.watch(model.lanes, model.lane_weights)
        self.drift.use(model, model.transactions_per_day / self._partitions)

    def try_out(self, candidate: Model | None) -> None:
        """From the next batch on a part of the accounts is scored with this model, too (`trial`); None ends that."""
        self.trial = None
        if candidate is not None and self.model is not None:
            self.trial = Trial(
                self.settings,
                self.model,
                candidate,
                self._partitions,
                partition=self._partition,
                episodes=self.policy.episodes.kept(self.policy.edge.newest_ms),
            )

    def fold(self, chunk: Chunk, *, publish: bool = True) -> Batch:
        """Take in records. Without `publish` the state moves on all the same, and no alert is composed."""
        started = self._timer()
        transactions, dead_letters = self.decoder.decode_chunk(chunk)
        decoded = self._timer()
        observations = self._history.fold(transactions)
        self.training.add(transactions, observations)
        observed = self._timer()
        found, judged = self._assess(transactions, observations)
        scored = self._timer()
        self._recent.add(transactions)
        alerts, cut = self._decide(chunk, found, judged, observations.columns, publish)
        if self.trial is not None and publish:
            self.trial.add(self.catalogue, chunk, found, observations, alerts, self._voice)
        decided = self._timer()
        return Batch(
            records=len(chunk),
            assessments=found,
            dead_letters=dead_letters,
            alerts=alerts,
            cut=cut,
            conflicts=observations.conflicts,
            stage_seconds={
                "decode": decoded - started,
                "features": observed - decoded,
                "detection": scored - observed,
                "alerts": decided - scored,
            },
            new_accounts=observations.new_accounts,
            evicted=observations.evicted,
            returned=observations.returned,
            reasons_of=partial(self._reasons_of, observations.columns),
            drift=self.drift.finding,
            observations=observations,
        )

    def reasons(self, model: Model | None, columns: FloatArray) -> tuple[Reason, ...]:
        """Every reason by a model of one transaction, of which the history says `columns` float64[1, c]."""
        assert model is not None
        scores = model.score(self.catalogue.values(columns, model.population))
        return self._as_reasons(model, scores, columns[0], range(len(model.reason_specs)))

    def _as_reasons(
        self, model: Model, scores: Scores, columns_row: FloatArray, places: Sequence[int]
    ) -> tuple[Reason, ...]:
        """Those at some places in `reason_specs`; detectors have no value a person could read."""
        specs = [model.reason_specs[place] for place in places]
        shown = self.catalogue.shown(columns_row, model.population, {spec.name for spec in specs})
        surprises, contributions = (of[0].tolist() for of in (scores.surprises, scores.contributions))
        return tuple(
            Reason(
                spec,
                surprises[place],
                contributions[place],
                shown[spec.name].value if spec.name in shown else None,
                shown[spec.name].usual if spec.name in shown else None,
                shown[spec.name].is_own if spec.name in shown else True,
            )
            for place, spec in zip(places, specs, strict=True)
        )

    def _assess(
        self, transactions: Transactions, observations: Observations
    ) -> tuple[Assessments, Judged | None]:
        """The columns, alerts still empty; and what was looked at of the scored rows, None without a model."""
        outcome = observations.outcome
        score = np.full(len(transactions), np.nan)
        strongest = np.full(len(transactions), NO_REASON, dtype=np.int16)
        rows, judged = np.empty(0, dtype=np.int64), None
        if self.model is None:
            outcome = np.where(outcome == Outcome.SCORED.value, _NO_MODEL, outcome)
        elif len(rows := _judged(outcome)):
            values = self.catalogue.values(observations.columns[rows], self.model.population)
            judged = self.model.judge(values)
            score[rows], strongest[rows] = judged.score, judged.strongest
            times, ids = transactions.event_time_ms[rows], transactions.ids[rows]
            self.drift.add(rows, ids, times, values, score[rows])
            self.lifts.add(transactions.event_time_ms, rows, ids, values, outcome[rows])
        lanes = self._assess_lanes(observations, rows)
        return Assessments(transactions, outcome, score, strongest, self._codes, {}, *lanes), judged

    def _assess_lanes(
        self, observations: Observations, rows: IntArray
    ) -> tuple[tuple[str, ...], npt.NDArray[np.int16], FloatArray, FloatArray]:
        """The last columns of the assessments; only these rows are judged."""
        lanes = self.model.lanes if self.model is not None else ()
        count = len(observations.outcome)
        surprises = np.zeros((len(lanes), count))
        lane, surprise = np.full(count, NO_LANE, dtype=np.int16), np.zeros(count)
        if self.model is not None and lanes and len(rows) and self.settings.alerts.typology_share:
            composites = self.catalogue.composites(observations.composites[rows], lanes)
            surprises[:, rows] = self.model.judge_lanes(composites)
            surprise = surprises.max(axis=0)
            lane = np.where(surprise > 0.0, surprises.argmax(axis=0), NO_LANE).astype(np.int16)
        return tuple(spec.name for spec in lanes), lane, surprise, surprises

    def _decide(
        self, chunk: Chunk, found: Assessments, judged: Judged | None, columns: FloatArray, publish: bool
    ) -> tuple[list[Alert], int]:
        """Raise alerts in order of arrival; also how many the day's ceiling kept back."""
        if judged is None:
            return [], 0
        alerts: list[Alert] = []
        cut = 0
        for place, row in self._alerting(found):
            record = chunk.record(int(found.transactions.rows[row]))
            decision = self.policy.judge(
                self._transaction(record),
                record.offset,
                float(found.score[row]),
                partial(self._contributing, judged, place, columns[row]),
                account=int(found.transactions.accounts[row]),
                lanes=found.lane_surprises[:, row],
            )
            if decision is None:
                continue
            if decision.alert_id is not None:
                found.alert_ids[row] = decision.alert_id
            cut += decision.kind is Kind.CUT
            if publish and decision.is_published:
                account = int(found.transactions.accounts[row])
                alerts.append(self._compose(decision, account, record, self.drift.finding_at(row)))
        return alerts, cut

    def _contributing(self, judged: Judged, place: int, columns_row: FloatArray) -> tuple[Reason, ...]:
        """Of the reasons of a scored row, those an alert could name."""
        assert self.model is not None
        scores = self.model.scores_of(judged, place)
        contributing = np.flatnonzero(scores.contributions[0] >= LEAST_CONTRIBUTION)
        return self._as_reasons(self.model, scores, columns_row, contributing.tolist())

    def _alerting(self, found: Assessments) -> Iterator[tuple[int, int]]:
        """Rows at or above an edge or to be explored, each while the policy is at it; its place among the scored."""
        rows = np.flatnonzero(~np.isnan(found.score))
        of = found.transactions
        accounts, times, ids = of.accounts[rows], of.event_time_ms[rows], of.ids[rows]
        scores, lanes = found.score[rows], np.take(found.lane_surprises, rows, axis=1)
        at = 0
        while (at := self.policy.judge_rows(accounts, times, scores, ids, at, lanes)) < len(rows):
            yield at, int(rows[at])
            at += 1

    def _transaction(self, record: Record) -> Transaction:
        """A record that was decoded before, as an object."""
        transaction = self.decoder.decode(record)
        assert isinstance(transaction, Transaction)
        return transaction

    def _compose(self, decision: Decision, account: int, record: Record, drift: Finding) -> Alert:
        return compose(
            decision,
            self._evidence(account, record.offset),
            topic=record.topic,
            currency=self.settings.currency,
            configuration=self._configuration,
            model_note=model_note(*drift.worst) if drift.is_degraded else None,
        )

    def _evidence(self, account: int, offset: int) -> tuple[Evidence, ...]:
        """The account's latest transactions as of an offset, oldest first; the names of recent ones."""
        held = self._history.evidence(account, offset, self.settings.alerts.evidence)
        times, amounts, offsets = (column.tolist() for column in held)
        ids = self._recent.ids(offsets, of=offset)
        return tuple(
            Evidence(transaction_id, event_time_ms, amount_minor, counterparty_id, self._partition, place)
            for (transaction_id, counterparty_id), event_time_ms, amount_minor, place in zip(
                ids, times, amounts, offsets, strict=True
            )
        )

    @cached_property
    def _voice(self) -> Voice:
        """Of what a model on trial says, nothing is known of its drift."""
        return Voice(
            self._transaction,
            self.reasons,
            lambda decision, account, record: self._compose(decision, account, record, Finding()),
        )

    def _reasons_of(self, columns: FloatArray, row: int) -> tuple[Reason, ...]:
        return self.reasons(self.model, columns[row : row + 1])


def _alerts(messages: Iterable[bytes]) -> Iterator[Alert]:
    for message in messages:
        with suppress(UnusableInputError):
            yield read(message)


def _judged(outcome: ByteArray) -> IntArray:
    """Rows that are scored: all but duplicates and too young accounts."""
    return np.flatnonzero((outcome == Outcome.SCORED.value) | (outcome == Outcome.LATE.value))
