"""The wire passes, delays, swallows and cuts."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from cluster import free_ports
from proxy import Proxy

SHORT_SECONDS = 0.3


@pytest.fixture
def server() -> Iterator[socket.socket]:
    """Answers every piece with itself, on one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                while piece := connection.recv(1_000):
                    connection.sendall(piece)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=[connection], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listening
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def wire(server: socket.socket) -> Iterator[Proxy]:
    proxy = Proxy(free_ports(1)[0], server.getsockname()[1])
    proxy.start()
    yield proxy
    proxy.close()


def connected(wire: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", wire.port), timeout=5)


def test_what_is_sent_arrives_and_so_does_the_answer(wire: Proxy) -> None:
    with connected(wire) as client:
        client.sendall(b"hello")
        assert client.recv(10) == b"hello"


def test_a_delayed_piece_arrives_later(wire: Proxy) -> None:
    with connected(wire) as client:
        wire.delay(SHORT_SECONDS)
        started = time.monotonic()
        for _ in range(5):
            client.sendall(b"hello")
            assert client.recv(10) == b"hello"
        assert time.monotonic() - started > SHORT_SECONDS


def test_what_is_swallowed_arrives_once_the_wire_is_healed(wire: Proxy) -> None:
    with connected(wire) as client:
        client.sendall(b"1")
        assert client.recv(1) == b"1"
        wire.swallow()
        time.sleep(SHORT_SECONDS)
        client.sendall(b"2")
        client.settimeout(SHORT_SECONDS)
        with pytest.raises(TimeoutError):
            client.recv(1)
        wire.heal()
        client.settimeout(5)
        assert client.recv(1) == b"2"


def test_a_reset_ends_what_is_open_and_lets_others_come(wire: Proxy) -> None:
    with connected(wire) as client:
        client.sendall(b"1")
        assert client.recv(1) == b"1"
        wire.reset()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    with connected(wire) as client:
        client.sendall(b"2")
        assert client.recv(1) == b"2"


def test_a_broker_that_is_away_ends_the_connection(wire: Proxy, server: socket.socket) -> None:
    server.shutdown(socket.SHUT_RDWR)
    with connected(wire) as client:
        assert client.recv(1) == b""
