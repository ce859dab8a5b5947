"""One call a batch moves the right series, and no other."""

import sys
import threading
import tracemalloc

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from fraudwatch.metrics import Metrics, read_sample
from fraudwatch.records import Outcome


class Clock:
    """A clock that a test sets."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(clock=Clock(1_000.0))


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"fraudwatch_{name}", labels)


def one_batch(metrics: Metrics, **changes) -> None:
    given = {"records": 0, "outcomes": np.zeros(5, np.int64), "scores": np.empty(0), "stage_seconds": {}}
    metrics.batch(**(given | changes))


def test_outcomes_are_counted_by_their_word_and_unscored_by_its_cause(metrics):
    codes = (
        [Outcome.SCORED] * 5
        + [Outcome.UNSCORED_NO_MODEL] * 2
        + [Outcome.UNSCORED_YOUNG_ACCOUNT]
        + [Outcome.LATE]
    )
    outcomes = np.bincount([code.value for code in codes], minlength=len(Outcome))
    one_batch(metrics, records=9, outcomes=outcomes)
    counted = {
        word: value(metrics, "records_total", outcome=word)
        for word in ("scored", "unscored", "duplicate", "late")
    }
    assert counted == {"scored": 5, "unscored": 3, "duplicate": 0, "late": 1}
    assert value(metrics, "unscored_total", cause="no_model") == 2
    assert value(metrics, "unscored_total", cause="young_account") == 1


def test_records_read_are_counted_apart_so_that_a_lost_one_shows(metrics):
    one_batch(metrics, records=4, outcomes=np.array([3, 0, 0, 0, 0]), dead_letters=[("decode", "not_json")])
    one_batch(metrics, records=2, outcomes=np.array([1, 0, 0, 1, 0]))
    samples = read_sample(metrics.expose().decode())
    assessed = sum(number for _, number in samples["fraudwatch_records_total"])
    dead = sum(number for _, number in samples["fraudwatch_dead_letters_total"])
    assert assessed + dead == value(metrics, "records_read_total") == 6


def test_a_scrape_never_sees_half_a_batch(metrics):
    def accounted_for() -> bool:
        samples = read_sample(metrics.expose().decode())
        counted = samples["fraudwatch_records_total"] + samples["fraudwatch_dead_letters_total"]
        return sum(number for _, number in counted) == samples["fraudwatch_records_read_total"][0][1]

    def count() -> None:
        for _ in range(200):
            one_batch(
                metrics, records=3, outcomes=np.array([1, 0, 0, 1, 0]), dead_letters=[("decode", "empty")]
            )

    counting = threading.Thread(target=count)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        counting.start()
        seen = [accounted_for() for _ in range(10)]
    finally:
        sys.setswitchinterval(interval)
        counting.join()
    assert all(seen)


def test_dead_letters_are_counted_by_stage_and_reason(metrics):
    one_batch(metrics, records=3, dead_letters=[("decode", "currency")] * 2 + [("pipeline", "internal")])
    assert value(metrics, "dead_letters_total", stage="decode", reason="currency") == 2
    assert value(metrics, "dead_letters_total", stage="pipeline", reason="internal") == 1


def test_scores_that_are_missing_are_no_scores(metrics):
    one_batch(metrics, records=3, scores=np.array([0.1, np.nan, 7.5]))
    assert value(metrics, "score_count") == 2
    assert value(metrics, "score_bucket", le="0.25") == 1
    assert value(metrics, "score_bucket", le="7.0") == 1
    assert value(metrics, "score_bucket", le="8.0") == 2


def test_stages_and_batch_sizes_are_observed_once_a_batch(metrics):
    for _ in range(3):
        one_batch(metrics, records=100, stage_seconds={"decode": 0.002, "features": 0.2})
    assert value(metrics, "stage_seconds_count", stage="decode") == 3
    assert value(metrics, "stage_seconds_sum", stage="features") == pytest.approx(0.6)
    assert value(metrics, "stage_seconds_count", stage="publish") == 0
    assert value(metrics, "batch_records_bucket", le="64.0") == 0
    assert value(metrics, "batch_records_bucket", le="128.0") == 3


def test_progress_is_the_time_of_the_last_batch(metrics):
    assert value(metrics, "last_progress_timestamp_seconds") == 0
    one_batch(metrics)
    assert value(metrics, "last_progress_timestamp_seconds") == 1_000.0


def test_alerts_are_counted_by_severity_and_kind_and_timed_from_event_and_ingest(metrics):
    metrics.alerts(
        [("high", "alert"), ("high", "alert"), ("low", "sample")],
        event_time_ms=[0, 999_000, 400_000],
        ingest_time_ms=[999_900, 999_000, -1],
    )
    assert value(metrics, "alerts_total", severity="high", kind="alert") == 2
    assert value(metrics, "alerts_total", severity="low", kind="sample") == 1
    assert value(metrics, "alerts_total", severity="medium", kind="update") == 0
    assert value(metrics, "event_to_alert_seconds_sum") == pytest.approx(1000 + 1 + 600)
    # A record that never was in Kafka has no ingest time.
    assert value(metrics, "ingest_to_alert_seconds_count") == 2
    assert value(metrics, "ingest_to_alert_seconds_sum") == pytest.approx(1.1)


def test_openings_are_counted_by_queue_and_lane_beside_what_is_budgeted(metrics):
    budgets = {("amount", ""): 21.0, ("typology", "testing"): 9.5, ("typology", "fan_out"): 9.5}
    metrics.queues(budgets)
    metrics.alerts(
        [("low", "alert"), ("low", "update"), ("low", "sample")],
        opened_by=[("typology", "testing"), ("amount", "")],
        event_time_ms=[0, 0, 0],
        ingest_time_ms=[0, 0, 0],
    )
    counted = {key: value(metrics, "queue_alerts_total", queue=key[0], lane=key[1]) for key in budgets}
    assert counted == {("amount", ""): 1, ("typology", "testing"): 1, ("typology", "fan_out"): 0}
    assert {
        key: value(metrics, "queue_budget_per_day", queue=key[0], lane=key[1]) for key in budgets
    } == budgets


def test_a_lane_that_a_new_model_has_no_more_has_no_budget(metrics):
    metrics.queues({("amount", ""): 20.0, ("typology", "testing"): 20.0})
    metrics.queues({("amount", ""): 40.0})
    assert value(metrics, "queue_budget_per_day", queue="typology", lane="testing") == 0
    assert value(metrics, "queue_budget_per_day", queue="amount", lane="") == 40


def test_another_queue_than_there_is_is_refused(metrics):
    with pytest.raises(ValueError, match="expected one of amount, typology, found 'third'"):
        metrics.queues({("third", ""): 1.0})
    with pytest.raises(ValueError, match="found 'third'"):
        metrics.alerts([], opened_by=[("third", "")], event_time_ms=[], ingest_time_ms=[])


def test_no_alerts_move_nothing(metrics):
    metrics.alerts([], event_time_ms=[], ingest_time_ms=[])
    assert value(metrics, "event_to_alert_seconds_count") == 0


def test_a_new_model_replaces_the_one_before(metrics):
    assert value(metrics, "model_state") == 0
    metrics.training_progress(0.4)
    assert value(metrics, "training_progress_ratio") == 0.4
    metrics.model("first", 0)
    metrics.model("second", 0)
    assert value(metrics, "model_info", version="first") is None
    assert value(metrics, "model_info", version="second") == 1
    assert value(metrics, "model_state") == 1
    assert value(metrics, "training_progress_ratio") == 1


def test_the_age_of_a_model_is_event_time_and_follows_the_newest(metrics):
    metrics.model("a", 10_000)
    assert value(metrics, "model_age_seconds") == 0
    one_batch(metrics, newest_event_time_ms=70_000)
    one_batch(metrics, newest_event_time_ms=30_000)
    assert value(metrics, "model_age_seconds") == 60
    metrics.model("b", 65_000)
    assert value(metrics, "model_age_seconds") == 5


def test_a_partition_that_went_to_another_worker_is_forgotten(metrics):
    for partition in (0, 1):
        metrics.lag(partition, 7, 0.5)
        metrics.edge(partition, 3.0)
    metrics.forget(1)
    metrics.forget(2)  # never seen
    assert value(metrics, "lag_records", partition="0") == 7
    assert value(metrics, "lag_seconds", partition="0") == 0.5
    for name in ("lag_records", "lag_seconds", "edge"):
        assert value(metrics, name, partition="1") is None


def test_the_small_counts_and_gauges_say_what_they_were_told(metrics):
    metrics.alerts_cut(2)
    metrics.conflicts(3)
    metrics.restored(4)
    metrics.accounts_let_go(5, 6)
    metrics.refused_model()
    metrics.budget(40.0)
    names = ("alerts_cut_total", "conflicts_total", "restored_records_total", "refused_models_total")
    assert [value(metrics, name) for name in names] == [2, 3, 4, 1]
    assert [value(metrics, f"accounts_{name}_total") for name in ("evicted", "returned")] == [5, 6]
    assert value(metrics, "alert_budget_per_day") == 40


def test_the_way_to_the_acknowledgement_is_measured_where_kafka_gave_a_time(metrics):
    metrics.acknowledged(np.array([999_980, 999_000, -1]))
    assert value(metrics, "acknowledged_seconds_count") == 2
    assert value(metrics, "acknowledged_seconds_sum") == pytest.approx(1.02)
    assert value(metrics, "acknowledged_seconds_bucket", le="0.025") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"dead_letters": [("decode", "account 4711")]},
        {"dead_letters": [("features", "internal")]},
        {"stage_seconds": {"lunch": 1.0}},
    ],
)
def test_a_label_value_that_is_not_declared_is_a_defect(metrics, wrong):
    with pytest.raises(ValueError, match="expected one of"):
        one_batch(metrics, **wrong)


@pytest.mark.parametrize("kind", [("critical", "alert"), ("high", "news")])
def test_an_alert_of_an_undeclared_severity_or_kind_is_a_defect(metrics, kind):
    with pytest.raises(ValueError, match="expected one of"):
        metrics.alerts([kind], event_time_ms=[0], ingest_time_ms=[0])


def test_two_workers_in_one_process_do_not_share_numbers():
    first, second = Metrics(), Metrics()
    one_batch(first, records=5)
    assert value(second, "records_read_total") == 0


def test_a_registry_of_ones_own_can_be_given():
    registry = CollectorRegistry()
    assert Metrics(registry).registry is registry


def test_counters_are_exposed_from_the_start_and_without_creation_times(metrics):
    samples = read_sample(metrics.expose().decode())
    assert len(samples["fraudwatch_records_total"]) == 4
    assert len(samples["fraudwatch_alerts_total"]) == 9
    assert not [name for name in samples if name.endswith("_created")]


def test_a_batch_is_counted_without_growing(metrics):
    def many(batches: int) -> None:
        for _ in range(batches):
            one_batch(metrics, records=512, scores=scores, dead_letters=[("decode", "empty")])
            metrics.alerts([("low", "alert")], event_time_ms=[0], ingest_time_ms=[0])

    scores = np.linspace(0, 20, 512)
    many(10)
    tracemalloc.start()
    many(100)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 50_000


def test_verdicts_go_up_and_down_and_no_other_word_becomes_a_series(metrics):
    metrics.verdicts("confirmed", 1)
    metrics.verdicts("confirmed", 1)
    metrics.verdicts("confirmed", -1)
    assert value(metrics, "dispositions", verdict="confirmed") == 1
    assert value(metrics, "dispositions", verdict="legitimate") == 0
    with pytest.raises(ValueError, match="found 'guilty'"):
        metrics.verdicts("guilty", 1)


def test_failed_fits_refused_dispositions_misplaced_accounts_and_shadow_are_shown(metrics):
    metrics.failed_fit()
    metrics.refused_disposition()
    metrics.misplaced_accounts(7)
    metrics.shadow(True)
    assert value(metrics, "failed_fits_total") == value(metrics, "refused_dispositions_total") == 1
    assert value(metrics, "misplaced_accounts") == 7
    assert value(metrics, "shadow") == 1
