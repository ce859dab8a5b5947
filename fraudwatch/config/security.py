"""How the connection to Kafka is protected: the section `kafka` turned into a TLS context and a login.

Standard library only, so that both halves that talk to Kafka (`stream` and `broker`) can use it. Files are read
once in a process: whoever renews a certificate or a password restarts it.
"""

import logging
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from fraudwatch.config.settings import Kafka
from fraudwatch.config.wording import HIDDEN
from fraudwatch.errors import ConfigurationError

logger = logging.getLogger(__name__)

MECHANISM = "SCRAM-SHA-512"
"""The one way to log in: the password itself never crosses the wire, and the broker has to know it too."""

MOST_BYTES = 1 << 20
"""A bundle of all public authorities has 220 KB; a secret fits a line."""

_OF_TLS = ("ca_file", "certificate_file", "key_file", "key_password_file")
_OF_LOGIN = ("username", "password", "password_file")
_READABLE_BY_ALL = 0o004


class Password(str):
    """A text that is not shown where values are: kafka-python logs all its options when it debugs."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)


def contradictions(kafka: Kafka) -> Iterator[tuple[str, str]]:
    """What the options of the connection say against one another: dotted keys and what to say of each."""
    given = [name for name in (*_OF_TLS, *_OF_LOGIN) if getattr(kafka, name) is not None]
    for name in given:
        if getattr(kafka, name) == "":
            yield f"kafka.{name}", "expected something, or no such line; found an empty text"
    if kafka.security == "plaintext":
        for name in given:
            way = "ssl or sasl_ssl" if name in _OF_TLS else "sasl_ssl"
            yield f"kafka.{name}", f"expected kafka.security {way} where this is given; found plaintext"
        return
    if kafka.embedded:
        yield (
            "kafka.security",
            f"expected plaintext with kafka.embedded, which has no TLS; found {kafka.security}",
        )
    yield from _pairs(kafka)
    if kafka.security == "sasl_ssl":
        yield from _login(kafka)
    else:
        for name in [name for name in given if name in _OF_LOGIN]:
            yield f"kafka.{name}", "expected kafka.security sasl_ssl where this is given; found ssl"


def _pairs(kafka: Kafka) -> Iterator[tuple[str, str]]:
    for name, other in (("certificate_file", "key_file"), ("key_file", "certificate_file")):
        if getattr(kafka, name) is not None and getattr(kafka, other) is None:
            yield f"kafka.{name}", f"expected kafka.{other} beside it; found none (both may name one file)"
    if kafka.key_password_file is not None and kafka.key_file is None:
        yield "kafka.key_password_file", "expected kafka.key_file beside it; found none"


def _login(kafka: Kafka) -> Iterator[tuple[str, str]]:
    if kafka.username is None:
        yield "kafka.username", "expected a user with kafka.security sasl_ssl; found none"
    if kafka.password is None and kafka.password_file is None:
        yield (
            "kafka.password_file",
            "expected a file with the password with kafka.security sasl_ssl; found none "
            "(variable FRAUDWATCH_KAFKA__PASSWORD can hold it instead)",
        )
    if kafka.password is not None and kafka.password_file is not None:
        yield "kafka.password_file", "expected this or kafka.password; found both: leave one out"


@cache
def tls_context(kafka: Kafka) -> ssl.SSLContext | None:
    """Trust, own certificate and key, names of brokers checked, TLS 1.2 at least; None where there is no TLS.

    Raises ConfigurationError for contradicting options and for a file that cannot be used.
    """
    _require_sense(kafka)
    if kafka.security == "plaintext":
        return None
    context = trust(kafka)
    if kafka.certificate_file is not None and kafka.key_file is not None:
        _identify(context, kafka, Path(kafka.certificate_file), Path(kafka.key_file))
    return context


def identity(kafka: Kafka) -> str:
    """Whom the brokers take us for, in words."""
    if kafka.username is not None:
        return f"user {kafka.username}"
    if kafka.certificate_file is not None:
        return f"the owner of {kafka.certificate_file}"
    return "an unnamed client"


def trust(kafka: Kafka) -> ssl.SSLContext:
    """A new context with the authorities alone. Raises ConfigurationError for a file that cannot be used."""
    # Of a client: certificates are required, and checked against the name that was dialled.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if kafka.ca_file is None:
        context.load_default_certs()
    else:
        _load_authorities(context, Path(kafka.ca_file))
    return context


@cache
def credentials(kafka: Kafka) -> tuple[str, Password] | None:
    """User and password; None where nobody logs in. Raises ConfigurationError as `tls_context` does."""
    _require_sense(kafka)
    if kafka.security != "sasl_ssl" or kafka.username is None:
        return None
    if kafka.password is not None:
        return kafka.username, Password(kafka.password)
    return kafka.username, Password(_secret("kafka.password_file", Path(kafka.password_file or "")))


def _require_sense(kafka: Kafka) -> None:
    """`load` has said it with file and line; settings made in code have not been through it."""
    for key, says in contradictions(kafka):
        raise ConfigurationError(f"{key}: {says}")


def _load_authorities(context: ssl.SSLContext, path: Path) -> None:
    text = _pem("kafka.ca_file", path, "CERTIFICATE")
    try:
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(
            f"kafka.ca_file {path}: expected certificates (PEM); found some that cannot be read ({_reason(error)})"
        ) from error


def _identify(context: ssl.SSLContext, kafka: Kafka, certificate: Path, key: Path) -> None:
    _pem("kafka.certificate_file", certificate, "CERTIFICATE")
    text = _pem("kafka.key_file", key, "PRIVATE KEY")
    _warn_if_open("kafka.key_file", key)
    is_encrypted = "ENCRYPTED" in text
    if is_encrypted and kafka.key_password_file is None:
        raise ConfigurationError(
            f"kafka.key_file {key}: expected kafka.key_password_file, because the key is encrypted; found none"
        )
    # Given even where it is not needed: without one OpenSSL asks on the terminal.
    password = (
        ""
        if kafka.key_password_file is None
        else _secret("kafka.key_password_file", Path(kafka.key_password_file))
    )
    try:
        context.load_cert_chain(certificate, key, password)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigurationError(_unusable_pair(error, kafka, is_encrypted=is_encrypted)) from error


def _unusable_pair(error: Exception, kafka: Kafka, *, is_encrypted: bool) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return (
            f"kafka.key_file {kafka.key_file}: expected the key of {kafka.certificate_file}; "
            "found the key of another certificate"
        )
    if is_encrypted:
        return (
            f"kafka.key_file {kafka.key_file}: expected a key that the password in "
            f"{kafka.key_password_file} opens; found that it does not"
        )
    return (
        f"kafka.certificate_file {kafka.certificate_file}, kafka.key_file {kafka.key_file}: expected a "
        f"certificate and its key (PEM); found what cannot be used ({_reason(error)})"
    )


def _pem(key: str, path: Path, kind: str) -> str:
    """The text of a file that has at least one block of this kind."""
    content = _read(key, path)
    if f"{kind}-----".encode() not in content:
        what = "certificates" if kind == "CERTIFICATE" else "a private key"
        raise ConfigurationError(
            f"{key} {path}: expected {what} in PEM (-----BEGIN …{kind}-----); found none. "
            "`openssl` turns other forms into PEM."
        )
    # Between the blocks of a bundle stand names in any encoding.
    return content.decode("ascii", "ignore")


def _secret(key: str, path: Path) -> str:
    """The one line of a file; editors end it with a line break that is not part of it."""
    _warn_if_open(key, path)
    try:
        secret = _read(key, path).decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        # Without the cause: it quotes the bytes.
        raise ConfigurationError(f"{key} {path}: expected UTF-8; found other bytes") from None
    lines = len(secret.splitlines())
    if lines != 1:
        raise ConfigurationError(f"{key} {path}: expected one line with the password; found {lines} lines")
    return secret


def _read(key: str, path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{key} {path}: expected a readable file; {getattr(error, 'strerror', None) or error}"
        ) from error
    if len(content) > MOST_BYTES:
        raise ConfigurationError(f"{key} {path}: expected at most {MOST_BYTES} bytes; found more")
    return content


def _warn_if_open(key: str, path: Path) -> None:
    try:
        is_open = path.stat().st_mode & _READABLE_BY_ALL
    except (OSError, ValueError):
        return  # reading it says what is wrong
    if is_open:
        logger.warning("%s %s can be read by every user of this machine: chmod 600 it", key, path)


def _reason(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error)
