"""What a fold without any fault says of the log the broker holds."""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from evidence import Logged
from histories import Held, of_pipeline
from msgspec.structs import replace
from poison import is_poison

from fraudwatch.alerts import Alert, encode
from fraudwatch.config.settings import Settings
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import Chunk
from fraudwatch.stream.real import read_model, real_parts

CHUNK = 2_000


class Raised(NamedTuple):
    """An alert or an update of one, and the record that raised it. `says` is its message."""

    alert_id: str
    sequence: int
    partition: int
    offset: int
    account: str
    says: bytes


class Reference(NamedTuple):
    """`dead` are positions (partition, offset) of the log that end as dead letters."""

    raised: list[Raised]
    dead: set[tuple[int, int]]
    held: dict[tuple[int, int], Held]


def folded(
    settings: Settings,
    model: Path,
    log: Sequence[Logged],
    partitions: int,
    positions: Collection[tuple[int, int]],
) -> Reference:
    """Each partition for itself, from its first record, by the pipeline that the worker runs.

    `positions` (partition, offset) are those at which the state is wanted.
    """
    parts = real_parts(settings)
    fixed = parts.load(read_model(model))
    reference = Reference([], set(), {})
    for partition, records in groupby(log, key=lambda record: record.partition):
        pipeline = Pipeline(settings, partition=partition, partitions=partitions, model=fixed)
        stops = {position for of, position in positions if of == partition}
        for chunk in _chunks(settings.source.topic, partition, list(records), stops):
            healthy = [row for row, value in enumerate(chunk.values) if not is_poison(value)]
            reference.dead.update((partition, int(offset)) for offset in np.delete(chunk.offsets, healthy))
            batch = pipeline.fold(_of(chunk, healthy))
            position = int(chunk.offsets[-1]) + 1
            reference.dead.update((partition, letter.record.offset) for letter in batch.dead_letters)
            reference.raised.extend(_raised(partition, alert) for alert in batch.alerts)
            if position in stops:
                reference.held[partition, position] = Held(partition, position, of_pipeline(pipeline))
    return reference


def _of(chunk: Chunk, rows: list[int]) -> Chunk:
    return Chunk.of([chunk.record(row) for row in rows]) if rows else chunk.part(0, 0)


def _raised(partition: int, alert: Alert) -> Raised:
    # The transactions of an episode are listed as they came: the newest of them raised this message.
    offset = max(each.position.offset for each in alert.episode.transactions)
    account = alert.entity.account_id
    return Raised(alert.alert_id, alert.sequence, partition, offset, account, comparable(alert))


def comparable(alert: Alert) -> bytes:
    """All that must be the same however often it is sent: a worker that came later has not all names of evidence."""
    return encode(replace(alert, evidence=tuple(_nameless(each) for each in alert.evidence)))


def _nameless(evidence: Any) -> Any:
    return replace(evidence, transaction_id=None, counterparty_id=None)


def _chunks(topic: str, partition: int, records: Sequence[Logged], stops: Collection[int]) -> Iterator[Chunk]:
    """In chunks that end at every stop."""
    places = {place for place, record in enumerate(records) if record.offset in stops}
    cuts = sorted({*range(0, len(records), CHUNK), *places, len(records)})
    for begin, end in pairwise(cuts):
        part = records[begin:end]
        yield Chunk(
            topic=topic,
            partition=partition,
            offsets=np.array([record.offset for record in part], dtype=np.int64),
            timestamps_ms=np.array([record.at_ms for record in part], dtype=np.int64),
            keys=[record.key for record in part],
            values=[record.value for record in part],
        )
