"""What a worker tells of how its model was come by, and of how well it still describes the stream."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from fraudwatch.metrics import labels


class ModelMetrics:
    """A part of `fraudwatch.metrics.Metrics`, on its registry. Each method is called once an event."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._drift = Gauge(
            "fraudwatch_drift_psi",
            "How far the last days are from the sample of the model in use (PSI), by score and theme.",
            ["partition", "of"],
            registry=registry,
        )
        self._degraded = Gauge(
            "fraudwatch_model_degraded",
            "1 where the model no longer describes the stream of the partition.",
            ["partition"],
            registry=registry,
        )
        self._fits = Counter(
            "fraudwatch_fits_total",
            "Models fitted on the stream, by occasion.",
            ["occasion"],
            registry=registry,
        )
        for occasion in labels.OCCASIONS:
            self._fits.labels(occasion)
        self._decisions = Counter(
            "fraudwatch_model_decisions_total",
            "Models fitted anew about which was decided after their trial in shadow.",
            ["decision"],
            registry=registry,
        )
        for decision in labels.MODEL_DECISIONS:
            self._decisions.labels(decision)

        self._trial = Gauge(
            "fraudwatch_trial_alerts",
            "Alerts of the accounts on trial: the new model's only (newly), those in use only (no_longer), the same.",
            ["partition", "queue", "change"],
            registry=registry,
        )

    def drift(self, partition: int, psi: Mapping[str, float], *, is_degraded: bool) -> None:
        """What the last window said; nothing of it (`psi` is empty) as long as there was no whole one."""
        for of in labels.DRIFT_OF:
            if of in psi:
                self._drift.labels(str(partition), of).set(psi[of])
            else:
                self._drift.remove(str(partition), of)
        self._degraded.labels(str(partition)).set(is_degraded)

    def fitted(self, occasion: str) -> None:
        """A fit has ended well (labels.OCCASIONS)."""
        if occasion not in labels.OCCASIONS:
            raise ValueError(f"expected one of {', '.join(labels.OCCASIONS)}, found {occasion!r}")
        self._fits.labels(occasion).inc()

    def decided(self, *, promoted: bool) -> None:
        """A model fitted anew was put in use, or kept out."""
        self._decisions.labels(labels.MODEL_DECISIONS[not promoted]).inc()

    def trial(self, partition: int, changes: Mapping[tuple[str, str], int]) -> None:
        """How many alerts there are so far in a trial, by kind (labels.TRIAL_KINDS) and queue."""
        for change, queue in changes:
            if change not in labels.TRIAL_KINDS or queue not in labels.QUEUES:
                raise ValueError(f"expected a kind of alerts and a queue, found {change!r} and {queue!r}")
        for queue in labels.QUEUES:
            for change in labels.TRIAL_KINDS:
                self._trial.labels(str(partition), queue, change).set(changes.get((change, queue), 0))

    def trial_ended(self, partition: int) -> None:
        """Nothing is on trial there."""
        for queue in labels.QUEUES:
            for change in labels.TRIAL_KINDS:
                self._trial.remove(str(partition), queue, change)

    def forget(self, partition: int) -> None:
        """The partition went to another worker."""
        self.trial_ended(partition)
        self._degraded.remove(str(partition))
        for of in labels.DRIFT_OF:
            self._drift.remove(str(partition), of)
