"""A file through the pipeline: the same code as the live worker, from the file's beginning."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from zlib import crc32

import msgspec
import numpy as np

from fraudwatch.backtest.spans import Span
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder
from fraudwatch.detection import LiftTables, Model
from fraudwatch.pipeline import Batch, Pipeline, TrainingSample, train
from fraudwatch.records import NO_TIMESTAMP, Chunk, LaneSpec, Record, Transaction

CHUNK = 2_000
"""Records folded at once. Fixed, so that a model trained on the way starts at the same record in every run."""

OnProgress = Callable[[int], None]


class Folded(msgspec.Struct, frozen=True):
    """One batch of one partition, the records it came from, and the edges as they stood at its end.

    Edges move by the hour: within a batch they may have been a little lower or higher. `edge` is the amount queue's,
    `inf` before a model; `lane_edges` are those of the lanes that are watched.
    """

    batch: Batch
    chunk: Chunk
    edge: float
    lane_edges: tuple[tuple[LaneSpec, float], ...] = ()


class Folding:
    """The pipelines of a file's partitions, fed in the order of the rows.

    Without a model one is trained on the way: on the days of `train_span` as soon as they have passed, or
    without a span as soon as the settings say there is enough. Its lifts are fed from then on (`training.lifts_every`),
    from all partitions together, each feeding coming in use at the transaction that is the first behind it; those of a
    given model stay as they are unless `feeds` says otherwise.
    """

    def __init__(
        self,
        settings: Settings,
        name: str,
        *,
        partitions: int = 1,
        model: Model | None = None,
        train_span: Span | None = None,
        feeds: bool | None = None,
    ) -> None:
        """`name` stands for the topic. Raises ConfigurationError for a mapping that cannot be used."""
        self.model = self.began_with = model
        self._settings = settings
        self._name = name
        self._train_span = train_span
        self._decoder = Decoder(settings)
        self._offsets = [0] * partitions
        self._lifts = LiftTables(settings.training, kept=model is None if feeds is None else feeds)
        self.pipelines = [
            Pipeline(
                settings,
                partition=partition,
                partitions=partitions,
                model=model,
                training=self._sample(1 / partitions),
                lifts=self._lifts,
            )
            for partition in range(partitions)
        ]

    def fold(self, rows: Iterable[bytes], on_progress: OnProgress = lambda rows: None) -> Iterator[Folded]:
        """Fold every row; yields batches as they are done. Raises TrainingError when a model cannot be fitted."""
        source = iter(rows)
        while chunk := list(islice(source, CHUNK)):
            for part in self._cut(chunk):
                for piece in self._cut_where_fed(part):
                    yield from self._fold_part(piece)
            on_progress(len(chunk))
            if self.model is None and self._train_span is None and self._together().is_ready:
                self._use_first(self.train())

    def fold_up_to(self, values: list[bytes], upcoming: bytes) -> Iterator[Folded]:
        """Fold the values before one of a chunk: no model begins there, but lifts that are due at it come in use."""
        left = len(values)
        for piece in self._cut_where_fed([*values, upcoming]):
            yield from self._fold_part(piece[:left])
            left -= min(left, len(piece))

    def train(self) -> Model:
        """Fit on what was sampled so far. Raises TrainingError when that is too little."""
        return train(self._settings, self._together())

    def _sample(self, share: float) -> TrainingSample:
        within = self._train_span or Span()
        return TrainingSample(
            self._settings.training, share=share, since_ms=within.since_ms, until_ms=within.until_ms
        )

    def _together(self) -> TrainingSample:
        return TrainingSample.merged([pipeline.training for pipeline in self.pipelines])

    def _use_first(self, model: Model) -> None:
        self.began_with = model
        self._use(model)

    def _use(self, model: Model) -> None:
        self.model = model
        for pipeline in self.pipelines:
            pipeline.use(model)

    def _cut(self, chunk: list[bytes]) -> Iterator[list[bytes]]:
        """The chunk, cut where the training span has passed; there the model is trained."""
        until_ms = self._train_span.until_ms if self._train_span is not None else None
        if self.model is not None or until_ms is None or not self._is_past(chunk[-1], until_ms):
            yield chunk
            return
        at = next(index for index, value in enumerate(chunk) if self._is_past(value, until_ms))
        yield chunk[:at]
        self._use_first(self.train())
        yield chunk[at:]

    def _cut_where_fed(self, values: list[bytes]) -> Iterator[list[bytes]]:
        """The values, cut where lifts are due; there the model comes in use that has them."""
        begin = 0
        if self._lifts.is_in_use:
            found, _ = self._decoder.decode_chunk(self._chunk(values, 0, 0))
            for place in self._lifts.full_at(found.event_time_ms).tolist():
                row = int(found.rows[place])
                yield values[begin:row]
                begin = row
                self._lifts.reach(int(found.event_time_ms[place]))
                if (model := self._lifts.fed()) is not None:
                    self._use(model)
        yield values[begin:]

    def _chunk(self, values: list[bytes], partition: int, first: int) -> Chunk:
        return Chunk(
            self._name,
            partition,
            np.arange(first, first + len(values)),
            np.full(len(values), NO_TIMESTAMP),
            [None] * len(values),
            values,
        )

    def _is_past(self, value: bytes, until_ms: int) -> bool:
        decoded = self._decoder.decode(Record(self._name, 0, 0, NO_TIMESTAMP, None, value))
        return isinstance(decoded, Transaction) and decoded.event_time_ms >= until_ms

    def _fold_part(self, values: list[bytes]) -> Iterator[Folded]:
        for partition, routed in enumerate(self._routed(values)):
            if routed:
                first = self._offsets[partition]
                self._offsets[partition] += len(routed)
                chunk = self._chunk(routed, partition, first)
                pipeline = self.pipelines[partition]
                batch, policy = pipeline.fold(chunk), pipeline.policy
                lane_edges = zip(policy.lanes.specs, policy.lanes.raised_from.tolist(), strict=True)
                yield Folded(batch, chunk, policy.edge.raised_from, tuple(lane_edges))

    def _routed(self, values: list[bytes]) -> list[list[bytes]]:
        """The values of each partition."""
        if len(self.pipelines) == 1:
            return [values]
        routed: list[list[bytes]] = [[] for _ in self.pipelines]
        for value in values:
            routed[self._partition(value)].append(value)
        return routed

    def _partition(self, value: bytes) -> int:
        """By account, as a keyed topic would; what has no account goes anywhere."""
        decoded = self._decoder.decode(Record(self._name, 0, 0, NO_TIMESTAMP, None, value))
        key = decoded.account_id if isinstance(decoded, Transaction) else ""
        return crc32(key.encode()) % len(self.pipelines)
