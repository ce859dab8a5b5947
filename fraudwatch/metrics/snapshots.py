"""What a worker tells of the snapshots it takes and of those it restores from."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from fraudwatch.metrics import labels
from fraudwatch.metrics.histogram import BulkHistogram

# The aim is 50 ms for 100,000 accounts; a partition has up to a few million.
HELD_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class SnapshotMetrics:
    """A part of `fraudwatch.metrics.Metrics`, on its registry. Each method is called once an event."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._taken_at = self._gauge(
            "timestamp_seconds", "When the newest snapshot of the partition was what its state was."
        )
        self._offset = self._gauge("offset", "First record of the log that is not in the newest snapshot.")
        self._bytes = self._gauge("bytes", "Size of the newest snapshot on its topic.")
        self._taken = self._counter("snapshots_total", "Snapshots written to their end.")
        self._written = self._counter("snapshot_bytes_written_total", "Bytes sent to the snapshots topic.")
        self._failed = self._counter("failed_snapshots_total", "Snapshots that could not be written.")
        self._held = BulkHistogram(
            "fraudwatch_snapshot_held_seconds",
            "Seconds the stream was held while the state was copied.",
            HELD_BOUNDS,
            registry,
        )
        self._read = self._counter("restored_bytes_total", "Bytes of snapshots read on assignment.")
        self._restores = Counter(
            "fraudwatch_restores_total",
            "Partitions whose state was made on assignment, by what it began with.",
            ["origin"],
            registry=registry,
        )
        for origin in labels.RESTORED_FROM:
            self._restores.labels(origin)
        self._degraded = self._counter(
            "degraded_restores_total",
            "Partitions that lost history: their log was trimmed before it was folded.",
        )
        self._damaged = self._counter(
            "damaged_snapshots_total", "Snapshots found that could not be used: damaged, or of another form."
        )
        self._dropped = self._counter(
            "dropped_blocks_total", "Parts of a snapshot left out because this version does not know them."
        )
        self._anew = self._counter(
            "blocks_begun_anew_total",
            "Parts of a restored state that the snapshot could not give: they began anew.",
        )

    def _gauge(self, name: str, documentation: str) -> Gauge:
        return Gauge(f"fraudwatch_snapshot_{name}", documentation, ["partition"], registry=self._registry)

    def _counter(self, name: str, documentation: str) -> Counter:
        return Counter(f"fraudwatch_{name}", documentation, registry=self._registry)

    def taken(self, partition: int, *, at_seconds: float, offset: int, size: int) -> None:
        """The newest snapshot of the partition, written or found: when it was taken, where, of how many bytes."""
        self._offset.labels(str(partition)).set(offset)
        self._bytes.labels(str(partition)).set(size)
        self.still_good(partition, at_seconds)

    def still_good(self, partition: int, at_seconds: float) -> None:
        """Nothing has come since the newest snapshot."""
        self._taken_at.labels(str(partition)).set(at_seconds)

    def wrote(self, size: int) -> None:
        """So many bytes were sent."""
        self._written.inc(size)

    def finished(self) -> None:
        """A snapshot was written to its end."""
        self._taken.inc()

    def failed(self) -> None:
        """A snapshot could not be written."""
        self._failed.inc()

    def held(self, seconds: float) -> None:
        """The stream was held for so long."""
        self._held.observe([seconds])

    def read(self, size: int) -> None:
        """So many bytes of a snapshot were read."""
        self._read.inc(size)

    def restored_from(self, origin: str) -> None:
        """A partition's state was made from this (labels.RESTORED_FROM)."""
        if origin not in labels.RESTORED_FROM:
            raise ValueError(f"expected one of {', '.join(labels.RESTORED_FROM)}, found {origin!r}")
        self._restores.labels(origin).inc()

    def degraded(self) -> None:
        """A partition lost history."""
        self._degraded.inc()

    def damaged(self) -> None:
        """A snapshot could not be used."""
        self._damaged.inc()

    def blocks(self, *, dropped: int, anew: int) -> None:
        """So many parts of a snapshot were left out, and so many began anew."""
        self._dropped.inc(dropped)
        self._anew.inc(anew)

    def forget(self, partition: int) -> None:
        """The partition went to another worker."""
        for gauge in (self._taken_at, self._offset, self._bytes):
            gauge.remove(str(partition))
