"""Feed rows into the source topic: in order per key, at a pace, never further ahead than the workers can follow."""

import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import count

import msgspec
from kafka.partitioner.default import murmur2

from fraudwatch.broker.admin import admin_client, partitions_of
from fraudwatch.broker.holding import MAX_BYTES_AHEAD, HoldBack
from fraudwatch.broker.pacing import Pace
from fraudwatch.broker.senders import Sender, sender
from fraudwatch.broker.tail import never, tail
from fraudwatch.config.settings import Settings

NAP_SECONDS = 0.05
"""Longest sleep: how late `stop` is noticed and progress told."""

PROGRESS_SECONDS = 0.25


class Row(msgspec.Struct, frozen=True, gc=False):
    """What becomes a record; `event_time_ms` paces a replay by event time and is not sent."""

    key: bytes | None
    value: bytes
    event_time_ms: int | None = None


class ReplayReport(msgspec.Struct, frozen=True):
    """A replay so far, or at its end: `bytes` of keys and values, `lag` in records at the last look."""

    records: int
    bytes: int
    seconds: float
    held_back_seconds: float
    lag: int
    event_time_ms: int | None

    @property
    def records_per_second(self) -> float:
        return self.records / self.seconds if self.seconds > 0 else 0.0


def _no_progress(report: ReplayReport) -> None:
    return None


def replay(
    settings: Settings,
    rows: Iterable[Row],
    *,
    rate: float | None = None,
    speed: float | None = None,
    hold_back_lag: int = 20_000,
    on_progress: Callable[[ReplayReport], None] = _no_progress,
    stop: Callable[[], bool] = never,
    patience_seconds: float = 120.0,
) -> ReplayReport:
    """Send all rows to the source topic, and return once every one is acknowledged, or `stop` said so.

    `rate` is in records a second, `speed` a multiple of event time; without both, as fast as it goes. Held back
    while the group's lag is `hold_back_lag` records or more, and on the embedded broker while 3 MiB of a partition
    are not committed (it would silently drop them). Rows of one key go to one partition, by Kafka's own hash.
    Records carry the present as their Kafka timestamp: with a past event time, retention would delete them.

    Raises BrokerError when a delivery fails, the topic is missing, or the group stands still for
    `patience_seconds` while the replay is held back; ConfigurationError for an impossible pace.
    """
    kafka = settings.kafka
    start = time.monotonic()
    pace = Pace(rate=rate, speed=speed, start=start)
    with admin_client(kafka) as client:
        partitions = partitions_of(client, settings.source.topic)
        hold_back = HoldBack(
            client,
            kafka.group,
            partitions,
            max_lag=hold_back_lag,
            max_bytes=MAX_BYTES_AHEAD if kafka.embedded else None,
            patience_seconds=patience_seconds,
        )
        if kafka.embedded:
            for record in tail(settings, settings.source.topic):
                hold_back.found(record.partition, _size(record.key, record.value))
        with sender(kafka, settings.source.topic) as producer:
            feed = _Feed(producer, hold_back, pace, start, on_progress, stop)
            feed.run(rows, len(partitions))
            return feed.finish()


class _Feed:
    """The running state of one replay."""

    def __init__(
        self,
        producer: Sender,
        hold_back: HoldBack,
        pace: Pace,
        start: float,
        on_progress: Callable[[ReplayReport], None],
        stop: Callable[[], bool],
    ) -> None:
        self._producer = producer
        self._hold_back = hold_back
        self._pace = pace
        self._start = self._told_at = start
        self._on_progress = on_progress
        self._stop = stop
        self._records = self._bytes = 0
        self._held_back_seconds = 0.0
        self._event_time_ms: int | None = None

    def run(self, rows: Iterable[Row], partitions: int) -> None:
        partition_of = _partitioner(partitions)
        for row in rows:
            partition = partition_of(row.key)
            size = _size(row.key, row.value)
            if not (self._await_due(row.event_time_ms) and self._await_room(partition, size)):
                return
            self._producer.send(partition, row.key, row.value)
            self._hold_back.sent(partition, size)
            self._records += 1
            self._bytes += size
            self._event_time_ms = row.event_time_ms

    def finish(self) -> ReplayReport:
        """Wait for the last acknowledgement; tells and returns the end."""
        self._producer.flush()
        report = self._report()
        self._on_progress(report)
        return report

    def _await_due(self, event_time_ms: int | None) -> bool:
        """False when stopped."""
        due = self._pace.due(event_time_ms)
        while True:
            now = time.monotonic()
            self._tell(now)
            if self._stop():
                return False
            if now >= due:
                return True
            time.sleep(min(NAP_SECONDS, due - now))

    def _await_room(self, partition: int, size: int) -> bool:
        """False when stopped."""
        if self._hold_back.admits(partition, size):
            return True
        held_at = time.monotonic()
        while not self._hold_back.admits(partition, size):
            if self._stop():
                return False
            time.sleep(NAP_SECONDS)
            self._tell(time.monotonic())
        held = time.monotonic() - held_at
        self._held_back_seconds += held
        self._pace.delay(held)
        return True

    def _tell(self, now: float) -> None:
        if now - self._told_at >= PROGRESS_SECONDS:
            self._told_at = now
            self._on_progress(self._report())

    def _report(self) -> ReplayReport:
        return ReplayReport(
            records=self._records,
            bytes=self._bytes,
            seconds=time.monotonic() - self._start,
            held_back_seconds=self._held_back_seconds,
            lag=self._hold_back.lag,
            event_time_ms=self._event_time_ms,
        )


def _size(key: bytes | None, value: bytes | None) -> int:
    return len(key or b"") + len(value or b"")


def _partitioner(partitions: int) -> Callable[[bytes | None], int]:
    """Kafka's default: murmur2 of the key; records without one take turns."""
    turns = count()

    @lru_cache(maxsize=200_000)  # the hash is in Python: 5 µs, as much as sending the record
    def of_key(key: bytes) -> int:
        return int(murmur2(key) & 0x7FFFFFFF) % partitions

    return lambda key: next(turns) % partitions if key is None else of_key(key)
