"""What came of each source, under its own name and no other."""

import pytest

from fraudwatch.metrics import IntakeMetrics


@pytest.fixture
def metrics() -> IntakeMetrics:
    return IntakeMetrics(["cards", "cash"], clock=lambda: 1_000.0)


def value(metrics: IntakeMetrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(f"fraudwatch_{name}", labels)


def test_a_batch_is_counted_by_source(metrics):
    dead = [("cash", "not_csv"), ("cash", "not_csv")]
    metrics.batch({"cards": 3, "cash": 4}, {"cards": 3, "cash": 4}, dead, {"cards": 5_000})
    metrics.batch({"cards": 1}, {"cards": 2}, [], {"cards": 4_000})
    assert value(metrics, "source_records_total", source="cards") == 4
    assert value(metrics, "source_transactions_total", source="cards") == 5
    assert value(metrics, "source_records_total", source="cash") == 4
    assert value(metrics, "source_dead_letters_total", source="cash", reason="not_csv") == 2
    assert value(metrics, "source_dead_letters_total", source="cards", reason="not_csv") == 0
    assert value(metrics, "last_progress_timestamp_seconds") == 1_000


def test_the_newest_event_time_never_goes_back(metrics):
    metrics.batch({"cards": 1}, {"cards": 1}, [], {"cards": 5_000})
    metrics.batch({"cards": 1}, {"cards": 1}, [], {"cards": 4_000})
    assert value(metrics, "source_newest_event_time_seconds", source="cards") == 5
    assert value(metrics, "source_newest_event_time_seconds", source="cash") == 0


def test_every_source_is_there_from_the_start(metrics):
    assert value(metrics, "source_records_total", source="cash") == 0
    assert value(metrics, "source_silent", source="cash") == 0


def test_silence_and_lag_are_shown(metrics):
    metrics.looked("cash", quiet_seconds=90.0, lag_records=7, lag_seconds=12.5)
    metrics.judged("cash", is_silent=True, is_lagging=False)
    assert value(metrics, "source_seconds_since_record", source="cash") == 90
    assert value(metrics, "source_lag_records", source="cash") == 7
    assert value(metrics, "source_lag_seconds", source="cash") == 12.5
    assert value(metrics, "source_silent", source="cash") == 1
    assert value(metrics, "source_lagging", source="cash") == 0


def test_no_other_reason_becomes_a_series(metrics):
    with pytest.raises(ValueError, match="found 'because'"):
        metrics.batch({}, {}, [("cash", "because")], {})
