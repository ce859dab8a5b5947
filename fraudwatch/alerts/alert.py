"""The message on the review topic: one alert, whole, as JSON (schema: `alert.schema.json`).

The topic is compacted by alert id, so an update repeats everything: the newest message is the alert. Money is
both exact text in major units and whole minor units; times are ISO 8601 in UTC.
"""

import json
import math
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final, Literal, TypeVar

import msgspec
from msgspec.structs import replace

from fraudwatch.alerts import sentences, written
from fraudwatch.alerts.episodes import Episode, Queue, Severity
from fraudwatch.alerts.policy import Decision, Kind
from fraudwatch.errors import UnusableInputError
from fraudwatch.records import Evidence, Reason, Text, Theme, Unit

SCHEMA_VERSION: Final = 1
LIST_BYTES = 262_144
"""Each of an alert's two lists of transactions is cut where it would pass this many bytes, so that whatever
`limits.max_text` allows, a message stays well below Kafka's default limit of 1 MiB."""


class Message(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A part of an alert. None refers to itself: the garbage collector need not look."""


class Position(Message, frozen=True):
    """Where a transaction can be read again."""

    topic: str
    partition: int
    offset: int


class AlertingTransaction(Message, frozen=True):
    """A transaction of the episode."""

    transaction_id: str
    event_time: str
    amount: str
    amount_minor: int
    position: Position


class EvidenceTransaction(Message, frozen=True):
    """One of the account's latest transactions, alerting or not.

    Of one that the worker no longer has at hand both ids are None: its position says where it can be read again.
    """

    transaction_id: str | None
    event_time: str
    amount: str
    amount_minor: int
    counterparty_id: str | None
    position: Position


class Account(Message, frozen=True):
    """What the alert is about."""

    account_id: str


class AlertEpisode(Message, frozen=True):
    """The totals of all alerting transactions; of those, `transactions` lists all but `transactions_cut`."""

    opened_at: str
    last_at: str
    open_until: str
    count: int
    amount: str
    amount_minor: int
    currency: str
    transactions: tuple[AlertingTransaction, ...]
    transactions_cut: int


class AlertReason(Message, frozen=True):
    """Why. `value` and `usual` are in the unit's raw form: money in minor units, durations in milliseconds,
    shares of 1, distances in km, speeds in km/h."""

    code: str
    name: str
    theme: Theme
    sentence: Text
    innocent: Text
    unit: Unit
    value: float | None
    usual: float | None
    window_ms: int | None
    surprise: float
    contribution: float


class Alert(Message, frozen=True):
    """An alert or its update, as investigators receive it. `evidence_cut` counts evidence left out to bound it.

    With `edge_is_low` the budget exceeds what is unusual: most such alerts would be raised of any stream. `score`,
    `rank`, `edge` and `distance` compare with alerts of the same `queue` only; `lane` is the one that opened it. There
    is a `model_note` where the model no longer describes the stream.
    """

    schema_version: Literal[1]
    alert_id: str
    kind: Literal["alert", "update"]
    sequence: int
    entity: Account
    headline: Text
    severity: Literal["low", "medium", "high"]
    score: float
    rank: float
    edge: float
    distance: float
    edge_note: Text
    sample: bool
    episode: AlertEpisode
    reasons: tuple[AlertReason, ...]
    evidence: tuple[EvidenceTransaction, ...]
    evidence_cut: int
    model_version: str
    configuration: str
    partition: int
    edge_is_low: bool = False
    queue: Literal["amount", "typology"] = "amount"
    lane: str | None = None
    model_note: Text | None = None


Listed = TypeVar("Listed", AlertingTransaction, EvidenceTransaction)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Alert)
_SEVERITIES: dict[Severity, Literal["low", "medium", "high"]] = {
    Severity.LOW: "low",
    Severity.MEDIUM: "medium",
    Severity.HIGH: "high",
}
_QUEUES: dict[Queue, Literal["amount", "typology"]] = {Queue.AMOUNT: "amount", Queue.TYPOLOGY: "typology"}


def compose(
    decision: Decision,
    evidence: Sequence[Evidence],
    *,
    topic: str,
    currency: str,
    configuration: str,
    model_note: Text | None = None,
) -> Alert:
    """The alert of a published decision; raises ValueError for any other.

    `topic` is the log that the transactions and the evidence were read from, `configuration` the fingerprint
    of the settings. Where the message would grow too large, the oldest transactions but the first are left out.
    """
    episode = decision.episode
    if episode is None:
        raise ValueError(f"expected a decision that is published, found one that is {decision.kind.value}")
    is_sample = decision.kind is Kind.SAMPLE
    seen, evidence_cut = _newest_within(_evidence(evidence, topic, currency), LIST_BYTES)
    return Alert(
        schema_version=SCHEMA_VERSION,
        alert_id=episode.alert_id,
        kind="update" if decision.kind is Kind.UPDATED else "alert",
        sequence=episode.sequence,
        entity=Account(episode.account_id),
        headline=sentences.headline(episode, decision.reasons, currency, is_sample=is_sample),
        severity=_SEVERITIES[decision.severity],
        score=decision.score,
        rank=decision.rank,
        edge=decision.edge,
        distance=decision.distance,
        edge_note=sentences.edge_note(
            decision.edge,
            decision.observed_days,
            decision.cut_today,
            is_low=decision.edge_is_low,
            is_sample=is_sample,
            lane=decision.lane,
        ),
        sample=is_sample,
        episode=_episode(episode, topic, decision.partition, currency),
        reasons=tuple(_reason(reason, currency) for reason in decision.reasons),
        evidence=seen,
        evidence_cut=evidence_cut,
        model_version=decision.model_version,
        configuration=configuration,
        partition=decision.partition,
        edge_is_low=decision.edge_is_low,
        queue=_QUEUES[decision.queue],
        lane=decision.lane,
        model_note=model_note,
    )


def encode(alert: Alert) -> bytes:
    """Compact UTF-8; the same alert gives the same bytes."""
    return _encoder.encode(alert)


def encode_shorter(alert: Alert) -> bytes:
    """For a topic that allows less than Kafka does by default: all but the lists of transactions, and what was cut.

    Some 10 KB. The transaction that opened the episode stays: the alert's id is made of it.
    """
    episode, evidence = alert.episode, alert.evidence
    listed = episode.transactions
    cut = replace(
        episode, transactions=listed[:1], transactions_cut=episode.transactions_cut + len(listed[1:])
    )
    return encode(replace(alert, episode=cut, evidence=(), evidence_cut=alert.evidence_cut + len(evidence)))


def read(message: bytes) -> Alert:
    """Raises UnusableInputError for anything but an alert of this version."""
    try:
        return _decoder.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnusableInputError(
            f"expected an alert of schema version {SCHEMA_VERSION} as JSON, found {_clipped(message)}: {error}. "
            "Check that the topic is the review topic and that this version of the program wrote it."
        ) from error


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) that every message validates against."""
    loaded: dict[str, Any] = json.loads(files(__package__).joinpath("alert.schema.json").read_bytes())
    return loaded


def _episode(episode: Episode, topic: str, partition: int, currency: str) -> AlertEpisode:
    transactions = tuple(
        AlertingTransaction(
            transaction_id=listed.transaction_id,
            event_time=written.instant(listed.event_time_ms),
            amount=written.decimal_text(listed.amount_minor, currency),
            amount_minor=listed.amount_minor,
            position=Position(topic, partition, listed.offset),
        )
        for listed in episode.transactions
    )
    # The transaction that opened the episode stays: the alert's id is made of it.
    newest, cut = _newest_within(transactions[1:], LIST_BYTES)
    return AlertEpisode(
        opened_at=written.instant(episode.first_ms),
        last_at=written.instant(episode.last_ms),
        open_until=written.instant(episode.open_until_ms),
        count=episode.count,
        amount=written.decimal_text(episode.total_minor, currency),
        amount_minor=episode.total_minor,
        currency=currency,
        transactions=transactions[:1] + newest,
        transactions_cut=episode.transactions_cut + cut,
    )


def _evidence(evidence: Sequence[Evidence], topic: str, currency: str) -> tuple[EvidenceTransaction, ...]:
    return tuple(
        EvidenceTransaction(
            transaction_id=seen.transaction_id,
            event_time=written.instant(seen.event_time_ms),
            amount=written.decimal_text(seen.amount_minor, currency),
            amount_minor=seen.amount_minor,
            counterparty_id=seen.counterparty_id,
            position=Position(topic, seen.partition, seen.offset),
        )
        for seen in sorted(evidence, key=lambda seen: (seen.event_time_ms, seen.partition, seen.offset))
    )


def _reason(reason: Reason, currency: str) -> AlertReason:
    spec = reason.spec
    return AlertReason(
        code=spec.code,
        name=spec.name,
        theme=spec.theme,
        sentence=sentences.sentence(reason, currency),
        innocent=spec.innocent,
        unit=spec.unit,
        value=_finite(reason.value),
        usual=_finite(reason.usual),
        window_ms=spec.window_ms,
        surprise=reason.surprise,
        contribution=reason.contribution,
    )


def _newest_within(listed: tuple[Listed, ...], limit: int) -> tuple[tuple[Listed, ...], int]:
    """The longest tail of the list that fits into so many bytes, and how many it leaves out."""
    if (
        len(_encoder.encode(listed)) <= limit
    ):  # almost always; an array has a comma for each but one, and two brackets
        return listed, 0
    left = limit
    for kept, transaction in enumerate(reversed(listed)):
        left -= len(_encoder.encode(transaction)) + 1
        if left < 0:
            return listed[len(listed) - kept :], len(listed) - kept
    return listed, 0


def _finite(value: float | None) -> float | None:
    """JSON has no NaN and no infinity: what is not finite is missing."""
    return value if value is not None and math.isfinite(value) else None


def _clipped(message: bytes) -> str:
    return repr(message[:60]) + ("…" if len(message) > 60 else "")
