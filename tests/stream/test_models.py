"""Models on their topic as workers take them: the one in use, whole, and from one trainer to every worker."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from fraudwatch.config.settings import Settings
from fraudwatch.detection.versions import Bytes, to_messages

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]


def test_the_owner_of_partition_0_fits_publishes_and_every_worker_scores_with_that_model(
    settings: Settings, broker: Any, numbered: Numbered, start: Start, free_port: Callable[[], int]
) -> None:
    broker.create_topics(2)
    settings = replace(settings, training=replace(settings.training, min_transactions=100))
    first = start(settings)
    second = start(settings, metrics=replace(settings.metrics, port=free_port()))
    for worker in (first, second):
        worker.until(lambda worker=worker: worker.is_ready)
    broker.send(numbered(1, 99), partition=0)
    first.until(lambda: broker.committed().get(0) == 99)
    assert "warming up, 99%" in first.ask("/ready")[1] + second.ask("/ready")[1]
    broker.send(numbered(100, 150), partition=0)

    def both_use_it() -> bool:
        broker.send(numbered(1, 1), partition=0)
        broker.send(numbered(1, 1), partition=1)
        return all("; model fitted-on-" in worker.ask("/ready")[1] for worker in (first, second))

    def versions() -> set[str]:
        return {line[4] for line in first.lines("live")}

    first.until(both_use_it)
    assert "none" in versions()
    # In use is one thing, the first fold that says so a moment later another.
    first.until(lambda: len(versions()) == 2)
    third = start(settings, metrics=replace(settings.metrics, port=free_port()))
    third.until(lambda: third.is_ready)
    assert (versions() - {"none"}).pop() in third.ask("/ready")[1]


def test_a_damaged_model_is_refused_said_and_counted_and_the_one_before_stays(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    topic = settings.topics.models
    good = to_messages("good", Bytes(b'{"version": "good"}', bytes(2_000_000)))
    torn = to_messages("torn", Bytes(b'{"version": "torn"}', bytes(2_000_000)))
    del torn[1]
    broker.send_keyed(topic, [*good, *torn])
    worker = start(settings)
    worker.until(lambda: worker.is_ready)
    assert "; model good" in worker.ask("/ready")[1]
    assert "model torn: expected 3 chunks, chunk 1 is missing" in worker.said
    # The same while it runs: not JSON where a manifest should be, then a good one again.
    broken = to_messages("broken", Bytes(b"not JSON", b"arrays"))
    broker.send_keyed(topic, [*broken, *to_messages("better", Bytes(b'{"version": "better"}', b"arrays"))])
    worker.until(lambda: "model good stays in use" in worker.said)
    worker.until(lambda: "model better is in use" in worker.said)
    broker.send(numbered(1, 5))
    worker.until(lambda: [line[4] for line in worker.lines("live")][-1:] == ["better"])
    assert "; model better" in worker.ask("/ready")[1]
    assert "fraudwatch_refused_models_total 2.0" in worker.ask("/metrics")[1]


def test_a_failed_fit_is_said_and_the_worker_goes_on(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(1)
    training = replace(settings.training, min_transactions=100, sample=666)
    worker = start(replace(settings, training=training))
    broker.send(numbered(1, 120))
    worker.until(lambda: "no model yet, the next try is in 60 s: expected a better sample" in worker.said)
    assert worker.shows("fraudwatch_failed_fits_total 1.0")
    broker.send(numbered(121, 130))
    worker.until(lambda: broker.committed() == {0: 130})
