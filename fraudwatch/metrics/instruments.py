"""Every number fraudwatch shows of itself, in base units. docs/metrics.md lists them, under test."""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping
from threading import Lock

import numpy as np
import numpy.typing as npt
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from fraudwatch.metrics import labels
from fraudwatch.metrics.histogram import BulkHistogram
from fraudwatch.metrics.models import ModelMetrics
from fraudwatch.metrics.snapshots import SnapshotMetrics

# A creation time beside each counter doubles the series, and Prometheus finds resets without it.
disable_created_metrics()  # type: ignore[no-untyped-call]

Numbers = npt.NDArray[np.float64] | npt.NDArray[np.int64]

# A batch takes milliseconds; a fit beside it or a slow broker, seconds.
STAGE_BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
# Powers of two up to the largest batch the settings allow.
BATCH_BOUNDS = (1, 4, 16, 64, 128, 256, 512, 1024, 2048, 4096, 10_000)
# From a live stream (under a second) to a replay of last week; what is older is in +Inf.
DELAY_BOUNDS = (
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
    300,
    900,
    3600,
    21_600,
    86_400,
    604_800,
)
# Scores are sums of −log10 of tail probabilities: ordinary below 2, alerts usually between 3 and 10.
SCORE_BOUNDS = (0, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 10, 12, 15, 20)


class Metrics:
    """The instruments of one worker. Each method is called once per batch or event, never once per record.

    `registry` None makes an own one (`.registry`), so that two workers in one process do not share numbers.
    A label value outside fraudwatch.metrics.labels raises ValueError: it is a defect of ours.
    """

    def __init__(
        self, registry: CollectorRegistry | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.registry = CollectorRegistry() if registry is None else registry
        self._clock = clock
        self._lock = Lock()
        self._newest_event_time_ms: int | None = None
        self._trained_until_ms: int | None = None
        self._version: str | None = None
        self._budgets: dict[tuple[str, str], float] = {}
        ProcessCollector(registry=self.registry)
        self._make_record_counts()
        self._make_alert_counts()
        self._make_gauges()
        self.snapshots = SnapshotMetrics(self.registry)
        self.models = ModelMetrics(self.registry)

    def _make_record_counts(self) -> None:
        self._records_read = self._counter("records_read_total", "Records taken from the source.")
        self._records = self._counter(
            "records_total", "Transactions assessed, by outcome.", outcome=dict.fromkeys(labels.OUTCOME_CODES)
        )
        self._unscored = self._counter(
            "unscored_total", "Transactions left unscored, by cause.", cause=labels.UNSCORED_CAUSES.values()
        )
        self._dead_letters = Counter(
            "fraudwatch_dead_letters_total",
            "Records that could not be processed, by stage and reason.",
            ["stage", "reason"],
            registry=self.registry,
        )
        for reason in labels.DEAD_LETTER_REASONS:
            self._dead_letters.labels("pipeline" if reason == "internal" else "decode", reason)
        self._conflicts = self._counter(
            "conflicts_total", "Duplicates whose content differs from the first transaction of that id."
        )
        self._evicted = self._counter(
            "accounts_evicted_total", "Accounts let go of because there were more than features.max_accounts."
        )
        self._returned = self._counter(
            "accounts_returned_total", "Accounts seen again after they were let go of: their history is lost."
        )
        self._acknowledged = BulkHistogram(
            "fraudwatch_acknowledged_seconds",
            "Seconds from the Kafka timestamp of a record to its acknowledgement.",
            DELAY_BOUNDS,
            self.registry,
        )
        self._restored = self._counter(
            "restored_records_total", "Records folded into history on assignment, without alerts."
        )
        self._stage_seconds = BulkHistogram(
            "fraudwatch_stage_seconds",
            "Seconds a batch spent in each stage.",
            STAGE_BOUNDS,
            self.registry,
            label="stage",
            label_values=labels.STAGES,
        )
        self._batch_records = BulkHistogram(
            "fraudwatch_batch_records", "Records in a batch.", BATCH_BOUNDS, self.registry
        )
        self._scores = BulkHistogram(
            "fraudwatch_score",
            "Scores of scored transactions; higher is stranger.",
            SCORE_BOUNDS,
            self.registry,
        )

    def _make_alert_counts(self) -> None:
        self._alerts = Counter(
            "fraudwatch_alerts_total",
            "Alerts published, by severity, and whether they open an episode, update one or are a sample.",
            ["severity", "kind"],
            registry=self.registry,
        )
        for severity in labels.SEVERITIES:
            for kind in labels.KINDS:
                self._alerts.labels(severity, kind)
        self._queue_alerts = Counter(
            "fraudwatch_queue_alerts_total",
            "Alerts that opened an episode or are a sample, by queue and lane.",
            ["queue", "lane"],
            registry=self.registry,
        )
        self._queue_budget = self._gauge(
            "queue_budget_per_day", "Alerts a day that are budgeted for a queue or lane.", "queue", "lane"
        )
        self._alerts_cut = self._counter(
            "alerts_cut_total", "Episodes above the edge that the ceiling of the budget held back."
        )
        self._event_to_alert = BulkHistogram(
            "fraudwatch_event_to_alert_seconds",
            "Seconds from the event time of a transaction to its published alert.",
            DELAY_BOUNDS,
            self.registry,
        )
        self._ingest_to_alert = BulkHistogram(
            "fraudwatch_ingest_to_alert_seconds",
            "Seconds from the Kafka timestamp of a record to its published alert.",
            DELAY_BOUNDS,
            self.registry,
        )

    def _make_gauges(self) -> None:
        self._lag_records = self._gauge("lag_records", "Records waiting in the partition.", "partition")
        self._lag_seconds = self._gauge(
            "lag_seconds",
            "Seconds between the Kafka timestamp of the last handled record and now; 0 at the end.",
            "partition",
        )
        self._edge = self._gauge("edge", "Score from which an alert is raised.", "partition")
        self._budget = self._gauge("alert_budget_per_day", "Alerts a day that investigators can work.")
        self._model_info = self._gauge("model_info", "1 for the model in use.", "version")
        self._model_age = self._gauge(
            "model_age_seconds", "Event time passed since the end of the sample the model was fitted on."
        )
        self._model_state = self._gauge("model_state", "0 no model yet (warming up), 1 a model is in use.")
        self._training_progress = self._gauge(
            "training_progress_ratio", "How far the training sample has come: 0 to 1."
        )
        self._refused_models = self._counter(
            "refused_models_total", "Model artefacts that were damaged or did not fit."
        )
        self._failed_fits = self._counter("failed_fits_total", "Fits of a model that failed.")
        self._dispositions = self._gauge(
            "dispositions", "Verdicts and reports that stand on the dispositions topic.", "verdict"
        )
        for verdict in labels.VERDICTS:
            self._dispositions.labels(verdict)
        self._refused_dispositions = self._counter(
            "refused_dispositions_total", "Messages of the dispositions topic that are none."
        )
        self._misplaced = self._gauge(
            "misplaced_accounts", "Accounts seen in two partitions, each with a part of their history."
        )
        self._shadow = self._gauge("shadow", "1 where nothing is published: alerts are counted only.")
        self._last_progress = self._gauge(
            "last_progress_timestamp_seconds", "When the worker last finished a batch; 0 before the first."
        )

    def _counter(self, name: str, documentation: str, **label: Iterable[str]) -> Counter:
        counter = Counter(f"fraudwatch_{name}", documentation, list(label), registry=self.registry)
        for values in label.values():
            for value in values:
                counter.labels(
                    value
                )  # a series that is there from the start has no gap before its first count
        return counter

    def _gauge(self, name: str, documentation: str, *label_names: str) -> Gauge:
        return Gauge(f"fraudwatch_{name}", documentation, label_names, registry=self.registry)

    def expose(self, encode: Callable[[CollectorRegistry], bytes] = generate_latest) -> bytes:
        """All series as Prometheus reads them, in the text format unless another encoder is given."""
        with self._lock:
            return encode(self.registry)

    def batch(
        self,
        *,
        records: int,
        outcomes: Numbers,
        scores: Numbers,
        dead_letters: Iterable[tuple[str, str]] = (),
        stage_seconds: Mapping[str, float],
        newest_event_time_ms: int | None = None,
    ) -> None:
        """One batch was handled to its end.

        `records` is what was taken from the source; `outcomes` is int64[5], how many of each code of
        `fraudwatch.records.Outcome` (np.bincount with minlength 5); `scores` is float64[n], NaN where there
        is none; `dead_letters` are pairs of stage and reason; `stage_seconds` has keys of labels.STAGES.
        """
        dead = _tally(dead_letters, labels.DEAD_LETTER_STAGES, labels.DEAD_LETTER_REASONS)
        # A scrape sees a batch whole: records read are always those accounted for.
        with self._lock:
            self._records_read.inc(records)
            for code, count in enumerate(outcomes.tolist()):
                self._records.labels(labels.OUTCOME_CODES[code]).inc(count)
                if code in labels.UNSCORED_CAUSES:
                    self._unscored.labels(labels.UNSCORED_CAUSES[code]).inc(count)
            for stage_and_reason, count in dead.items():
                self._dead_letters.labels(*stage_and_reason).inc(count)
        self._batch_records.observe([records])
        self._scores.observe(scores)
        self._stage_seconds.observe_each(stage_seconds)
        self._last_progress.set(self._clock())
        if newest_event_time_ms is not None:
            self._newest_event_time_ms = max(self._newest_event_time_ms or 0, newest_event_time_ms)
            self._set_model_age()

    def alerts(
        self,
        kinds: Iterable[tuple[str, str]],
        *,
        opened_by: Iterable[tuple[str, str]] = (),
        event_time_ms: npt.ArrayLike,
        ingest_time_ms: npt.ArrayLike,
    ) -> None:
        """Alerts were acknowledged by the broker, just now.

        `kinds` are pairs of severity (labels.SEVERITIES) and kind (labels.KINDS), one for each alert; `opened_by` are
        pairs of queue (labels.QUEUES) and lane, one for each that is not an update. The two times are those of the
        transaction behind each alert, int64[n] milliseconds since 1970: its event time and its Kafka timestamp
        (negative where there is none: not observed).
        """
        for severity_and_kind, count in _tally(kinds, labels.SEVERITIES, labels.KINDS).items():
            self._alerts.labels(*severity_and_kind).inc(count)
        for queue_and_lane, count in Tally(opened_by).items():
            self._queue_alerts.labels(*_of_queues(queue_and_lane)).inc(count)
        now = self._clock()
        self._event_to_alert.observe(now - np.asarray(event_time_ms, dtype=np.float64) / 1000)
        ingested = np.asarray(ingest_time_ms, dtype=np.float64)
        self._ingest_to_alert.observe(now - ingested[ingested >= 0] / 1000)

    def alerts_cut(self, count: int) -> None:
        """So many episodes above the edge were held back by the ceiling of the budget."""
        self._alerts_cut.inc(count)

    def conflicts(self, count: int) -> None:
        """So many duplicates differed from the first transaction of their id."""
        self._conflicts.inc(count)

    def accounts_let_go(self, evicted: int, returned: int) -> None:
        """So many accounts were let go of, and so many of those that ever were have been seen again."""
        self._evicted.inc(evicted)
        self._returned.inc(returned)

    def acknowledged(self, timestamps_ms: npt.ArrayLike) -> None:
        """Records with these Kafka timestamps, int64[n] (negative: none), were acknowledged just now."""
        taken = np.asarray(timestamps_ms, dtype=np.float64)
        self._acknowledged.observe(self._clock() - taken[taken >= 0] / 1000)

    def restored(self, records: int) -> None:
        """So many records were folded into history without publishing."""
        self._restored.inc(records)

    def lag(self, partition: int, records: int, seconds: float) -> None:
        """So many records wait in the partition, the last handled one being so many seconds old."""
        self._lag_records.labels(str(partition)).set(records)
        self._lag_seconds.labels(str(partition)).set(seconds)

    def edge(self, partition: int, score: float) -> None:
        """The score from which an alert is raised in this partition."""
        self._edge.labels(str(partition)).set(score)

    def budget(self, alerts_per_day: float) -> None:
        """The alerts a day that the settings ask for."""
        self._budget.set(alerts_per_day)

    def queues(self, budgets: Mapping[tuple[str, str], float]) -> None:
        """So many alerts a day are budgeted for each pair of queue and lane; the lane of the amount queue is ""."""
        if budgets == self._budgets:
            return
        for queue_and_lane in self._budgets.keys() | budgets.keys():
            self._queue_alerts.labels(*_of_queues(queue_and_lane))
            self._queue_budget.labels(*queue_and_lane).set(budgets.get(queue_and_lane, 0.0))
        self._budgets = dict(budgets)

    def model(self, version: str, trained_until_ms: int) -> None:
        """This model is in use from now on; its training sample ends at that event time."""
        if self._version is not None:
            self._model_info.remove(self._version)
        self._version = version
        self._trained_until_ms = trained_until_ms
        self._model_info.labels(version).set(1)
        self._model_state.set(1)
        self._training_progress.set(1)
        self._set_model_age()

    def refused_model(self) -> None:
        """A model artefact was damaged or did not fit."""
        self._refused_models.inc()

    def failed_fit(self) -> None:
        """A fit on the stream failed."""
        self._failed_fits.inc()

    def verdicts(self, verdict: str, change: int) -> None:
        """So many more dispositions with this verdict (labels.VERDICTS) stand; fewer where it is negative."""
        if verdict not in labels.VERDICTS:
            raise ValueError(f"expected one of {', '.join(labels.VERDICTS)}, found {verdict!r}")
        self._dispositions.labels(verdict).inc(change)

    def refused_disposition(self) -> None:
        """A message of the dispositions topic could not be read."""
        self._refused_dispositions.inc()

    def misplaced_accounts(self, count: int) -> None:
        """So many accounts are in two partitions."""
        self._misplaced.set(count)

    def shadow(self, is_shadow: bool) -> None:
        """Whether this worker publishes nothing."""
        self._shadow.set(is_shadow)

    def training_progress(self, ratio: float) -> None:
        """How far the training sample has come, 0 to 1."""
        self._training_progress.set(ratio)

    def forget(self, partition: int) -> None:
        """The partition went to another worker: its series end here."""
        for gauge in (self._lag_records, self._lag_seconds, self._edge):
            gauge.remove(str(partition))
        self.snapshots.forget(partition)
        self.models.forget(partition)

    def _set_model_age(self) -> None:
        if self._trained_until_ms is not None and self._newest_event_time_ms is not None:
            self._model_age.set(max(self._newest_event_time_ms - self._trained_until_ms, 0) / 1000)


def _of_queues(queue_and_lane: tuple[str, str]) -> tuple[str, str]:
    """The pair itself. Raises ValueError for another queue than there is."""
    if queue_and_lane[0] not in labels.QUEUES:
        raise ValueError(f"expected one of {', '.join(labels.QUEUES)}, found {queue_and_lane[0]!r}")
    return queue_and_lane


def _tally(
    pairs: Iterable[tuple[str, str]], first: tuple[str, ...], second: tuple[str, ...]
) -> Tally[tuple[str, str]]:
    """How often each pair occurs. Raises ValueError for a word outside its closed list."""
    tally = Tally(pairs)
    for pair in tally:
        for word, closed in zip(pair, (first, second), strict=True):
            if word not in closed:
                raise ValueError(f"expected one of {', '.join(closed)}, found {word!r}")
    return tally
