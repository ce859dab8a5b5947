"""Is all the product says of a transaction what its slower form says? Whole streams, from their first record."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from faster_form import FasterForm
from gates import Gate, say
from msgspec.structs import replace
from ordinary import MICRO_BATCH
from prepared import Fitted, chunks, fitted
from slower_form import SlowerForm, Told

from fraudwatch.alerts import Alert, Decision
from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.decode import read_rows

ROOT = Path(__file__).parents[2]

TRAINED_ON = {"handbook": 100_000, "sparkov": 30_000}
"""Records at the beginning of each stream that the model is fitted on, with which both forms then take all of it."""
BLOCK = 10_000
CUTS = (1, 2, 7, 300, 2_000, 8_000)
"""Sizes of the chunks that a block is cut into for the pipeline, drawn at random; the last one is what is left."""

TOLERANCE = 1e-9
"""Of a score, in parts of it: the slower form's detectors are PyOD's own functions, whose sums are in another order."""


@dataclass
class Comparison:
    """How many transactions differ in what, and how many were compared."""

    records: int = 0
    scored: int = 0
    decisions: int = 0
    published: int = 0
    differing: int = 0
    by: Counter[str] = field(default_factory=Counter)
    first: int | None = None
    """Offset of the first transaction that differs."""

    def add(self, first_offset: int, fast: Told, alerts: Sequence[Alert], slow: Told) -> None:
        """A block of records from this offset on."""
        differ = {
            "outcome": np.array(fast.outcome) != np.array(slow.outcome),
            "values": ~_equal(fast.values, slow.values).all(axis=1),
            "score": ~np.isclose(fast.score, slow.score, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True),
            "decision": _differing_decisions(first_offset, fast, slow),
            "alert": _differing_alerts(first_offset, alerts, fast, slow),
        }
        self.by.update({name: int(rows.sum()) for name, rows in differ.items()})
        differing = np.flatnonzero(np.any(list(differ.values()), axis=0))
        self.records += len(fast.outcome)
        self.scored += int((~np.isnan(slow.score)).sum())
        self.decisions += len(slow.decisions)
        self.published += sum(decision.is_published for _, decision in slow.decisions)
        self.differing += len(differing)
        if self.first is None and len(differing):
            self.first = first_offset + int(differing[0])


def compared(settings: Settings, fit: Fitted, values: Iterator[bytes], seed: int = 0) -> Iterator[Comparison]:
    """The comparison after each block of both forms' way through a stream, from empty states.

    Of the amount queue: lanes have slow forms of their own (`tests/features`, `tests/alerts/plain_lanes.py`).
    """
    settings = replace(settings, alerts=replace(settings.alerts, typology_share=0.0))
    faster, slower = FasterForm(settings, fit.model), SlowerForm(settings, fit)
    comparison, offset, random = Comparison(), 0, np.random.default_rng(seed)
    while block := list(islice(values, BLOCK)):
        fast, alerts = _by_chunks(faster, block, offset, random)
        slow = _one_by_one(slower, block, offset)
        comparison.add(offset, fast, alerts, slow)
        offset += len(block)
        yield comparison


def measure(data: Path) -> list[Gate]:
    """One gate a stream."""
    gates = []
    for name, trained_on in TRAINED_ON.items():
        settings = load(ROOT / "configs" / f"{name}.yaml", environ={})
        path = data / f"{name}.csv.gz"
        fit = fitted(settings, islice(read_rows(path), trained_on))
        comparison = Comparison()
        for comparison in compared(settings, fit, read_rows(path)):
            if comparison.records % (10 * BLOCK) == 0:
                say(f"{name}: {comparison.records:,} compared, {comparison.differing} differ")
        say(f"{name}: {comparison}")
        meaning = (
            f"of {comparison.records:,} transactions of {name} those with another outcome, feature, score, "
            f"decision or alert than in the slower form ({comparison.published:,} alerts and updates)"
        )
        gates.append(Gate(f"{name}_differing", comparison.differing, 0, False, meaning))
    return gates


def _by_chunks(
    form: FasterForm, block: list[bytes], offset: int, random: np.random.Generator
) -> tuple[Told, list[Alert]]:
    """The pipeline's word on a block, however it is cut."""
    parts, alerts, begin = [], [], 0
    while begin < len(block):
        part = block[begin : begin + int(random.choice(CUTS))]
        for chunk in chunks(part, size=len(part), first_offset=offset + begin):
            told, published = form.take(chunk)
            parts.append(told)
            alerts += published
        begin += len(part)
    return together(parts), alerts


def _one_by_one(form: SlowerForm, block: list[bytes], offset: int) -> Told:
    """The slower form's word on a block: micro-batches only spread the cost of PyOD's calls."""
    return together(
        [
            form.take([chunk.record(row) for row in range(len(chunk))])
            for chunk in chunks(block, size=MICRO_BATCH, first_offset=offset)
        ]
    )


def together(parts: Sequence[Told]) -> Told:
    """One after the other."""
    return Told(
        [outcome for part in parts for outcome in part.outcome],
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.score for part in parts]),
        [decision for part in parts for decision in part.decisions],
    )


def _equal(one: Any, other: Any) -> Any:
    """To the bit, a missing value being equal to a missing one."""
    return (one == other) | (np.isnan(one) & np.isnan(other))


def _differing_decisions(first: int, fast: Told, slow: Told) -> Any:
    """Rows on which something else was decided, or for other reasons."""
    one, other = dict(fast.decisions), dict(slow.decisions)
    rows = np.zeros(len(fast.outcome), dtype=bool)
    for offset in one.keys() | other.keys():
        rows[offset - first] = not _same(_plain(one.get(offset)), _plain(other.get(offset)))
    return rows


def _differing_alerts(first: int, alerts: Sequence[Alert], fast: Told, slow: Told) -> Any:
    """Rows that published another alert, none, or one where none was due; all where their order is not the log's."""
    rows = np.zeros(len(fast.outcome), dtype=bool)
    offsets = [alert.episode.transactions[-1].position.offset for alert in alerts]
    if offsets != sorted(set(offsets)):
        return ~rows
    published = dict(zip(offsets, alerts, strict=True))
    due = {offset: decision for offset, decision in slow.decisions if decision.is_published}
    for offset in published.keys() | due.keys():
        rows[offset - first] = not _same(_of_alert(published.get(offset)), _of_decision(due.get(offset)))
    return rows


def _plain(decision: Decision | None) -> list[Any]:
    if decision is None:
        return []
    named: list[Any] = [getattr(decision, name) for name in decision.__struct_fields__ if name != "episode"]
    reasons = named.pop(decision.__struct_fields__.index("reasons") - 1)
    return [*named, *_flat(reasons), *_of_decision(decision)]


def _of_decision(decision: Decision | None) -> list[Any]:
    if decision is None or decision.episode is None:
        return []
    episode = decision.episode
    listed = [(each.transaction_id, each.offset) for each in episode.transactions]
    sums = (episode.sequence, episode.count, episode.total_minor, str(listed))
    of_edge = (decision.score, decision.rank, decision.edge, decision.edge_is_low, decision.severity.label)
    return [episode.alert_id, episode.account_id, *sums, *of_edge, *_flat(decision.reasons)]


def _of_alert(alert: Alert | None) -> list[Any]:
    if alert is None:
        return []
    episode = alert.episode
    listed = [(each.transaction_id, each.position.offset) for each in episode.transactions]
    sums = (alert.sequence, episode.count, episode.amount_minor, str(listed))
    of_edge = (alert.score, alert.rank, alert.edge, alert.edge_is_low, alert.severity)
    reasons = [
        part
        for each in alert.reasons
        for part in (each.code, each.surprise, each.contribution, each.value, each.usual)
    ]
    return [alert.alert_id, alert.entity.account_id, *sums, *of_edge, *reasons]


def _flat(reasons: Sequence[Any]) -> list[Any]:
    return [
        part
        for each in reasons
        for part in (each.spec.code, each.surprise, each.contribution, each.value, each.usual)
    ]


def _same(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Numbers within the tolerance of scores, all else equal."""
    return len(one) == len(other) and all(
        math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        if isinstance(a, float) and isinstance(b, float)
        else a == b
        for a, b in zip(one, other, strict=True)
    )
