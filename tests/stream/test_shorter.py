"""An alert that a broker finds too large goes there without its lists: nothing stands still because of it."""

from collections.abc import Callable
from typing import Any

from fraudwatch.config.settings import Settings


def test_an_alert_too_large_for_the_topic_is_published_shorter_and_the_partition_goes_on(
    settings: Settings, broker: Any, numbered: Callable[..., list[bytes | None]], start: Callable[..., Any]
) -> None:
    broker.create_topics(1)
    broker.send([*numbered(1, 2, "alert"), *numbered(3, 3, "big_alert"), *numbered(4, 5, "alert")])
    worker = start(settings)
    worker.until(lambda: broker.committed() == {0: 5})
    alerts = {alert.key(): alert.value() for alert in broker.read(settings.topics.review)}
    assert set(alerts) == {b"alert-%d" % n for n in range(1, 6)}
    assert len(alerts[b"alert-3"]) < 1_000
    assert "is too large for" in worker.said
