"""The first words of Kafka's protocol on an open line: does the listener want a user, does it let ours in, where next.

One request tells the first: to SaslHandshake a listener without users answers ILLEGAL_SASL_STATE. Messages are
written by hand (KIP-43, KIP-152), because no client library is common to those who ask.
"""

import socket
import struct
import time
from typing import NamedTuple

from fraudwatch.config.scram import Scram
from fraudwatch.config.security import MECHANISM

# Requests in the versions that every broker since 1.0 knows.
_SASL_HANDSHAKE, _SASL_AUTHENTICATE, _METADATA = (17, 1), (36, 0), (3, 1)
_OK, _OTHER_MECHANISM, _NO_USERS_HERE = 0, 33, 34
_CORRELATION = 1
_CLIENT = b"fraudwatch"
_LONGEST_ANSWER = 65_536
# How an alert of TLS begins, where the length of an answer was expected.
_TLS_ALERT = b"\x15\x03"


class RefusedError(Exception):
    """An address does not let us in: what was found there (a clause after a comma), and what to do."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.found = found
        self.remedy = remedy


class HungUpError(Exception):
    """The line was closed where an answer was expected."""


class _Login(NamedTuple):
    """Answer to SaslHandshake."""

    error: int
    mechanisms: list[str]


class _Line(NamedTuple):
    """An open line, and until when it may take (monotonic): a socket's own timeout starts anew with each byte."""

    socket: socket.socket
    deadline: float

    def receive(self, size: int) -> bytes:
        """So many bytes. Raises HungUpError, TimeoutError."""
        received = b""
        while len(received) < size:
            left = self.deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            part = self.socket.recv(size - len(received))
            if not part:
                raise HungUpError("it hung up")
            received += part
        return received


def introduce(
    line: socket.socket, security: str, user: tuple[str, str] | None, seconds: float
) -> list[tuple[str, int]]:
    """Returns when the listener is what `security` says and lets the user, if one is given, in.

    Gives host and port of the cluster's brokers as they call themselves, to which clients go on.

    Raises RefusedError, TimeoutError after so many seconds, and what else the socket raises (ssl.SSLError).
    """
    try:
        opened = _Line(line, time.monotonic() + seconds)
        _introduce(opened, security, user)
        return _ask_for_brokers(opened)
    except HungUpError:
        # Perhaps a Kafka of another make, that hangs up on a question: the client will see.
        return []
    except struct.error as error:
        raise _not_kafka() from error


def _introduce(line: _Line, security: str, user: tuple[str, str] | None) -> None:
    try:
        login = _ask_for_login(line)
    except HungUpError:
        if user is None:
            raise
        raise RefusedError("found one that hangs up when asked for a login", _NAME_A_SASL_PORT) from None
    wants_user = login.error in (_OK, _OTHER_MECHANISM)
    if user is None and wants_user:
        raise RefusedError(f"found a listener that wants a user and a password, not {security}", _GIVE_A_USER)
    if user is None:
        return
    if not wants_user:
        raise RefusedError("found a listener that knows no users", _NAME_A_SASL_PORT)
    if MECHANISM not in login.mechanisms:
        raise RefusedError(
            f"found a login by {', '.join(login.mechanisms) or 'nothing'} and not by {MECHANISM}",
            f"add {MECHANISM} to sasl.enabled.mechanisms of the broker",
        )
    _log_in(line, *user)


_NAME_A_SASL_PORT = (
    "name the port of a SASL_SSL listener in kafka.bootstrap_servers, or set kafka.security to ssl"
)
_GIVE_A_USER = (
    "set kafka.security to sasl_ssl with kafka.username and kafka.password_file, and name the port of a SASL_SSL "
    "listener"
)


def _ask_for_login(line: _Line) -> _Login:
    answer = _ask(line, _SASL_HANDSHAKE, _text(MECHANISM))
    error, count = struct.unpack_from(">hi", answer)
    mechanisms, at = [], 6
    for _ in range(count):
        mechanism, at = _string(answer, at)
        mechanisms.append(mechanism)
    return _Login(error, mechanisms)


def _ask_for_brokers(line: _Line) -> list[tuple[str, int]]:
    answer = _ask(line, _METADATA, struct.pack(">i", 0))
    (count,) = struct.unpack_from(">i", answer)
    brokers, at = [], 4
    for _ in range(count):
        host, at = _string(answer, at + 4)
        (port,) = struct.unpack_from(">i", answer, at)
        brokers.append((host, port))
        _, at = _string(answer, at + 4)  # the rack
    return brokers


def _log_in(line: _Line, username: str, password: str) -> None:
    scram = Scram(username, password)
    try:
        server_final = _authenticate(line, username, scram.final(_authenticate(line, username, scram.first)))
        scram.verify(server_final)
    except (HungUpError, ValueError) as error:
        raise RefusedError(
            f"found one that breaks off the login ({error or 'it hung up'})",
            "check that it is the Kafka that is meant",
        ) from error


def _authenticate(line: _Line, username: str, message: bytes) -> bytes:
    """Raises RefusedError with what the broker says."""
    answer = _ask(line, _SASL_AUTHENTICATE, struct.pack(">i", len(message)) + message)
    error, length = struct.unpack_from(">hh", answer)
    at = 4 + max(length, 0)
    if error != _OK:
        says = answer[4:at].decode("utf-8", "replace") or f"error {error}"
        raise RefusedError(
            f"found that it does not let user {username} in ({says})",
            "check kafka.username and its password (kafka.password_file or FRAUDWATCH_KAFKA__PASSWORD)",
        )
    (size,) = struct.unpack_from(">i", answer, at)
    return answer[at + 4 : at + 4 + max(size, 0)]


def _ask(line: _Line, request: tuple[int, int], body: bytes) -> bytes:
    """The body of the answer. Raises RefusedError when it is none of Kafka's."""
    message = struct.pack(">hhih", *request, _CORRELATION, len(_CLIENT)) + _CLIENT + body
    try:
        line.socket.sendall(struct.pack(">i", len(message)) + message)
        head = line.receive(4)
        if head.startswith(_TLS_ALERT):
            raise RefusedError(
                "found a listener that speaks TLS, and kafka.security is plaintext",
                "set kafka.security to ssl or sasl_ssl, or name the port of a plaintext listener",
            )
        (length,) = struct.unpack(">i", head)
        if not 4 < length <= _LONGEST_ANSWER:
            raise _not_kafka()
        correlation, *_ = struct.unpack_from(">i", answer := line.receive(length))
    except ConnectionError as error:
        raise HungUpError(error.strerror or "it hung up") from error
    if correlation != _CORRELATION:
        raise _not_kafka()
    return answer[4:]


def _string(answer: bytes, at: int) -> tuple[str, int]:
    """A string of the protocol (null is empty), and where the next thing begins: always further on."""
    (length,) = struct.unpack_from(">h", answer, at)
    end = at + 2 + max(length, 0)
    return answer[at + 2 : end].decode("utf-8", "replace"), end


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _not_kafka() -> RefusedError:
    return RefusedError("found something that is not Kafka", "check host and port of kafka.bootstrap_servers")
