"""/live and /ready: when they say yes and when not."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer

from fraudwatch.config.settings import Settings
from fraudwatch.stream.health import Health


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def a_worker() -> tuple[Health, Clock]:
    clock = Clock()
    return Health(60.0, clock), clock


def test_a_worker_at_the_end_of_its_log_is_live_for_ever() -> None:
    health, clock = a_worker()
    for _ in range(1_000):
        clock.now += 1
        health.looked({0: 0, 1: 0})
    assert health.live() == (True, "at the end of the log")


def test_a_worker_with_waiting_records_that_do_not_move_is_not_live() -> None:
    health, clock = a_worker()
    for _ in range(61):
        clock.now += 1
        health.looked({0: 0, 1: 7})
    is_live, why = health.live()
    assert not is_live
    assert why == "stalled: 7 records wait and nothing moved for 61 s"


def test_waiting_counts_from_the_first_waiting_record_not_from_the_last_batch() -> None:
    health, clock = a_worker()
    for _ in range(500):
        clock.now += 1
        health.looked({0: 0})
    clock.now += 1
    health.looked({0: 5})
    assert health.live()[0]


def test_a_worker_that_moves_is_live_however_much_waits() -> None:
    health, clock = a_worker()
    for _ in range(200):
        clock.now += 1
        health.looked({0: 1_000_000})
        health.moved()
    assert health.live() == (True, "moving: 1000000 records wait")


def test_a_watch_that_stands_still_is_not_live() -> None:
    health, clock = a_worker()
    health.looked({0: 0})
    clock.now += 61
    assert not health.live()[0]


def test_ready_needs_partitions_and_the_models_topic() -> None:
    health, _ = a_worker()
    assert health.ready() == (False, "waiting for partitions")
    health.assigned([0, 2])
    assert health.ready() == (False, "waiting for the models topic")
    health.is_prepared, health.state = True, "warming up, 3% of the training sample"
    assert health.ready() == (True, "partitions 0, 2; warming up, 3% of the training sample")
    health.revoked()
    assert not health.ready()[0]


def test_a_worker_shows_its_lag_and_what_it_handled(
    settings: Settings, broker: Any, numbered: Callable[..., list[bytes | None]], start: Callable[..., Any]
) -> None:
    broker.create_topics(1)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    broker.send([*numbered(1, 10), b"no", *numbered(11, 12, "alert")])
    worker.until(lambda: broker.committed() == {0: 13})
    worker.until(
        lambda: 'fraudwatch_lag_records{partition="0"} 0.0' in worker.ask("/metrics")[1].splitlines()
    )
    worker.until(lambda: worker.ask("/live") == (200, "at the end of the log\n"))
    shown = worker.ask("/metrics")[1].splitlines()
    assert "fraudwatch_records_read_total 13.0" in shown
    assert 'fraudwatch_dead_letters_total{reason="not_json",stage="decode"} 1.0' in shown
    assert "fraudwatch_ingest_to_alert_seconds_count 2.0" in shown
    broker.send(numbered(13, 30, "slow"))
    worker.until(
        lambda: 'fraudwatch_lag_records{partition="0"} 18.0' in worker.ask("/metrics")[1].splitlines()
    )
    assert worker.ask("/live")[1].startswith("moving: 18 records wait")


def test_a_log_that_ends_with_the_marker_of_a_transaction_is_at_its_end(
    settings: Settings, broker: Any, numbered: Callable[..., list[bytes | None]], start: Callable[..., Any]
) -> None:
    broker.create_topics(1)
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    producer = Producer(
        {"bootstrap.servers": settings.kafka.bootstrap_servers, "transactional.id": settings.kafka.group}
    )
    producer.init_transactions(20)
    producer.begin_transaction()
    for value in numbered(1, 10):
        producer.produce(settings.source.topic, value, b"account", 0)
    producer.commit_transaction(20)
    worker.until(lambda: broker.committed() == {0: 11})
    worker.until(lambda: worker.shows("fraudwatch_records_read_total 10.0"))
    worker.until(lambda: worker.shows('fraudwatch_lag_records{partition="0"} 0.0'))
    worker.until(lambda: worker.ask("/live") == (200, "at the end of the log\n"))
