"""A Kafka that is not there, or not itself, is one clear message within the request timeout."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from fraudwatch.broker import lag, replay, tail, topics
from fraudwatch.broker.admin import connection
from fraudwatch.broker.embedded import EmbeddedBroker
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Kafka, Settings
from fraudwatch.errors import BrokerError, ConfigurationError

TIMEOUT = Duration(500)

WAYS: dict[str, Callable[[Settings], object]] = {
    "compare": topics.compare,
    "apply": topics.apply,
    "lag": lag.group_lag,
    "tail": lambda settings: list(tail.tail(settings, "transactions", follow=True)),
    "replay": lambda settings: replay.replay(settings, []),
}


def settings_at(address: str, *, embedded: bool = False) -> Settings:
    return Settings(kafka=Kafka(bootstrap_servers=address, request_timeout=TIMEOUT, embedded=embedded))


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
    return port


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Takes connections and never answers, as a port of another protocol does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("way", WAYS)
def test_where_nothing_listens_the_address_and_the_remedy_are_told_at_once(
    way: str, closed_port: int
) -> None:
    address = f"127.0.0.1:{closed_port}"
    expected = f"expected Kafka at {address}, found none .*refused.*: check that it runs"
    with pytest.raises(BrokerError, match=expected):
        WAYS[way](settings_at(address))


@pytest.mark.parametrize("embedded", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_where_nobody_answers_it_is_told_within_the_request_timeout(
    way: str, embedded: bool, silent_port: int
) -> None:
    address = f"127.0.0.1:{silent_port}"
    begun = time.monotonic()
    threads = threading.active_count()
    expected = f"expected Kafka at {address}, which did not answer within 500ms: check that it runs"
    with pytest.raises(BrokerError, match=expected):
        WAYS[way](settings_at(address, embedded=embedded))
    assert time.monotonic() - begun < 5
    assert threading.active_count() == threads  # kafka-python's I/O thread is not left behind


@pytest.mark.parametrize("address", ["", "a:b", "host:1,", ":9092"])
def test_an_address_that_is_none_is_a_matter_of_configuration(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"kafka\.bootstrap_servers: expected host:port"):
        topics.compare(settings_at(address))


def test_addresses_may_leave_out_the_port_and_be_of_either_protocol() -> None:
    servers = connection(Kafka(bootstrap_servers="one, two:1234,[::1]:9093"))["bootstrap_servers"]
    assert servers == ["one:9092", "two:1234", "[::1]:9093"]


def test_one_address_that_answers_is_enough(closed_port: int) -> None:
    with EmbeddedBroker() as broker:
        both = f"127.0.0.1:{closed_port},{broker.bootstrap_servers}"
        assert len(topics.compare(settings_at(both, embedded=True))) == 6
