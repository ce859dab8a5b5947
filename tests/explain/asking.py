"""What a transaction would have come to with one value replaced: asked of the pipeline itself, by folding."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import numpy as np

from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.explain import Explanation, explained
from fraudwatch.features import LANES, Column, Observations
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Chunk, FloatArray, Record
from fraudwatch.snapshots import Blocks

DAY = 86_400_000


class Before(NamedTuple):
    """A pipeline as it was before one record, and the records of its account until then."""

    settings: Settings
    model: Model
    blocks: Blocks
    record: Record
    own: list[Record]

    def pipeline(self) -> Pipeline:
        return Pipeline.of(self.settings, self.blocks, model=self.model)[0]

    def explanation(self) -> Explanation:
        return explained(self.pipeline(), self.record, self.own)


class Folded(NamedTuple):
    """Whether it lies at an edge or above, and whether it is an alert that was not drawn by chance."""

    is_reached: bool
    is_alert: bool


def before_each(
    settings: Settings, model: Model, stream: list[Record], offsets: list[int], *, begin: int
) -> list[Before]:
    """One for each of these offsets, ascending; the model is in use from `begin` on."""
    pipeline, at, found = Pipeline(settings), 0, []
    for end in [begin, *offsets]:
        if end > at:
            pipeline.fold(Chunk.of(stream[at:end]))
        if end == begin:
            pipeline.use(model)
        at = end
        if end in offsets:
            record = stream[end]
            own = [one for one in stream[:end] if account_of(one) == account_of(record)]
            found.append(Before(settings, model, pipeline.state(), record, own))
    return found


def account_of(record: Record) -> str:
    name: str = msgspec.json.decode(record.value or b"")["account_id"]
    return name


def with_amount(record: Record, amount_minor: float) -> Record:
    told = msgspec.json.decode(record.value or b"") | {"amount": round(amount_minor) / 100}
    return msgspec.structs.replace(record, value=msgspec.json.encode(told))


class OtherHistory:
    """A history of which one number is replaced."""

    def __init__(self, history: Any, place: Callable[[Observations], FloatArray], value: float) -> None:
        self._history, self._place, self._value = history, place, value

    def fold(self, transactions: Any) -> Observations:
        observations: Observations = self._history.fold(transactions)
        self._place(observations)[...] = self._value
        return observations

    def __getattr__(self, name: str) -> Any:
        return getattr(self._history, name)


def folded_with(before: Before, name: str, value: float) -> Folded:
    """The same transaction with another amount, or on a history that says another number."""
    pipeline, record = before.pipeline(), before.record
    lanes = [lane.name for lane in LANES]
    if name == "amount":
        record = with_amount(record, value)
    else:

        def place(observations: Observations) -> FloatArray:
            if name in lanes:
                return observations.composites[:, lanes.index(name)]
            return observations.columns[:, Column[name.upper()]]

        pipeline._history = OtherHistory(pipeline._history, place, value)  # type: ignore[assignment]
    batch = pipeline.fold(Chunk.of([record]))
    found, policy = batch.assessments, pipeline.policy
    is_reached = bool(found.score[0] >= policy.edge.raised_from)
    is_reached |= bool(np.any(found.lane_surprises[:, 0] >= policy.lanes.raised_from))
    drawn = any(alert.sample for alert in batch.alerts)
    return Folded(is_reached, 0 in found.alert_ids and not drawn)
