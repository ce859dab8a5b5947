"""The metrics port answers three paths, quickly, and nothing else."""

import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from fraudwatch.errors import ConfigurationError
from fraudwatch.metrics import Metrics, MetricsServer, read_sample, serve, server


class Health:
    """What /live and /ready are told."""

    live = (True, "records moved 2 s ago")
    ready = (True, "2 partitions, model abc")


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def running(health: Health) -> Iterator[MetricsServer]:
    metrics = Metrics()
    metrics.batch(records=3, outcomes=np.array([3, 0, 0, 0, 0]), scores=np.ones(3), stage_seconds={})
    served = serve(metrics, "127.0.0.1", 0, lambda: health.live, lambda: health.ready)
    yield served
    served.close()


def ask(
    running: MetricsServer, path: str, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def test_metrics_are_served_in_the_text_format(running):
    status, headers, body = ask(running, "/metrics")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert ({"outcome": "scored"}, 3.0) in read_sample(body)["fraudwatch_records_total"]


def test_metrics_are_served_in_the_open_format_to_who_asks_for_it(running):
    status, headers, body = ask(running, "/metrics?x=1", Accept="application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_live_and_ready_answer_200_with_a_line_of_why(running):
    assert ask(running, "/live")[::2] == (200, "records moved 2 s ago\n")
    assert ask(running, "/ready")[::2] == (200, "2 partitions, model abc\n")


def test_live_and_ready_answer_503_when_told_so(running, health):
    health.live = (False, "nothing moved for 90 s while 12 records wait")
    health.ready = (False, "no partition yet")
    assert ask(running, "/live")[::2] == (503, "nothing moved for 90 s while 12 records wait\n")
    assert ask(running, "/ready")[::2] == (503, "no partition yet\n")


@pytest.mark.parametrize("path", ["/", "/metrics/", "/etc/passwd", "/../metrics", "/live/x", "/favicon.ico"])
def test_everything_else_is_not_found(running, path):
    assert ask(running, path)[0] == 404


def test_a_head_request_has_no_body(running):
    # Not by http.client, which leaves out the body of a HEAD answer whatever was sent.
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as connection:
        connection.sendall(b"HEAD /metrics HTTP/1.0\r\n\r\n")
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert b" 200 OK" in head
    assert int(re.search(rb"Content-Length: (\d+)", head)[1]) > 1000
    assert body == b""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_no_other_method_is_served(running, method):
    assert ask(running, "/metrics", method)[0] == 501


def test_neither_the_version_of_python_nor_a_name_of_the_host_is_told(running):
    assert ask(running, "/live")[1]["Server"].strip() == "fraudwatch"


def test_a_check_that_fails_is_no_success_and_the_server_goes_on(running, health):
    health.live = None
    with pytest.raises(http.client.RemoteDisconnected):
        ask(running, "/live")
    assert ask(running, "/ready")[0] == 200


def test_a_request_line_that_is_too_long_is_refused(running):
    assert ask(running, "/" + "x" * 70_000)[0] == 414


def test_a_client_that_never_finishes_its_request_is_hung_up(health, monkeypatch):
    monkeypatch.setattr(server, "REQUEST_SECONDS", 0.3)
    running = serve(Metrics(), "127.0.0.1", 0, lambda: health.live, lambda: health.ready)
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as slow:
        began = time.monotonic()
        slow.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert slow.recv(100) == b""
        assert time.monotonic() - began < 3
    running.close()


def test_a_crowd_of_silent_clients_does_not_pile_up_threads(running):
    before = threading.active_count()
    crowd = [socket.create_connection(("127.0.0.1", running.port), timeout=5) for _ in range(60)]
    # The last ones find no place and are hung up at once.
    assert crowd[-1].recv(1) == b""
    assert threading.active_count() - before <= 2 * server.MOST_REQUESTS
    for client in crowd:
        client.close()


def test_a_port_that_is_taken_is_a_configuration_error_with_the_remedy(running):
    with pytest.raises(
        ConfigurationError, match=rf"found 127\.0\.0\.1:{running.port}: .* Set metrics\.port to a free"
    ):
        serve(Metrics(), "127.0.0.1", running.port, lambda: (True, ""), lambda: (True, ""))


@pytest.mark.parametrize("host", ["nobody.invalid", "192.0.2.1"])
def test_an_address_of_another_machine_is_a_configuration_error(host):
    with pytest.raises(ConfigurationError, match=rf"found {host}:0: "):
        serve(Metrics(), host, 0, lambda: (True, ""), lambda: (True, ""))


def test_addresses_of_version_6_are_served(health):
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 on this machine")
    running = serve(Metrics(), "::1", 0, lambda: health.live, lambda: health.ready)
    socket.create_connection(("::1", running.port), timeout=5).close()
    running.close()


def test_once_closed_the_port_is_free_again_and_a_second_close_does_nothing(health):
    first = serve(Metrics(), "127.0.0.1", 0, lambda: health.live, lambda: health.ready)
    first.close()
    first.close()
    second = serve(Metrics(), "127.0.0.1", first.port, lambda: health.live, lambda: health.ready)
    assert second.port == first.port
    second.close()
