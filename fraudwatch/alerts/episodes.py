"""Episodes: the alerting transactions of one account that are one alert (DESIGN §3).

Each lies at most 24 h of event time after the one before, 7 days after the first at most. An episode needs no
closing message: it carries `open_until`. Late transactions within its span join it, also after it has closed.
The alert's id is a hash of the account and of the transaction that opened it, so that a repeated alert
(delivery is at-least-once) has the same id.
"""

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from hashlib import blake2b

import msgspec

from fraudwatch.records import Reason, Transaction

DAY_MS = 86_400_000
LONGEST_PAUSE_MS = DAY_MS
LONGEST_SPAN_MS = 7 * DAY_MS
LISTED = 100
"""Transactions an alert lists: the first and the newest others. Beyond that nobody reads, and messages grow."""
KEPT_AFTER_MS = DAY_MS
"""How long a closed or untouched episode is still there for late transactions (the grace is 1 h by default)."""
_SWEEP_FROM = 64


class Queue(StrEnum):
    """The two in which alerts are ranked: by what amounts show, and by what the pattern of one typology does."""

    AMOUNT = "amount"
    TYPOLOGY = "typology"


class Severity(IntEnum):
    """How urgent an alert is, in rising order."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    @property
    def label(self) -> str:
        """The word for people, messages and metrics."""
        return self.name.lower()


class ListedTransaction(msgspec.Struct, frozen=True, gc=False):
    """An alerting transaction of an episode, with the offset it can be read again from."""

    transaction_id: str
    event_time_ms: int
    amount_minor: int
    offset: int


class Episode(msgspec.Struct):
    """One alert and what it has gathered so far.

    `reasons` holds, by code, the strongest reason seen; `score` is the highest; `severity` the highest.
    `first_ms` and `last_ms` are the event times of the earliest and the latest alerting transaction. `lane` is the one
    that opened it, None where that was the amount queue: the queue of an episode does not change. `score` is what its
    queue ranks by: scores, or surprises of lanes.
    """

    alert_id: str
    account_id: str
    first_ms: int
    last_ms: int
    kept_until_ms: int
    score: float
    severity: Severity
    count: int = 0
    total_minor: int = 0
    sequence: int = 0
    reasons: dict[str, Reason] = {}
    transactions: list[ListedTransaction] = []
    lane: str | None = None

    @property
    def open_until_ms(self) -> int:
        """The last event time at which a later transaction still joins."""
        return min(self.last_ms + LONGEST_PAUSE_MS, self.first_ms + LONGEST_SPAN_MS)

    @property
    def transactions_cut(self) -> int:
        """How many of its transactions are no longer listed."""
        return self.count - len(self.transactions)

    def covers(self, event_time_ms: int) -> bool:
        """Whether an alerting transaction of its account at this event time belongs to it."""
        earliest = max(self.first_ms - LONGEST_PAUSE_MS, self.last_ms - LONGEST_SPAN_MS)
        return earliest <= event_time_ms <= self.open_until_ms

    def copy(self) -> "Episode":
        """As it is now: what is published of it may not change with the next transaction."""
        return msgspec.structs.replace(self, reasons=dict(self.reasons), transactions=list(self.transactions))


def alert_id(account_id: str, transaction_id: str) -> str:
    """20 hexadecimal digits; the account's length keeps ("ab", "c") and ("a", "bc") apart."""
    text = f"{len(account_id)}:{account_id}{transaction_id}"
    return blake2b(text.encode(), digest_size=10).hexdigest()


class Episodes:
    """The episodes of one partition that a transaction may still join."""

    def __init__(self, kept: Iterable[Episode] = ()) -> None:
        """`kept` are episodes to begin with, those of one account in the order in which they were opened."""
        self._hold(kept)

    def __len__(self) -> int:
        return len(self._by_account)

    def kept(self, newest_ms: int) -> list[Episode]:
        """Those that are still there at the partition's newest event time, in the order that `Episodes` takes."""
        return [
            episode
            for episodes in self._by_account.values()
            for episode in episodes
            if episode.kept_until_ms >= newest_ms
        ]

    def covering(self, account_id: str, event_time_ms: int, newest_ms: int) -> Episode | None:
        """The newest episode of the account that this event time belongs to, if it is still kept."""
        for episode in reversed(self._by_account.get(account_id, ())):
            if episode.covers(event_time_ms) and episode.kept_until_ms >= newest_ms:
                return episode
        return None

    def open(
        self,
        transaction: Transaction,
        offset: int,
        score: float,
        severity: Severity,
        reasons: tuple[Reason, ...],
        newest_ms: int,
        lane: str | None = None,
    ) -> Episode:
        """A new episode; `newest_ms` is the partition's newest event time."""
        episode = single(transaction, offset, score, severity, reasons)
        episode.lane = lane
        _keep(episode, newest_ms)
        self._by_account.setdefault(transaction.account_id, []).append(episode)
        self._forget(newest_ms)
        return episode

    def _forget(self, newest_ms: int) -> None:
        """Sweep when the number of accounts has doubled since the last time: constant cost per opening."""
        if len(self._by_account) >= self._sweep_at:
            self._hold(self.kept(newest_ms))

    def _hold(self, kept: Iterable[Episode]) -> None:
        self._by_account: dict[str, list[Episode]] = {}
        for episode in kept:
            self._by_account.setdefault(episode.account_id, []).append(episode)
        self._sweep_at = max(_SWEEP_FROM, 2 * len(self._by_account))


def single(
    transaction: Transaction, offset: int, score: float, severity: Severity, reasons: tuple[Reason, ...]
) -> Episode:
    """An episode of just this transaction, known to nobody else: what a sample is."""
    event_time_ms = transaction.event_time_ms
    episode = Episode(
        alert_id=alert_id(transaction.account_id, transaction.transaction_id),
        account_id=transaction.account_id,
        first_ms=event_time_ms,
        last_ms=event_time_ms,
        kept_until_ms=event_time_ms,
        score=score,
        severity=severity,
    )
    _add(episode, transaction, offset, reasons)
    return episode


def join(
    episode: Episode,
    transaction: Transaction,
    offset: int,
    score: float,
    severity: Severity,
    reasons: tuple[Reason, ...],
    newest_ms: int,
) -> bool:
    """Add a transaction; True when that is worth an update.

    It is for a new reason code, a higher severity, or a count that has doubled again (2, 4, 8, …).
    """
    is_new_reason = any(reason.spec.code not in episode.reasons for reason in reasons)
    is_higher = severity > episode.severity
    episode.first_ms = min(episode.first_ms, transaction.event_time_ms)
    episode.last_ms = max(episode.last_ms, transaction.event_time_ms)
    episode.score = max(episode.score, score)
    episode.severity = max(episode.severity, severity)
    _add(episode, transaction, offset, reasons)
    _keep(episode, newest_ms)
    has_doubled = episode.count & (episode.count - 1) == 0
    is_update = is_new_reason or is_higher or has_doubled
    episode.sequence += is_update
    return is_update


def _add(episode: Episode, transaction: Transaction, offset: int, reasons: tuple[Reason, ...]) -> None:
    episode.count += 1
    episode.total_minor += transaction.amount_minor
    if len(episode.transactions) == LISTED:
        del episode.transactions[1]
    episode.transactions.append(
        ListedTransaction(
            transaction.transaction_id, transaction.event_time_ms, transaction.amount_minor, offset
        )
    )
    for reason in reasons:
        known = episode.reasons.get(reason.spec.code)
        if known is None or reason.contribution > known.contribution:
            episode.reasons[reason.spec.code] = reason


def _keep(episode: Episode, newest_ms: int) -> None:
    """Also what is opened late, behind the partition's time, is kept a while for its late companions."""
    episode.kept_until_ms = max(episode.open_until_ms, newest_ms) + KEPT_AFTER_MS
