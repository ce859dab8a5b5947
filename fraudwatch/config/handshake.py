"""Whether a broker will have us, asked before any client is made, so that a refusal can be told in our words.

Kafka's clients try again and again what will never work, and then say that they ran out of time. Here each address is
asked once: does anybody listen, is it TLS, whose certificate is it, does it want a user, does it let ours in.
"""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from fraudwatch.config.durations import Duration
from fraudwatch.config.first_words import RefusedError, introduce
from fraudwatch.config.security import credentials, tls_context, trust
from fraudwatch.config.settings import Kafka
from fraudwatch.errors import BrokerError, ConfigurationError

DEFAULT_PORT = 9092

_EXPIRED, _OTHER_NAME, _OTHER_ADDRESS = 10, 62, 64
"""OpenSSL's verify codes X509_V_ERR_CERT_HAS_EXPIRED, _HOSTNAME_MISMATCH, _IP_ADDRESS_MISMATCH."""

_IS_IT_THERE = "check that it runs and is reachable, or set kafka.bootstrap_servers"


class Address(NamedTuple):
    """Where a broker is."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def addresses(kafka: Kafka) -> list[Address]:
    """The brokers of the settings. Raises ConfigurationError for one that is no address."""
    return [_address(server.strip()) for server in kafka.bootstrap_servers.split(",")]


def _address(server: str) -> Address:
    try:
        parts = urlsplit(f"//{server}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise ConfigurationError(
            f"kafka.bootstrap_servers: expected host:port, separated by commas, found {server!r}"
        )
    return Address(host, port or DEFAULT_PORT)


class _Call(NamedTuple):
    """An address to be dialled, where it is named, and how long to wait."""

    kafka: Kafka
    address: Address
    named_in: str
    patience: Duration


def require_entry(kafka: Kafka, patience: Duration) -> Address:
    """The first address that lets us in; none is waited for longer than `patience` at a time.

    Raises BrokerError that says what was found at each and what to do, also for a broker that the address sends us
    on to and that is not who it should be; ConfigurationError for options or files that cannot be used.
    """
    refusals: dict[Address, RefusedError] = {}
    for address in addresses(kafka):
        try:
            brokers = _enter(_Call(kafka, address, "kafka.bootstrap_servers", patience))
        except RefusedError as refusal:
            refusals[address] = refusal
        else:
            _require_trust(kafka, address, brokers, patience)
            return address
    # Whoever answered wrongly says more than who did not answer.
    telling = sorted(refusals.values(), key=lambda refusal: refusal.remedy == _IS_IT_THERE)[0]
    found = telling.found
    if len(refusals) > 1:
        each = "; ".join(f"{address}: {refusal.found}" for address, refusal in refusals.items())
        found = f"found none that lets us in ({each})"
    raise BrokerError(f"expected Kafka at {kafka.bootstrap_servers}, {found}: {telling.remedy}")


def _enter(call: _Call) -> list[Address]:
    """The brokers it sends us on to."""
    # Files are read before anything is dialled.
    tls_context(call.kafka)
    user, security, seconds = credentials(call.kafka), call.kafka.security, call.patience / 1000
    with _connected(call) as line:
        return [Address(*place) for place in introduce(line, security, user, seconds)]


def _require_trust(kafka: Kafka, entry: Address, brokers: list[Address], patience: Duration) -> None:
    """Clients go on to the brokers' own names for themselves, and would only say that these do not answer."""
    if kafka.security == "plaintext":
        return
    for broker in brokers:
        try:
            if broker != entry:
                with _connected(_Call(kafka, broker, "advertised.listeners of the broker", patience)):
                    pass
        except RefusedError as refusal:
            if refusal.remedy != _IS_IT_THERE:  # one broker of a cluster may be down
                raise BrokerError(
                    f"expected Kafka at {entry} to send us on to brokers we can trust, {refusal.found} at {broker}: "
                    f"{refusal.remedy}"
                ) from refusal


@contextmanager
def _connected(call: _Call) -> Iterator[socket.socket]:
    """The line to talk on, inside TLS where there is any. Raises RefusedError, also for what is met while talking."""
    context = tls_context(call.kafka)
    try:
        with _dialled(call) as plain:
            if context is None:
                yield plain
                return
            with _inside_tls(call, context, plain) as line:
                yield line
    except TimeoutError as error:
        raise RefusedError(f"which did not answer within {call.patience}", _IS_IT_THERE) from error


@contextmanager
def _dialled(call: _Call) -> Iterator[socket.socket]:
    try:
        line = socket.create_connection(call.address, timeout=call.patience / 1000)
    except TimeoutError:
        raise
    except OSError as error:
        raise RefusedError(f"found none ({call.address}: {error.strerror or error})", _IS_IT_THERE) from error
    with line:
        yield line


@contextmanager
def _inside_tls(call: _Call, context: ssl.SSLContext, plain: socket.socket) -> Iterator[ssl.SSLSocket]:
    try:
        line = context.wrap_socket(plain, server_hostname=call.address.host)
    except TimeoutError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise _distrusted(call, error) from error
    except OSError as error:
        raise _unwelcome(call.kafka, error) if _is_alert(error) else _without_tls(error) from error
    with line:
        try:
            yield line
        except ssl.SSLError as error:
            # In TLS 1.3 the broker's verdict on our certificate comes after the handshake.
            raise _unwelcome(call.kafka, error) from error


def _distrusted(call: _Call, error: ssl.SSLCertVerificationError) -> RefusedError:
    if error.verify_code == _EXPIRED:
        return RefusedError(
            "found one whose certificate has expired",
            "have the broker's certificate renewed, and check the clock of this machine",
        )
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return RefusedError(
            f"found one whose certificate is not for {call.address.host} but for {_names(call) or 'another name'}",
            f"use a name of the certificate in {call.named_in}, or have a certificate made for this one",
        )
    ca_file = call.kafka.ca_file
    authorities = "the authorities of this system" if ca_file is None else f"kafka.ca_file {ca_file}"
    return RefusedError(
        f"found one whose certificate {authorities} cannot vouch for ({error.verify_message})",
        "put the certificate of the authority that signed the broker's into the file of kafka.ca_file",
    )


def _names(call: _Call) -> str:
    """What a trusted certificate calls its broker, asked on a second line over which nothing is said."""
    context = trust(call.kafka)
    context.check_hostname = False
    try:
        with (
            socket.create_connection(call.address, timeout=call.patience / 1000) as plain,
            context.wrap_socket(plain) as line,
        ):
            certificate: dict[str, Any] = line.getpeercert() or {}
    except OSError:
        return ""
    return ", ".join(name for _, name in certificate.get("subjectAltName", ()))


def _without_tls(error: OSError) -> RefusedError:
    return RefusedError(
        f"found one that does not speak TLS ({_reason(error)})",
        "name the port of a TLS listener in kafka.bootstrap_servers, or set kafka.security to plaintext",
    )


def _unwelcome(kafka: Kafka, error: OSError) -> RefusedError:
    if kafka.certificate_file is None:
        return RefusedError(
            f"found a listener that wants a certificate of ours ({_reason(error)})",
            "set kafka.certificate_file and kafka.key_file, or name the port of a listener that wants none",
        )
    return RefusedError(
        f"found one that does not accept our certificate, {kafka.certificate_file} ({_reason(error)})",
        "check that it has not expired and that the broker trusts the authority that signed it",
    )


def _is_alert(error: OSError) -> bool:
    return isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")


def _reason(error: OSError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return (reason or str(error)).lower().replace("_", " ")
