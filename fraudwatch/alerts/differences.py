"""The alerts of two models or configurations side by side: newly alerted, no longer alerted, and the same.

An alert's id follows from the transaction that opened it, which another model may choose differently. So alerts are
the same when they are of one account and lie no further apart than the transactions of one episode may.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from heapq import nsmallest
from typing import Protocol, TypeVar

import msgspec

from fraudwatch.alerts.alert import Alert
from fraudwatch.alerts.episodes import LONGEST_PAUSE_MS

EXAMPLES = 5
"""Of each kind: what a person reads before deciding."""


class Opened(msgspec.Struct):
    """An alert that was raised, or would have been. `opened_ms` and `last_ms` span its transactions so far."""

    alert_id: str
    account_id: str
    queue: str
    lane: str | None
    severity: str
    rank: float
    opened_ms: int
    last_ms: int
    headline: str

    @classmethod
    def of(cls, alert: Alert) -> "Opened":
        """As a message tells it."""
        return cls(
            alert_id=alert.alert_id,
            account_id=alert.entity.account_id,
            queue=alert.queue,
            lane=alert.lane,
            severity=alert.severity,
            rank=alert.rank,
            opened_ms=_milliseconds(alert.episode.opened_at),
            last_ms=_milliseconds(alert.episode.last_at),
            headline=alert.headline.en,
        )

    def stretch(self, event_time_ms: int) -> None:
        """One of its account's transactions has joined it."""
        self.opened_ms = min(self.opened_ms, event_time_ms)
        self.last_ms = max(self.last_ms, event_time_ms)


class Kind(msgspec.Struct, frozen=True):
    """Some of the alerts: how many by queue, and the highest-ranked as examples."""

    alerts: dict[str, int]
    examples: tuple[Opened, ...]

    @classmethod
    def of(cls, alerts: Sequence[Opened]) -> "Kind":
        """All of one kind."""
        return cls(dict(Counter(alert.queue for alert in alerts)), _highest(alerts))

    @classmethod
    def together(cls, parts: Sequence["Kind"]) -> "Kind":
        """Of several partitions."""
        alerts: Counter[str] = Counter()
        for part in parts:
            alerts.update(part.alerts)
        return cls(dict(alerts), _highest(example for part in parts for example in part.examples))


class Differences(msgspec.Struct, frozen=True):
    """What the second of two raises beside the first. `same` are the second's alerts that the first raised too."""

    newly: Kind
    no_longer: Kind
    same: Kind

    @classmethod
    def between(
        cls, first: Sequence[Opened], second: Sequence[Opened], span: tuple[int, int] | None = None
    ) -> "Differences":
        """Of alerts over the same transactions; counted are those opened within a span of event time."""
        before, after = by_account(first), by_account(second)
        since, until = span or (-(2**62), 2**62)
        ours, theirs = (
            [alert for alert in alerts if since <= alert.opened_ms <= until] for alerts in (first, second)
        )
        return cls(
            newly=Kind.of([alert for alert in theirs if not meets(alert, before)]),
            no_longer=Kind.of([alert for alert in ours if not meets(alert, after)]),
            same=Kind.of([alert for alert in theirs if meets(alert, before)]),
        )

    @classmethod
    def together(cls, parts: Sequence["Differences"]) -> "Differences":
        """Of several partitions."""
        return cls(
            newly=Kind.together([part.newly for part in parts]),
            no_longer=Kind.together([part.no_longer for part in parts]),
            same=Kind.together([part.same for part in parts]),
        )

    @property
    def kinds(self) -> dict[str, Kind]:
        """By the words that metrics and JSON have for them."""
        return {"newly": self.newly, "no_longer": self.no_longer, "same": self.same}


class Spanning(Protocol):
    """An alert of an account, and the event times that its transactions span."""

    @property
    def account_id(self) -> str: ...
    @property
    def opened_ms(self) -> int: ...
    @property
    def last_ms(self) -> int: ...


A = TypeVar("A", bound=Spanning)


def meets(alert: Spanning, others: Mapping[str, Sequence[Spanning]]) -> bool:
    """Whether one of the others, by account, is the same alert."""
    return any(
        other.opened_ms - LONGEST_PAUSE_MS <= alert.last_ms
        and alert.opened_ms <= other.last_ms + LONGEST_PAUSE_MS
        for other in others.get(alert.account_id, ())
    )


def by_account(alerts: Iterable[A]) -> dict[str, list[A]]:
    """Alerts in their order, as `meets` looks for them."""
    accounts: dict[str, list[A]] = {}
    for alert in alerts:
        accounts.setdefault(alert.account_id, []).append(alert)
    return accounts


def _highest(alerts: Iterable[Opened]) -> tuple[Opened, ...]:
    return tuple(nsmallest(EXAMPLES, alerts, key=lambda alert: (alert.rank, alert.alert_id)))


def _milliseconds(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)
