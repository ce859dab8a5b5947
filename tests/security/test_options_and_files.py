"""Options that contradict one another, and files that cannot be used, are told before anything is dialled."""

import logging
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fraudwatch.config.loading import load
from fraudwatch.config.security import credentials, tls_context
from fraudwatch.config.settings import Kafka
from fraudwatch.errors import ConfigurationError

CERTIFICATES = Path(__file__).parents[2] / "deploy" / "kafka" / "certificates.sh"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ca.pem, me.pem and me.key, other.pem and other.key, and locked.key, which the password `geheim` opens."""
    directory = tmp_path_factory.mktemp("certificates")
    for name in ("me", "other"):
        subprocess.run([CERTIFICATES, directory, name], check=True, timeout=60)
    lock = ["openssl", "pkcs8", "-topk8", "-in", "me.key", "-out", "locked.key", "-passout", "pass:geheim"]
    subprocess.run(lock, check=True, timeout=60, cwd=directory)
    return directory


@pytest.fixture
def secret(tmp_path: Path) -> Callable[[bytes], str]:
    """A file for its owner only."""

    def write(content: bytes) -> str:
        path = tmp_path / "secret"
        path.touch(mode=0o600)
        path.write_bytes(content)
        return str(path)

    return write


def files(made: Path, **names: str) -> Kafka:
    return Kafka(security="ssl", **{key: str(made / name) for key, name in names.items()})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"ca_file": "x"}, "kafka.ca_file: expected kafka.security ssl or sasl_ssl where this is given"),
        ({"username": "x"}, "kafka.username: expected kafka.security sasl_ssl where this is given"),
        ({"security": "ssl", "password": "x"}, "kafka.password: expected kafka.security sasl_ssl"),
        ({"security": "ssl", "key_file": "x"}, "kafka.key_file: expected kafka.certificate_file beside it"),
        ({"security": "ssl", "certificate_file": "x"}, "kafka.certificate_file: expected kafka.key_file"),
        ({"security": "ssl", "key_password_file": "x"}, "kafka.key_password_file: expected kafka.key_file"),
        ({"security": "sasl_ssl", "password": "x"}, "kafka.username: expected a user"),
        ({"security": "sasl_ssl", "username": "x"}, "kafka.password_file: expected a file with the password"),
        (
            {"security": "sasl_ssl", "username": "x", "password": "x", "password_file": "x"},
            "kafka.password_file: expected this or kafka.password; found both",
        ),
        ({"security": "sasl_ssl", "username": "x", "password": ""}, "kafka.password: expected something"),
        ({"security": "ssl", "embedded": True}, "kafka.security: expected plaintext with kafka.embedded"),
    ],
)
def test_options_that_contradict_one_another_are_told_from_a_file_and_from_code(
    options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(
        "kafka:\n" + "".join(f"  {key}: {str(value) or repr('')}\n" for key, value in options.items())
    )
    if options.get("embedded"):
        path.write_text("kafka: {security: ssl, embedded: true}\n")
    with pytest.raises(ConfigurationError) as raised:
        load(path, {})
    assert says in str(raised.value)
    assert f"{path}:" in str(raised.value)
    with pytest.raises(ConfigurationError) as raised:
        tls_context(Kafka(**options))
    assert says in str(raised.value)


def test_a_context_checks_certificates_and_names_and_refuses_old_tls(made: Path) -> None:
    for kafka in (Kafka(security="ssl"), files(made, ca_file="ca.pem")):
        context = tls_context(kafka)
        assert context is not None
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert tls_context(Kafka()) is None
    assert credentials(Kafka()) is None


def test_with_a_file_of_authorities_those_of_the_system_are_not_trusted(made: Path) -> None:
    context = tls_context(files(made, ca_file="ca.pem"))
    assert context is not None
    assert len(context.get_ca_certs()) == 1


def test_an_encrypted_key_is_opened_by_the_password_of_its_file(made: Path, secret: Any) -> None:
    pair = {"certificate_file": str(made / "me.pem"), "key_file": str(made / "locked.key")}
    assert tls_context(Kafka(security="ssl", **pair, key_password_file=secret(b"geheim\r\n")))


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"ca_file": "none.pem"}, "expected a readable file; No such file"),
        ({"ca_file": "."}, "expected a readable file; Is a directory"),
        ({"ca_file": "me.key"}, "expected certificates in PEM"),
        ({"certificate_file": "me.key", "key_file": "me.key"}, "kafka.certificate_file"),
        ({"certificate_file": "me.pem", "key_file": "me.pem"}, "expected a private key in PEM"),
        ({"certificate_file": "me.pem", "key_file": "other.key"}, "found the key of another certificate"),
        (
            {"certificate_file": "me.pem", "key_file": "locked.key"},
            "because the key is encrypted; found none",
        ),
        (
            {"certificate_file": "me.pem", "key_file": "locked.key", "key_password_file": "ca.pem"},
            "expected one line with the password",
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_what_was_found(
    made: Path, names: dict[str, str], says: str
) -> None:
    with pytest.raises(ConfigurationError, match="kafka") as raised:
        tls_context(files(made, **names))
    assert says in str(raised.value)
    assert str(made) in str(raised.value)


def test_a_wrong_password_of_the_key_is_told_without_it_and_nobody_is_asked(made: Path, secret: Any) -> None:
    pair = {"certificate_file": str(made / "me.pem"), "key_file": str(made / "locked.key")}
    with pytest.raises(ConfigurationError, match="opens; found that it does not") as raised:
        tls_context(Kafka(security="ssl", **pair, key_password_file=secret(b"swordfish")))
    assert "swordfish" not in str(raised.value)


def test_a_damaged_certificate_is_told(made: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.pem"
    text = (made / "ca.pem").read_text()
    damaged.write_text(text.replace("\nMII", "\nAAA", 1))
    with pytest.raises(ConfigurationError, match="certificates"):
        tls_context(Kafka(security="ssl", ca_file=str(damaged)))


def test_a_bundle_may_say_whose_certificates_it_holds_in_any_encoding(made: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.pem"
    block = (made / "ca.pem").read_bytes()
    bundle.write_bytes("# Autorité\n".encode("latin-1") + block + "# Behörde\n".encode() + block)
    assert tls_context(Kafka(security="ssl", ca_file=str(bundle)))


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"swordfish", "swordfish"),
        (b"sword fish\n", "sword fish"),
        ("ß #'\r\n".encode(), "ß #'"),
        (b" x ", " x "),
    ],
)
def test_the_line_break_at_the_end_of_a_file_is_no_part_of_a_password(
    content: bytes, password: str, secret: Any
) -> None:
    kafka = Kafka(security="sasl_ssl", username="me", password_file=secret(content))
    assert credentials(kafka) == ("me", password)


@pytest.mark.parametrize(
    ("content", "says"), [(b"", "0 lines"), (b"\n", "0 lines"), (b"a\nb", "2 lines"), (b"\xff\xfe", "UTF-8")]
)
def test_a_file_that_holds_no_password_is_told_without_its_content(
    content: bytes, says: str, secret: Any
) -> None:
    kafka = Kafka(security="sasl_ssl", username="me", password_file=secret(content))
    with pytest.raises(ConfigurationError, match=says) as raised:
        credentials(kafka)
    assert "kafka.password_file" in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_secret_that_every_user_can_read_is_warned_of(
    mode: int, warned: bool, secret: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = secret(b"swordfish")
    Path(path).chmod(mode)
    with caplog.at_level(logging.WARNING):
        credentials(Kafka(security="sasl_ssl", username="me", password_file=path))
    assert [record.getMessage() for record in caplog.records] == (
        [f"kafka.password_file {path} can be read by every user of this machine: chmod 600 it"]
        if warned
        else []
    )
