"""The numbers of an intake process: what came of each source, and how far behind it is."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, generate_latest

from fraudwatch.metrics import labels


class IntakeMetrics:
    """The label `source` has the names of the configuration and no others.

    Lag is that of the partitions this process holds: added up over the members of the group it is the whole.
    """

    def __init__(
        self,
        sources: Sequence[str],
        registry: CollectorRegistry | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._sources = tuple(sources)
        self._clock = clock
        self._lock = Lock()
        self._newest_event_time_ms = dict.fromkeys(sources, 0)
        ProcessCollector(registry=self.registry)
        self._records = self._counter("records", "Records read from the source.")
        self._transactions = self._counter("transactions", "Transactions written to the log.")
        self._dead_letters = Counter(
            "fraudwatch_source_dead_letters_total",
            "Records of the source that could not be processed, by reason.",
            ["source", "reason"],
            registry=self.registry,
        )
        for source in sources:
            for reason in labels.DEAD_LETTER_REASONS:
                self._dead_letters.labels(source, reason)
        self._newest = self._gauge(
            "newest_event_time_seconds", "Newest event time read, since 1970; 0 before the first."
        )
        self._quiet_seconds = self._gauge(
            "seconds_since_record", "Seconds since the source last grew, as far as this process has seen."
        )
        self._lag_records = self._gauge("lag_records", "Records of the source that wait.")
        self._lag_seconds = self._gauge(
            "lag_seconds",
            "Seconds between the Kafka timestamp of the last handled record and now; 0 at the end.",
        )
        self._silent = self._gauge("silent", "1 while the source has no records for its silent_after.")
        self._lagging = self._gauge("lagging", "1 while records of the source wait for its silent_after.")
        self._last_progress = Gauge(
            "fraudwatch_last_progress_timestamp_seconds",
            "When intake last finished a batch; 0 before the first.",
            registry=self.registry,
        )

    def _counter(self, name: str, documentation: str) -> Counter:
        counter = Counter(
            f"fraudwatch_source_{name}_total", documentation, ["source"], registry=self.registry
        )
        for source in self._sources:
            counter.labels(source)
        return counter

    def _gauge(self, name: str, documentation: str) -> Gauge:
        gauge = Gauge(f"fraudwatch_source_{name}", documentation, ["source"], registry=self.registry)
        for source in self._sources:
            gauge.labels(source)
        return gauge

    def expose(self, encode: Callable[[CollectorRegistry], bytes] = generate_latest) -> bytes:
        """All series as Prometheus reads them, in the text format unless another encoder is given."""
        with self._lock:
            return encode(self.registry)

    def batch(
        self,
        records: Mapping[str, int],
        transactions: Mapping[str, int],
        dead_letters: Iterable[tuple[str, str]],
        newest_event_time_ms: Mapping[str, int],
    ) -> None:
        """One batch was written to its end; each by source, dead letters as pairs of source and reason."""
        # A scrape sees a batch whole.
        with self._lock:
            for source, count in records.items():
                self._records.labels(source).inc(count)
            for source, count in transactions.items():
                self._transactions.labels(source).inc(count)
            for source, reason in dead_letters:
                if reason not in labels.DEAD_LETTER_REASONS:
                    raise ValueError(f"expected a reason of a dead letter, found {reason!r}")
                self._dead_letters.labels(source, reason).inc()
            for source, time_ms in newest_event_time_ms.items():
                newest = max(time_ms, self._newest_event_time_ms[source])
                self._newest_event_time_ms[source] = newest
                self._newest.labels(source).set(newest / 1000)
        self._last_progress.set(self._clock())

    def looked(self, source: str, *, quiet_seconds: float, lag_records: int, lag_seconds: float) -> None:
        """How long the source has been without records, and what waits of it."""
        self._quiet_seconds.labels(source).set(quiet_seconds)
        self._lag_records.labels(source).set(lag_records)
        self._lag_seconds.labels(source).set(lag_seconds)

    def judged(self, source: str, *, is_silent: bool, is_lagging: bool) -> None:
        """What is to be said of the source by its own setting."""
        self._silent.labels(source).set(is_silent)
        self._lagging.labels(source).set(is_lagging)
