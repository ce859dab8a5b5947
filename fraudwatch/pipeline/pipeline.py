"""The way of a transaction, for one partition: decode → features → detection → policy → explain.

`Pipeline` does no I/O, reads no clock and knows neither Kafka nor Faust: the live worker, a backtest over a file, a
benchmark and a test run the same code. What it concludes is a function of the records in their order and of the
models it was given between them, however the records were cut into batches.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from fraudwatch.alerts import Alert, Decision, Kind, Policy, compose
from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import fingerprint
from fraudwatch.decode import Decoder
from fraudwatch.detection import Model
from fraudwatch.features import Catalogue, History, Observations
from fraudwatch.pipeline.batch import Assessments, Batch
from fraudwatch.pipeline.latest import LatestTransactions
from fraudwatch.pipeline.training import TrainingSample
from fraudwatch.records import DeadLetter, Outcome, Reason, Record, Scores, Transaction


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
        timer: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """An empty partition. `timer` returns seconds, for `Batch.stage_seconds`; by default nothing is timed.

        Raises ConfigurationError for a mapping that cannot be used.
        """
        self.settings = settings
        self.decoder = Decoder(settings)
        self.catalogue = Catalogue(settings, self.decoder.fields)
        self.policy = Policy(settings, partition=partition, partitions=partitions)
        self.training = training or TrainingSample(settings.training, share=1 / partitions)
        self.model: Model | None = None
        self._partitions = partitions
        self._configuration = fingerprint(settings)
        self._history = History(settings)
        self._latest = LatestTransactions(settings.alerts.evidence, partition)
        self._timer = timer
        if model is not None:
            self.use(model)

    def use(self, model: Model) -> None:
        """Score with this model from the next batch on."""
        self.model = model
        self.policy.use(model.reference, model.transactions_per_day / self._partitions, model.version)

    def fold(self, records: Sequence[Record], *, publish: bool = True) -> Batch:
        """Take in a batch. Without `publish` the state moves on all the same, and no alert is composed."""
        started = self._timer()
        transactions, offsets, dead_letters = self._decode(records)
        decoded = self._timer()
        observations = self._history.fold(transactions)
        self.training.add(transactions, observations)
        observed = self._timer()
        scores, rows = self._score(observations)
        scored = self._timer()
        assessments = _assessments(transactions, offsets, observations, scores, rows, self.model)
        alerts, cut, new_accounts = self._decide(assessments, observations, scores, rows, records, publish)
        decided = self._timer()
        return Batch(
            records=len(records),
            assessments=assessments,
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
            new_accounts=tuple(new_accounts),
        )

    def _decode(self, records: Sequence[Record]) -> tuple[list[Transaction], list[int], list[DeadLetter]]:
        transactions: list[Transaction] = []
        offsets: list[int] = []
        dead_letters: list[DeadLetter] = []
        decode = self.decoder.decode
        for record in records:
            decoded = decode(record)
            if isinstance(decoded, DeadLetter):
                dead_letters.append(decoded)
            else:
                transactions.append(decoded)
                offsets.append(record.offset)
        return transactions, offsets, dead_letters

    def _score(self, observations: Observations) -> tuple[Scores | None, list[int]]:
        """Scores of the rows that are judged: all but duplicates and too young accounts."""
        judged = (observations.outcome == Outcome.SCORED.value) | (observations.outcome == Outcome.LATE.value)
        rows = np.flatnonzero(judged)
        if self.model is None or not len(rows):
            return None, []
        values = self.catalogue.values(observations.columns[rows], self.model.population)
        return self.model.score(values), rows.tolist()

    def _decide(
        self,
        assessments: Assessments,
        observations: Observations,
        scores: Scores | None,
        rows: list[int],
        records: Sequence[Record],
        publish: bool,
    ) -> tuple[list[Alert], int, list[str]]:
        """Raise alerts in order of arrival, each with the evidence as it stood at its own transaction.

        Also how many the day's ceiling kept back, and the accounts never seen before.
        """
        alerts: list[Alert] = []
        new_accounts: list[str] = []
        cut = 0
        of_row = dict(zip(rows, range(len(rows)), strict=True))
        for row, (transaction, offset) in enumerate(
            zip(assessments.transactions, assessments.offsets.tolist(), strict=True)
        ):
            if assessments.outcome[row] == Outcome.DUPLICATE.value:
                continue
            if self._latest.add(transaction, offset):
                new_accounts.append(transaction.account_id)
            if scores is None or (index := of_row.get(row)) is None:
                continue
            reasons = partial(self._reasons, observations, scores, row, index)
            decision = self.policy.judge(transaction, offset, float(scores.score[index]), reasons)
            if decision is None:
                continue
            assessments.alert_ids[row] = decision.alert_id
            cut += decision.kind is Kind.CUT
            if publish and decision.is_published:
                alerts.append(self._compose(decision, transaction, records[0].topic))
        return alerts, cut, new_accounts

    def _compose(self, decision: Decision, transaction: Transaction, topic: str) -> Alert:
        return compose(
            decision,
            self._latest.of(transaction.account_id),
            topic=topic,
            currency=self.settings.currency,
            configuration=self._configuration,
        )

    def _reasons(
        self, observations: Observations, scores: Scores, row: int, index: int
    ) -> tuple[Reason, ...]:
        """Every reason of one transaction, as numbers; detectors have no value a person could read."""
        assert self.model is not None
        shown = self.catalogue.shown(observations.columns[row], self.model.population)
        return tuple(
            Reason(
                spec,
                float(scores.surprises[index, place]),
                float(scores.contributions[index, place]),
                shown[spec.name].value if spec.name in shown else None,
                shown[spec.name].usual if spec.name in shown else None,
            )
            for place, spec in enumerate(self.model.reason_specs)
        )


def _assessments(
    transactions: list[Transaction],
    offsets: list[int],
    observations: Observations,
    scores: Scores | None,
    rows: list[int],
    model: Model | None,
) -> Assessments:
    """The columns, alerts still empty."""
    outcome = observations.outcome.copy()
    score = np.full(len(transactions), np.nan)
    top_reason: list[str | None] = [None] * len(transactions)
    if model is None:
        outcome[outcome == Outcome.SCORED.value] = Outcome.UNSCORED_NO_MODEL.value
    if scores is not None and model is not None:
        score[rows] = scores.score
        strongest = np.argmax(scores.contributions, axis=1)
        weighs = scores.contributions[np.arange(len(rows)), strongest] > 0
        for index, row in enumerate(rows):
            if weighs[index]:
                top_reason[row] = model.reason_specs[strongest[index]].code
    return Assessments(
        transactions=transactions,
        offsets=np.array(offsets, dtype=np.int64),
        outcome=outcome,
        score=score,
        top_reason=top_reason,
        alert_ids=[None] * len(transactions),
    )
