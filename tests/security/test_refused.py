"""What keeps us out is one message with what was found and what to do, soon, and never shows the password."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fraudwatch.config.loading import load
from fraudwatch.stream.cluster import look_at_cluster
from fraudwatch.stream.rights import WORKER

CERTIFICATES = Path(__file__).parents[2] / "deploy" / "kafka" / "certificates.sh"
LONGEST_SECONDS = 20
WRONG = "not-the-pässword"

Change = Callable[[Any, Any], object]

CASES: dict[str, tuple[Change, str, str]] = {
    "a wrong password": (
        lambda c, node: c.over_sasl().set(password=WRONG, password_file=None),
        "does not let user fraudwatch in (Authentication failed",
        "check kafka.username and its password",
    ),
    "an unknown user": (
        lambda c, node: c.over_sasl(user="nobody"),
        "does not let user nobody in",
        "check kafka.username and its password",
    ),
    "a wrong authority": (
        lambda c, node: c.over_sasl().set(ca_file=str(stranger(node))),
        "certificate kafka.ca_file",
        "into the file of kafka.ca_file",
    ),
    "a broker under another name": (
        lambda c, node: c.over_sasl().set(bootstrap_servers=f"127.0.0.1:{node.ports['sasl']}"),
        "certificate is not for 127.0.0.1 but for localhost",
        "use a name of the certificate in kafka.bootstrap_servers",
    ),
    "an expired certificate": (
        lambda c, node: c.over_mutual_tls().set(bootstrap_servers=f"localhost:{node.ports['expired']}"),
        "certificate has expired",
        "renewed",
    ),
    "no protection where TLS is spoken": (
        lambda c, node: c.set(bootstrap_servers=f"localhost:{node.ports['sasl']}"),
        "a listener that speaks TLS, and kafka.security is plaintext",
        "set kafka.security to ssl or sasl_ssl",
    ),
    "TLS where it is not spoken": (
        lambda c, node: c.over_sasl().set(bootstrap_servers=f"localhost:{node.ports['plain']}"),
        "does not speak TLS",
        "name the port of a TLS listener",
    ),
    "no certificate where one is wanted": (
        lambda c, node: c.over_mutual_tls().set(certificate_file=None, key_file=None),
        "wants a certificate of ours",
        "set kafka.certificate_file and kafka.key_file",
    ),
    "a certificate of a stranger": (
        lambda c, node: c.over_mutual_tls().set(
            certificate_file=str(stranger(node, "me")), key_file=str(stranger(node, "me").with_suffix(".key"))
        ),
        "does not accept our certificate",
        "the broker trusts the authority that signed it",
    ),
    "no user where one is wanted": (
        lambda c, node: c.over_sasl().set(security="ssl", username=None, password_file=None),
        "wants a user and a password, not ssl",
        "set kafka.security to sasl_ssl",
    ),
    "a user where there are none": (
        lambda c, node: c.over_mutual_tls().set(security="sasl_ssl", username="fraudwatch", password=WRONG),
        "knows no users",
        "name the port of a SASL_SSL listener",
    ),
}


def stranger(node: Any, name: str = "ca") -> Path:
    """A certificate of another authority."""
    directory: Path = node.secrets.parent / "strangers"
    subprocess.run([CERTIFICATES, directory, "me"], check=True, timeout=60)
    return directory / f"{name}.pem"


@pytest.mark.timeout(60)  # a worker that is let in runs on
@pytest.mark.parametrize("command", ["lag", "worker"])
@pytest.mark.parametrize("case", CASES)
def test_what_keeps_us_out_is_one_message_with_what_was_found_and_what_to_do(
    case: str,
    command: str,
    node: Any,
    configuration: Any,
    run: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    change, found, remedy = CASES[case]
    change(configuration, node)
    begun = time.monotonic()
    ended = run(configuration, command)
    assert time.monotonic() - begun < LONGEST_SECONDS
    assert ended.exit_code == 1, ended.output
    assert isinstance(ended.exception, SystemExit)
    (message,) = ended.stderr.splitlines()
    assert message.startswith(f"Error: expected Kafka at localhost:{configuration.asked_port}") or case == (
        "a broker under another name"
    )
    assert found in message
    assert remedy in message
    for text in (message, caplog.text):
        assert WRONG not in text
        assert "swörd" not in text
    assert not caplog.records


@pytest.mark.parametrize("command", ["topics", "worker"])
def test_a_process_that_is_refused_prints_nothing_else(command: str, node: Any, configuration: Any) -> None:
    configuration.over_sasl().set(password=WRONG, password_file=None)
    begun = time.monotonic()
    words = [sys.executable, "-m", "fraudwatch", command, "--config", str(configuration.write())]
    ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert time.monotonic() - begun < LONGEST_SECONDS
    assert ended.returncode == 1
    assert ended.stdout == ""
    (message,) = ended.stderr.splitlines()
    assert "does not let user fraudwatch in" in message
    assert WRONG not in message


def test_the_first_address_that_lets_us_in_is_enough(
    node: Any, configuration: Any, run: Callable[..., Any]
) -> None:
    configuration.allow_everything()
    configuration.create_topics()
    right = f"localhost:{node.ports['sasl']}"
    configuration.over_sasl().set(bootstrap_servers=f"localhost:{node.ports['plain']},{right}")
    ended = run(configuration, "lag")
    assert ended.exit_code == 0, ended.output


def test_where_no_address_lets_us_in_each_is_told(
    node: Any, configuration: Any, run: Callable[..., Any]
) -> None:
    ports = node.ports
    configuration.over_sasl().set(bootstrap_servers=f"localhost:{ports['plain']},localhost:{ports['ssl']}")
    message = run(configuration, "lag").stderr
    assert f"localhost:{ports['plain']}: found one that does not speak TLS" in message
    assert f"localhost:{ports['ssl']}: found a listener that wants a certificate" in message


def test_a_user_with_the_signs_that_scram_reserves_is_let_in_by_both_clients(
    node: Any, configuration: Any, run: Callable[..., Any]
) -> None:
    name = "o,b=server"
    node.add_user(name)
    configuration.allow_everything(name)
    configuration.create_topics()
    configuration.over_sasl(user=name)
    assert run(configuration, "lag").exit_code == 0
    found = look_at_cluster(
        load(configuration.write(), {}), {"source.topic": configuration.source}, needs=WORKER
    )
    assert asyncio.run(found) == {configuration.source: 2}


def test_a_broker_that_calls_itself_by_a_name_its_certificate_does_not_have_is_found_out(
    node: Any, configuration: Any, run: Callable[..., Any]
) -> None:
    """The listener is dialled by a name of the certificate, and sends us on to 127.0.0.1."""
    configuration.over_mutual_tls().set(bootstrap_servers=f"localhost:{node.ports['astray']}")
    for command in ("lag", "worker"):
        ended = run(configuration, command)
        assert ended.exit_code == 1
        (message,) = ended.stderr.splitlines()
        assert (
            f"certificate is not for 127.0.0.1 but for localhost at 127.0.0.1:{node.ports['astray']}"
            in message
        )
        assert "use a name of the certificate in advertised.listeners of the broker" in message
