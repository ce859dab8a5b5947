"""The port an operator's tools read: /metrics, /live and /ready, and nothing else."""

import logging
import socket
import socketserver
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from fraudwatch.errors import ConfigurationError

logger = logging.getLogger(__name__)

Check = Callable[[], tuple[bool, str]]
"""Whether all is well, and one line why or why not."""


class Exposed(Protocol):
    """Numbers that can be read as text."""

    def expose(self, encode: Callable[[CollectorRegistry], bytes]) -> bytes: ...


# A scrape takes milliseconds; what has not ended after this is a stuck or hostile client.
REQUEST_SECONDS = 10.0
# Prometheus, an orchestrator's two probes and some people; more at once is no use of this port.
MOST_REQUESTS = 16


class MetricsServer:
    """A running server. `.port` is the port it listens on; `.close()` ends it and waits for its thread."""

    def __init__(self, server: "_Server") -> None:
        self._server = server
        self.port: int = server.server_address[1]
        # close() waits for as long as one poll lasts.
        self._thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stops listening; a second call does nothing."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def serve(metrics: Exposed, host: str, port: int, live: Check, ready: Check) -> MetricsServer:
    """Serves from a daemon thread until closed; port 0 takes a free one.

    `live` and `ready` are called from other threads, once per request. Raises ConfigurationError when the
    address cannot be listened on.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        server = _Server(family, (str(address[0]), port), metrics, {"/live": live, "/ready": ready})
    except OSError as error:
        raise ConfigurationError(
            f"metrics: expected an address to listen on, found {host}:{port}: {error.strerror or error}. "
            "Set metrics.port to a free port (0 takes any) and metrics.host to an address of this machine."
        ) from error
    return MetricsServer(server)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # with the five of socketserver a burst of connections waits for seconds

    def __init__(
        self, family: int, address: tuple[str, int], metrics: Exposed, checks: dict[str, Check]
    ) -> None:
        self.address_family = family
        self.metrics = metrics
        self.checks = checks
        self._slots = threading.BoundedSemaphore(MOST_REQUESTS)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer's own looks the host's name up, which can take seconds without a name server.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        # A timeout of the socket starts anew with each byte; this one bounds the whole request.
        deadline = threading.Timer(REQUEST_SECONDS, _hang_up, [request])
        deadline.daemon = True
        deadline.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            deadline.cancel()
            self._slots.release()

    def handle_error(self, request: object, client_address: object) -> None:
        # A client that went away, or a failing check: the probe sees a closed connection, which is no 200.
        logger.warning("a request to the metrics port failed: %r", sys.exception())


def _hang_up(request: socket.socket) -> None:
    try:
        request.shutdown(socket.SHUT_RDWR)
    except OSError:
        logger.debug("the request ended as its time ran out")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    server_version = "fraudwatch"
    sys_version = ""  # the Python version is nobody's business

    def do_GET(self) -> None:
        status, content_type, body = self._answer()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self) -> tuple[int, str, bytes]:
        path = self.path.partition("?")[0]
        if path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            return 200, content_type, self.server.metrics.expose(encode)
        check = self.server.checks.get(path)
        if check is None:
            return 404, "text/plain; charset=utf-8", b"/metrics, /live and /ready are here\n"
        is_well, why = check()
        return 200 if is_well else 503, "text/plain; charset=utf-8", f"{why}\n".encode()

    def log_message(self, format: str, *args: object) -> None:
        logger.debug(format, *args)
