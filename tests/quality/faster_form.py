"""The product as it is, watched: the pipeline over chunks, with what it says of every record."""

from collections.abc import Callable
from typing import Any

import numpy as np
from ordinary import FEATURES
from slower_form import DEAD_LETTER, Told

from fraudwatch.alerts import Alert, Decision
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.features import Observations
from fraudwatch.pipeline import Pipeline
from fraudwatch.pipeline.batch import Assessments
from fraudwatch.records import Chunk, FloatArray, Transaction, Transactions


class FasterForm(Pipeline):
    """A pipeline that keeps the history columns and the decisions of its last batch."""

    def __init__(self, settings: Settings, model: Model) -> None:
        super().__init__(settings, model=model)
        self.columns: FloatArray = np.empty((0, 0))
        self._decisions: list[tuple[int, Decision]] = []
        names = [spec.name for spec in self.catalogue.judged]
        self._places = [names.index(name) for name in FEATURES]
        judge: Callable[..., Decision | None] = self.policy.judge

        def watched(transaction: Transaction, offset: int, *rest: Any, **named: Any) -> Decision | None:
            decision = judge(transaction, offset, *rest, **named)
            if decision is not None:
                self._decisions.append((offset, decision))
            return decision

        self.policy.judge = watched  # type: ignore[method-assign]

    def take(self, chunk: Chunk) -> tuple[Told, list[Alert]]:
        """A chunk into the state; the alerts that are published with it."""
        self._decisions = []
        batch = self.fold(chunk)
        found = batch.assessments
        rows = found.transactions.rows
        assert self.model is not None
        outcome = np.full(len(chunk), DEAD_LETTER)
        outcome[rows] = found.outcome
        score = np.full(len(chunk), np.nan)
        score[rows] = found.score
        values = np.full((len(chunk), len(FEATURES)), np.nan)
        is_scored = ~np.isnan(found.score)
        derived = self.catalogue.values(self.columns[is_scored], self.model.population)
        values[rows[is_scored]] = derived[:, self._places]
        return Told(outcome.tolist(), values, score, self._decisions), batch.alerts

    def _assess(self, transactions: Transactions, observations: Observations) -> Assessments:
        self.columns = observations.columns
        return super()._assess(transactions, observations)
