"""Does it hold again? With other seeds of fitting, and with the log cut otherwise (issue 6, gate 4).

A score, the reasons behind it and what the lanes say are a function of one account's history and of the model, and the
model is one of the log (DESIGN D3): in whatever batches and partitions it comes, all of it is the same to the bit. So
are the alerts of one partition in whatever batches; each of several partitions has an edge of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import ranking
from gates import Gate, say
from prepared import simulated_settings, stream

from fraudwatch.backtest import Span, folding, span
from fraudwatch.config.settings import Settings
from fraudwatch.decode import read_rows
from fraudwatch.mixing import mix
from fraudwatch.pipeline import Batch
from fraudwatch.records import IntArray
from fraudwatch.simulate import Plan

SEEDS = (1, 2)
"""Of fitting; the third is the default, with which the question `ranking` is answered."""
CUTS = ((1, 2_000), (1, 377), (4, 2_000), (12, 2_000))
"""Partitions, and records of the log folded at once; the first is what all others are compared with."""
REASONS_OF = np.uint64(256)
"""Of one in so many transactions all reasons are compared too, beside the strongest."""
PLAN = Plan(days=60)

Word = Any
"""uint64, one or an array."""


class Told(NamedTuple):
    """What a stream came to: hashes of its transactions, ascending, with one of all that was said of each; the alerts
    that were opened, by the lane that did; and the model's version."""

    ids: IntArray
    said: Word
    alerts: dict[str, str | None]
    model: str | None


def measure(data: Path) -> list[Gate]:
    """The gates of every stream."""
    gates: list[Gate] = []
    for seed in SEEDS:
        say(f"fitted with seed {seed}")
        gates += [gate._replace(name=f"{gate.name}_seed_{seed}") for gate in ranking.measure(data, seed)]
    last_trained = PLAN.start + timedelta(days=PLAN.days // 2 - 1)
    simulated = span(PLAN.start, last_trained, "train")
    gates += compared("simulated", simulated_settings(), simulated, lambda: stream(PLAN))
    spans = {
        "handbook": span(date(2018, 7, 25), date(2018, 7, 31), "train"),
        "sparkov": span(date(2019, 2, 1), date(2019, 2, 28), "train"),
    }
    for name, trained in spans.items():
        path = data / f"{name}.csv.gz"
        gates += compared(name, ranking.settings_of(name, None), trained, lambda path=path: read_rows(path))
    return gates


def compared(
    name: str,
    settings: Settings,
    trained: Span,
    rows: Callable[[], Iterable[bytes]],
    cuts: Sequence[tuple[int, int]] = CUTS,
) -> list[Gate]:
    """The gates of one stream."""
    first, *others = (told(settings, trained, rows(), *cut) for cut in cuts)
    differing, alerts = 0, 0
    for (partitions, records), other in zip(cuts[1:], others, strict=True):
        found = differences(first, other)
        say(f"{name}, {partitions} partitions, {records} records at once: {found} differ")
        differing += found
        if partitions == cuts[0][0]:
            alerts += len(first.alerts.items() ^ other.alerts.items())
    partitions = ", ".join(str(number) for number in sorted({cut[0] for cut in cuts}))
    judged = f"of {len(first.ids):,} transactions those judged otherwise in other batches or {partitions} partitions"
    opened = (
        f"of {len(first.alerts):,} alerts of one partition those that other batches open otherwise, or not"
    )
    return [
        Gate(f"{name}_cut_differing", differing, 0, False, judged),
        Gate(f"{name}_cut_alerts", alerts, 0, False, opened),
    ]


def told(settings: Settings, trained: Span, rows: Iterable[bytes], partitions: int, records: int) -> Told:
    """A stream from its beginning, a model being trained on the way, so many records at once."""
    parts: list[tuple[IntArray, Word]] = []
    alerts: dict[str, str | None] = {}
    with mock.patch.object(folding, "CHUNK", records):
        way = folding.Folding(settings, "stream", partitions=partitions, train_span=trained)
        for folded in way.fold(rows):
            parts.append((folded.batch.assessments.transactions.ids, said_of(folded.batch)))
            for alert in folded.batch.alerts:
                alerts.setdefault(alert.alert_id, alert.lane)
    ids, said = (np.concatenate(column) for column in zip(*parts, strict=True))
    order = np.argsort(ids, kind="stable")
    return Told(ids[order], said[order], alerts, None if way.model is None else way.model.version)


def said_of(batch: Batch) -> Word:
    """A hash for each transaction: outcome, score, strongest reason, every lane; now and then all reasons."""
    of = batch.assessments
    said = mix(of.outcome.astype(np.uint64) ^ mix(of.score.view(np.uint64)))
    said = mix(said ^ of.strongest.astype(np.int64).view(np.uint64))
    for surprises in of.lane_surprises:
        said = mix(said ^ np.ascontiguousarray(surprises).view(np.uint64))
    is_chosen = (of.transactions.ids.view(np.uint64) % REASONS_OF == 0) & ~np.isnan(of.score)
    for row in np.flatnonzero(is_chosen).tolist():
        for reason in batch.reasons_of(row):
            bits = np.array([reason.surprise, reason.contribution, reason.value, reason.usual], np.float64)
            for word in bits.view(np.uint64):
                said[row] = mix(said[row : row + 1] ^ word)[0]
    return said


def differences(one: Told, other: Told) -> int:
    """How many transactions are another, or are judged otherwise: all where it is by another model."""
    if one.model != other.model or not np.array_equal(one.ids, other.ids):
        return max(len(one.ids), len(other.ids))
    return int((one.said != other.said).sum())
