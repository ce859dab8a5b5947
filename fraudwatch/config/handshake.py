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


def require_entry(kafka: Kafka, patience: Duration) -> Address:
    """The first address that lets us in; none is waited for longer than `patience` at a time.

    Raises BrokerError that says what was found at each and what to do, and ConfigurationError for options or files
    that cannot be used.
    """
    refusals: dict[Address, RefusedError] = {}
    for address in addresses(kafka):
        try:
            _enter(kafka, address, patience)
        except RefusedError as refusal:
            refusals[address] = refusal
        else:
            return address
    # Whoever answered wrongly says more than who did not answer.
    telling = sorted(refusals.values(), key=lambda refusal: refusal.remedy == _IS_IT_THERE)[0]
    found = telling.found
    if len(refusals) > 1:
        each = "; ".join(f"{address}: {refusal.found}" for address, refusal in refusals.items())
        found = f"found none that lets us in ({each})"
    raise BrokerError(f"expected Kafka at {kafka.bootstrap_servers}, {found}: {telling.remedy}")


def _enter(kafka: Kafka, address: Address, patience: Duration) -> None:
    # Files are read before anything is dialled.
    context, user = tls_context(kafka), credentials(kafka)
    try:
        with _dialled(address, patience) as plain:
            if context is not None:
                with _inside_tls(kafka, context, plain, address, patience) as line:
                    introduce(line, kafka.security, user, patience / 1000)
            else:
                introduce(plain, kafka.security, user, patience / 1000)
    except TimeoutError as error:
        raise RefusedError(f"which did not answer within {patience}", _IS_IT_THERE) from error


@contextmanager
def _dialled(address: Address, patience: Duration) -> Iterator[socket.socket]:
    try:
        line = socket.create_connection(address, timeout=patience / 1000)
    except TimeoutError:
        raise
    except OSError as error:
        raise RefusedError(f"found none ({address}: {error.strerror or error})", _IS_IT_THERE) from error
    with line:
        yield line


@contextmanager
def _inside_tls(
    kafka: Kafka, context: ssl.SSLContext, plain: socket.socket, address: Address, patience: Duration
) -> Iterator[ssl.SSLSocket]:
    try:
        line = context.wrap_socket(plain, server_hostname=address.host)
    except TimeoutError:
        raise
    except ssl.SSLCertVerificationError as error:
        raise _distrusted(kafka, address, error, patience) from error
    except OSError as error:
        raise _unwelcome(kafka, error) if _is_alert(error) else _without_tls(error) from error
    with line:
        try:
            yield line
        except ssl.SSLError as error:
            # In TLS 1.3 the broker's verdict on our certificate comes after the handshake.
            raise _unwelcome(kafka, error) from error


def _distrusted(
    kafka: Kafka, address: Address, error: ssl.SSLCertVerificationError, patience: Duration
) -> RefusedError:
    if error.verify_code == _EXPIRED:
        return RefusedError(
            "found one whose certificate has expired",
            "have the broker's certificate renewed, and check the clock of this machine",
        )
    if error.verify_code in (_OTHER_NAME, _OTHER_ADDRESS):
        return RefusedError(
            f"found one whose certificate is not for {address.host} but for "
            f"{_names(kafka, address, patience) or 'another name'}",
            "use a name of the certificate in kafka.bootstrap_servers, or have a certificate made for this one",
        )
    authorities = (
        "the authorities of this system" if kafka.ca_file is None else f"kafka.ca_file {kafka.ca_file}"
    )
    return RefusedError(
        f"found one whose certificate {authorities} cannot vouch for ({error.verify_message})",
        "put the certificate of the authority that signed the broker's into the file of kafka.ca_file",
    )


def _names(kafka: Kafka, address: Address, patience: Duration) -> str:
    """What a trusted certificate calls its broker, asked on a second line over which nothing is said."""
    context = trust(kafka)
    context.check_hostname = False
    try:
        with (
            socket.create_connection(address, timeout=patience / 1000) as plain,
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
