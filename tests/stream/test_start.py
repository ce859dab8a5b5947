"""What a worker says that cannot start, and that it says so soon, without a traceback."""

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from faust.transport import by_url
from yarl import URL

from fraudwatch.config.settings import Kafka, Settings, Stream
from fraudwatch.errors import BrokerError, ConfigurationError
from fraudwatch.stream import engine, record_batches, run_worker, transport
from fraudwatch.stream.app import build_app


def test_without_a_broker_the_message_names_the_address_and_what_to_do() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{holder.getsockname()[1]}"
    with pytest.raises(
        BrokerError, match=f"expected Kafka at {address}, found none .*refused.*: check that it"
    ):
        run_worker(Settings(kafka=Kafka(bootstrap_servers=address)), parts=no_parts())


def test_a_broker_that_accepts_and_says_nothing_is_given_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fraudwatch.stream.cluster.FIRST_ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(
            BrokerError, match=f"expected Kafka at {address}, which did not answer within 500ms"
        ):
            run_worker(Settings(kafka=Kafka(bootstrap_servers=address)), parts=no_parts())
    assert time.monotonic() - started < 5


def test_missing_topics_are_named_with_their_settings(settings: Settings, broker: Any) -> None:
    broker.create_topics(2, only=(settings.source.topic, settings.topics.review))
    with pytest.raises(BrokerError) as raised:
        run_worker(settings, parts=no_parts())
    assert f"{settings.topics.dead_letters} (topics.dead_letters)" in str(raised.value)
    assert f"{settings.topics.models} (topics.models)" in str(raised.value)
    assert f"{settings.source.topic} (source.topic)" not in str(raised.value)


def test_a_review_topic_with_fewer_partitions_than_the_source_is_refused(
    settings: Settings, broker: Any
) -> None:
    broker.create_topics(3, only=(settings.source.topic,))
    broker.create_topics(
        2,
        only=(
            settings.topics.review,
            settings.topics.dead_letters,
            settings.topics.models,
            settings.topics.dispositions,
        ),
    )
    with pytest.raises(BrokerError, match=r"expected at least the 3 partitions of .*, found 2"):
        run_worker(settings, parts=no_parts())


def test_a_commit_past_the_end_of_a_topic_made_anew_ends_the_worker_with_what_to_do(
    settings: Settings, broker: Any, start: Callable[..., Any]
) -> None:
    broker.create_topics(1)
    broker.commit({0: 500})
    worker = start(settings)
    assert worker.process.wait(30) == 1
    assert "expected the log to reach the committed offset 500, found its end at 0" in worker.said
    assert "Traceback" not in worker.said


def test_another_faust_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.importlib.metadata, "version", lambda name: "0.16.1")
    with pytest.raises(ConfigurationError, match=r"expected faust-streaming 0\.15\.x, found 0\.16\.1"):
        engine.require_known_faust()


def test_a_faust_without_a_name_we_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(transport.driver.AIOKafkaConsumerThread, "_fetch_records")
    with pytest.raises(ConfigurationError, match=r"without AIOKafkaConsumerThread\._fetch_records"):
        engine.require_known_faust()


def test_an_aiokafka_without_an_attribute_we_set_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(self: Any) -> None:
        self._fetch_min_bytes = 1

    monkeypatch.setattr(transport.Fetcher, "__init__", renamed)
    with pytest.raises(ConfigurationError, match=r"without Fetcher\._fetch_max_wait_ms, Fetcher\._records\."):
        engine.require_known_faust()


@pytest.mark.parametrize("copied", [TypeError("no default __reduce__"), (dict, ()), (dict, (), ({}, 0))])
def test_an_aiokafka_that_shows_no_bytes_is_refused(monkeypatch: pytest.MonkeyPatch, copied: Any) -> None:
    def reduce() -> Any:
        if isinstance(copied, Exception):
            raise copied
        return copied

    hidden = SimpleNamespace(__reduce__=reduce)
    monkeypatch.setattr(record_batches, "MemoryRecords", lambda content: hidden)
    with pytest.raises(ConfigurationError, match=r"without MemoryRecords\.__reduce__\."):
        engine.require_known_faust()


def test_any_faust_app_has_chunks_by_its_broker_url() -> None:
    assert by_url(URL("fraudwatch://localhost:9092")) is transport.ChunkTransport


@pytest.mark.parametrize(
    ("name", "way"), [("chunks", transport.ChunkTransport), ("stock", transport.Transport)]
)
def test_the_setting_chooses_the_transport(name: Literal["chunks", "stock"], way: type) -> None:
    loop = asyncio.new_event_loop()
    try:
        app = build_app(Settings(stream=Stream(transport=name)), loop)
        assert type(app.transport) is way
    finally:
        loop.close()


def test_nothing_of_kafka_is_touched_at_import() -> None:
    package = Path(engine.__file__).parent
    for module in package.glob("*.py"):
        assert "\napp = " not in module.read_text()


def no_parts() -> Any:
    """Parts that are never reached."""
    return SimpleNamespace(restore_pipeline=None)
