"""A shadow worker does everything but publish."""

import asyncio
import logging
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from fraudwatch.config.settings import Settings
from fraudwatch.stream import run_worker, worker

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]


def test_it_needs_only_its_source_scores_with_a_model_of_its_own_and_counts_what_it_withholds(
    settings: Settings, broker: Any, numbered: Numbered, start: Start
) -> None:
    broker.create_topics(2, only=(settings.source.topic,))
    settings = replace(settings, training=replace(settings.training, min_transactions=50))
    shadow = start(settings, "shadow")
    # Partition 0 stays empty: a shadow trains on what it has.
    broker.send([*numbered(1, 60), b"not JSON", *numbered(61, 62, "alert")], partition=1)
    shadow.until(lambda: "; model fitted-on-" in shadow.ask("/ready")[1])
    broker.send(numbered(63, 64, "alert"), partition=1)
    shadow.until(lambda: shadow.lines("live")[-1][4].startswith("fitted-on-"))
    shadow.until(lambda: shadow.shows("fraudwatch_shadow 1.0"))
    shadow.until(lambda: shadow.shows('fraudwatch_alerts_total{kind="alert",severity="low"} 4.0'))
    assert shadow.shows('fraudwatch_dead_letters_total{reason="not_json",stage="decode"} 1.0')
    assert shadow.end() == 0
    assert broker.committed(group=f"{settings.kafka.group}-shadow") == {1: 65}
    assert broker.committed() == {}


def test_what_the_source_cannot_feed_is_said_at_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def found(*_: Any, **__: Any) -> dict[str, int]:
        return {Settings().source.topic: 1}

    monkeypatch.setattr(worker, "look_at_cluster", found)
    monkeypatch.setattr(worker, "run_member", lambda *_: 0)
    parts: Any = SimpleNamespace(unfed=("distance", "new_device"))
    with caplog.at_level(logging.INFO):
        assert run_worker(Settings(), parts=parts, shadow=True) == 0
    assert "features without what they need of the source: distance, new_device" in caplog.text
    asyncio.set_event_loop(None)
