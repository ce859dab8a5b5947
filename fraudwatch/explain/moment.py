"""One transaction at its own moment: what was judged of it, by which edges, and what would be of other values."""

from copy import deepcopy
from functools import partial
from typing import NamedTuple

import numpy as np

from fraudwatch.alerts import Decision, Kind, Policy
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder
from fraudwatch.detection import Model
from fraudwatch.features import Catalogue
from fraudwatch.pipeline import Batch, Pipeline
from fraudwatch.records import Chunk, FloatArray, LaneSpec, Outcome, Record, Transaction, Transactions

ALERTING = (Kind.OPENED, Kind.UPDATED, Kind.JOINED)
"""A sample is an alert that was drawn, not one that was earned."""


class Observed(NamedTuple):
    """What a history says of k rows: `columns` float64[k, c] and `composites` float64[k, all lanes]."""

    columns: FloatArray
    composites: FloatArray


class Moment:
    """The fold of one record by itself, and everything needed to ask again with another value in it.

    The edges of the policy after the fold are those it was judged by: they stand still until the next. Other values are
    judged by the same model, and decided about by a copy of the policy as it was before the record.
    """

    def __init__(self, pipeline: Pipeline, record: Record) -> None:
        """The pipeline is just before the record, which is folded into it and must be one that can be decoded."""
        self._policy = deepcopy(pipeline.policy)
        self._pipeline = pipeline
        self.record = record
        self.batch: Batch = pipeline.fold(Chunk.of([record]))
        decoded = pipeline.decoder.decode(record)
        assert isinstance(decoded, Transaction)
        self.transaction = decoded
        observations = self.batch.observations
        assert observations is not None
        self.observed = Observed(observations.columns, observations.composites)

    @property
    def settings(self) -> Settings:
        """Of the pipeline."""
        return self._pipeline.settings

    @property
    def decoder(self) -> Decoder:
        """Of the pipeline."""
        return self._pipeline.decoder

    @property
    def catalogue(self) -> Catalogue:
        """Of the pipeline."""
        return self._pipeline.catalogue

    @property
    def model(self) -> Model:
        """The one it was judged by; there must be one."""
        assert self._pipeline.model is not None
        return self._pipeline.model

    @property
    def is_scored(self) -> bool:
        """Whether there is anything to ask."""
        return not np.isnan(self.batch.assessments.score[0])

    @property
    def is_late(self) -> bool:
        """Whether it came too late to be kept."""
        return int(self.batch.assessments.outcome[0]) == Outcome.LATE.value

    @property
    def transactions(self) -> Transactions:
        """The one row, as columns."""
        return self.batch.assessments.transactions

    @property
    def lanes(self) -> tuple[LaneSpec, ...]:
        """Those that are watched."""
        return self._pipeline.policy.lanes.specs

    @property
    def edges(self) -> FloatArray:
        """float64[1 + lanes]: of the amount queue, then of each lane."""
        return _edges(self._pipeline.policy)

    def rank(self, queue: int, said: float) -> float:
        """How many alerts of a usual day are stranger, in the queue of an edge."""
        policy = self._pipeline.policy
        return policy.lanes.rank(said) if queue else policy.edge.rank(said)

    def values(self, observed: Observed) -> FloatArray:
        """The features' values float64[k, f]."""
        return self._pipeline.catalogue.values(observed.columns, self.model.population)

    def said(self, observed: Observed) -> FloatArray:
        """float64[k, 1 + lanes]: the score, then the surprise of each lane that is watched."""
        scores = self.model.judge(self.values(observed)).score
        composites = self._pipeline.catalogue.composites(observed.composites, self.model.lanes)
        surprises = self.model.judge_lanes(composites)[: len(self.lanes)]
        return np.concatenate([scores[:, np.newaxis], surprises.T], axis=1)

    def edges_with(self, observed: Observed) -> FloatArray:
        """As `edges`, had the transaction been the first of these rows: an edge may follow what an hour brings."""
        policy, _ = self._asked(self.said(observed)[0])
        return _edges(policy)

    def would_alert(self, observed: Observed) -> bool:
        """What the policy would have decided about the transaction with the first of these rows."""
        said = self.said(observed)[0]
        policy, stands_out = self._asked(said)
        if not stands_out:
            return False
        decision: Decision | None = policy.judge(
            self.transaction,
            self.record.offset,
            float(said[0]),
            partial(self._pipeline.reasons, self.model, observed.columns[:1]),
            account=int(self.transactions.accounts[0]),
            lanes=said[1:].copy(),
        )
        return decision is not None and decision.kind in ALERTING

    def _asked(self, said: FloatArray) -> tuple[Policy, bool]:
        """The policy just after it has observed the transaction as float64[1 + lanes], and whether that stands out."""
        policy, of = deepcopy(self._policy), self.transactions
        scores, lanes = said[:1].copy(), said[1:, np.newaxis].copy()
        at = policy.judge_rows(of.accounts, of.event_time_ms, scores, of.ids, 0, lanes)
        return policy, at == 0


def _edges(policy: Policy) -> FloatArray:
    return np.concatenate([[policy.edge.raised_from], policy.lanes.raised_from])
