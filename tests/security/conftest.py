"""One node with protected listeners and rights that are checked, users and their rights on it, commands run as them."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pytest
import yaml
from click.testing import CliRunner, Result
from confluent_kafka import ConsumerGroupTopicPartitions, Producer
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from fraudwatch.cli import main

DEPLOY = Path(__file__).parents[2] / "deploy" / "kafka"
# Everything that needs quoting somewhere: SCRAM, YAML, shells. It is looked for in all that is printed.
PASSWORD = "swörd,fish=7 #'\"$HOME"
ANSWER_SECONDS = 20.0

STRICT = """
listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{sasl},SSL://127.0.0.1:{ssl},EXPIRED://127.0.0.1:{expired},ASTRAY://127.0.0.1:{astray},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_SSL://localhost:{sasl},SSL://localhost:{ssl},EXPIRED://localhost:{expired},ASTRAY://127.0.0.1:{astray}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,EXPIRED:SSL,ASTRAY:SSL,CONTROLLER:PLAINTEXT
listener.name.expired.ssl.keystore.type=PEM
listener.name.expired.ssl.keystore.location={secrets}/expired.keystore.pem
allow.everyone.if.no.acl.found=false
"""


@dataclass(frozen=True)
class Right:
    """One operation on one topic or group, for one user."""

    user: str
    kind: str
    name: str
    operation: str

    @property
    def binding(self) -> AclBinding:
        return AclBinding(
            ResourceType[self.kind.upper()],
            self.name,
            ResourcePatternType.LITERAL,
            f"User:{self.user}",
            "*",
            AclOperation[_constant(self.operation)],
            AclPermissionType.ALLOW,
        )


def _constant(operation: str) -> str:
    """`DescribeConfigs` is DESCRIBE_CONFIGS."""
    return "".join(f"_{letter}" if letter.isupper() else letter for letter in operation).strip("_").upper()


_ANY_ACL = AclBindingFilter(
    ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
)


class Node:
    """The node seen by whoever may do everything on it."""

    def __init__(self, ports: dict[str, int], secrets: Path) -> None:
        self.ports = ports
        self.secrets = secrets
        client = {"bootstrap.servers": f"127.0.0.1:{ports['plain']}", "log_level": 0}
        self._admin = AdminClient(client)
        self._producer = Producer(client)

    def add_user(self, name: str, password: str = PASSWORD) -> None:
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        change = UserScramCredentialUpsertion(name, info, password.encode())
        for done in self._admin.alter_user_scram_credentials([change]).values():
            done.result(ANSWER_SECONDS)

    def allow(self, *rights: Right) -> None:
        wanted = [right.binding for right in rights]
        for done in self._admin.create_acls(wanted).values():
            done.result(ANSWER_SECONDS)
        deadline = time.monotonic() + ANSWER_SECONDS
        while not set(wanted) <= set(self._admin.describe_acls(_ANY_ACL).result(ANSWER_SECONDS)):
            assert time.monotonic() < deadline
            time.sleep(0.02)  # the controller has them a moment before the broker

    def create_topics(self, *names: str, partitions: int = 2) -> None:
        for done in self._admin.create_topics([NewTopic(name, partitions, 1) for name in names]).values():
            done.result(ANSWER_SECONDS)
        while not set(names) <= set(self._admin.list_topics(timeout=ANSWER_SECONDS).topics):
            time.sleep(0.02)

    def add_partitions(self, topic: str, total: int) -> None:
        for done in self._admin.create_partitions([NewPartitions(topic, total)]).values():
            done.result(ANSWER_SECONDS)

    def set_cleanup(self, policy: str, *topics: str) -> None:
        entry = ConfigEntry("cleanup.policy", policy, incremental_operation=AlterConfigOpType.SET)
        resources = [
            ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry]) for topic in topics
        ]
        for done in self._admin.incremental_alter_configs(resources).values():
            done.result(ANSWER_SECONDS)

    def committed(self, group: str, topic: str) -> int:
        """The sum of the offsets that the group has committed of the topic."""
        asked = ConsumerGroupTopicPartitions(group)
        (answer,) = self._admin.list_consumer_group_offsets([asked]).values()
        places = answer.result(ANSWER_SECONDS).topic_partitions
        return sum(place.offset for place in places if place.topic == topic and place.offset > 0)

    def send(
        self,
        topic: str,
        *values: bytes,
        key: bytes = b"key",
        headers: list[tuple[str, bytes]] | None = None,
    ) -> None:
        for value in values:
            self._producer.produce(topic, value, key, headers=headers or [])
        assert self._producer.flush(ANSWER_SECONDS) == 0

    def secret(self, name: str) -> str:
        return str(self.secrets / name)


@pytest.fixture(scope="session")
def node(java_and_jars: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """With a user `fraudwatch` (password PASSWORD) and the certificate fraudwatch.pem, neither with any right."""
    directory = tmp_path_factory.mktemp("secured")
    with ExitStack() as stack:
        ports = {
            name: _free_port(stack) for name in ("plain", "controller", "sasl", "ssl", "expired", "astray")
        }
    secrets = directory / "secrets"
    _make_expired(secrets)
    properties = directory / "strict.properties"
    properties.write_text(STRICT.format(**ports, secrets=secrets))
    environment = os.environ | {
        "KAFKA_PORT": str(ports["plain"]),
        "KAFKA_CONTROLLER_PORT": str(ports["controller"]),
        "KAFKA_SASL_PORT": str(ports["sasl"]),
        "KAFKA_SSL_PORT": str(ports["ssl"]),
        "KAFKA_PROPERTIES": str(properties),
    }
    try:
        _run(DEPLOY / "secured.sh", "start", directory, environment=environment)
        _run(DEPLOY / "secured.sh", "wait", directory)
        made = Node(ports, secrets)
        made.add_user("fraudwatch")
        yield made
    finally:
        _run(DEPLOY / "secured.sh", "stop", directory)


def _free_port(stack: ExitStack) -> int:
    holder = stack.enter_context(socket.socket())
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    return port


def _make_expired(secrets: Path) -> None:
    """A certificate of the same authority and name that ended yesterday."""
    certificates = DEPLOY / "certificates.sh"
    _run(certificates, secrets, "expired", "DNS:localhost")
    request, certificate = secrets / "expired.csr", secrets / "expired.pem"
    key = secrets / "expired.key"
    _run("openssl", "x509", "-x509toreq", "-in", certificate, "-signkey", key, "-copy_extensions", "copyall",
         "-out", request)  # fmt: skip
    _run("openssl", "x509", "-req", "-in", request, "-CA", secrets / "ca.pem", "-CAkey", secrets / "ca.key",
         "-days", "-1", "-copy_extensions", "copyall", "-out", certificate)  # fmt: skip
    (secrets / "expired.keystore.pem").write_text(key.read_text() + certificate.read_text())


def _run(*command: object, environment: dict[str, str] | None = None) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Configuration:
    """A configuration file of a test's own, with topics of its own; `.set` changes keys of its section kafka."""

    def __init__(self, node: Node, directory: Path, name: str) -> None:
        self._node = node
        self._directory = directory
        self.port = _any_port()
        self.topics = {
            topic: f"{name}.{topic}"
            for topic in ("review", "dead_letters", "transactions", "dispositions", "models", "snapshots")
        }
        self.source = f"{name}.source"
        self.group = f"{name}.group"
        self._is_intake = False
        self._kafka: dict[str, object] = {
            "group": self.group,
            "request_timeout": "4s",
            "session_timeout": "6s",
        }

    def allow_everything(self, user: str = "fraudwatch") -> None:
        """Every right on the topics and the group, for a user."""
        self._node.allow(
            *(Right(user, "topic", name, "All") for name in (self.source, *self.topics.values())),
            Right(user, "group", self.group, "All"),
        )

    def allow(self, user: str, rights: Iterable[tuple[str, str, str]]) -> None:
        """Rights as triples of kind, setting and operation."""
        self._node.allow(*(Right(user, kind, self.name_of(name), how) for kind, name, how in rights))

    def name_of(self, setting: str) -> str:
        """The name that a setting has here."""
        group = f"{self.group}-intake" if self._is_intake else self.group
        own = {"kafka.group": group, "source.topic": self.source, "sources": self.source}
        return own.get(setting) or self.topics[setting.removeprefix("topics.")]

    def as_of(self, role: str) -> Self:
        """For intake the source is one of several, though the only one."""
        self._is_intake = role == "intake"
        return self

    @property
    def user(self) -> str:
        return str(self._kafka["username"])

    def create_topics(self) -> None:
        self._node.create_topics(self.source, *self.topics.values())

    def set(self, **kafka: object) -> Self:
        """None takes a key out."""
        self._kafka |= kafka
        return self

    def over_sasl(self, user: str = "fraudwatch", password: str = PASSWORD) -> Self:
        """With the password in a file."""
        file = self._directory / f"password-{user}"
        file.touch(mode=0o600)
        file.write_text(password + "\n")
        return self.set(
            bootstrap_servers=f"localhost:{self._node.ports['sasl']}",
            security="sasl_ssl",
            ca_file=self._node.secret("ca.pem"),
            username=user,
            password_file=str(file),
        )

    def over_mutual_tls(self, certificate: str = "fraudwatch") -> Self:
        return self.set(
            bootstrap_servers=f"localhost:{self._node.ports['ssl']}",
            security="ssl",
            ca_file=self._node.secret("ca.pem"),
            certificate_file=self._node.secret(f"{certificate}.pem"),
            key_file=self._node.secret(f"{certificate}.key"),
        )

    @property
    def asked_port(self) -> str:
        return str(self._kafka["bootstrap_servers"]).rpartition(":")[2]

    def write(self) -> Path:
        path = self._directory / "fraudwatch.yaml"
        source = {"topic": self.source}
        content = {
            "kafka": {key: value for key, value in self._kafka.items() if value is not None},
            "topics": self.topics,
            **({"sources": {"one": source}} if self._is_intake else {"source": source}),
            "metrics": {"port": self.port},
            "training": {"min_transactions": 1_000_000},
        }
        path.write_text(yaml.safe_dump(content, allow_unicode=True))
        return path


def _any_port() -> int:
    with ExitStack() as stack:
        return _free_port(stack)


class Worker:
    """`fraudwatch worker`, or another command that stays, as a process."""

    def __init__(self, configuration: Configuration, directory: Path, command: str) -> None:
        self._address = f"http://127.0.0.1:{configuration.port}"
        self._log = directory / "worker.log"
        with self._log.open("wb") as log:
            words = [sys.executable, "-m", "fraudwatch", command, "--config", configuration.write()]
            self.process = subprocess.Popen(words, stdout=log, stderr=log, cwd=directory)

    @property
    def said(self) -> str:
        return self._log.read_text()

    def ask(self, path: str) -> str | None:
        """The text of a page with status 200."""
        try:
            with urllib.request.urlopen(self._address + path, timeout=5) as page:
                text: str = page.read().decode()
                return text
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            pass
        return None

    def until_ready(self, seconds: float = 45.0) -> None:
        deadline = time.monotonic() + seconds
        while self.ask("/ready") is None:
            if time.monotonic() > deadline or self.process.poll() is not None:
                pytest.fail(f"not ready within {seconds} s, or ended; it said:\n{self.said}")
            time.sleep(0.1)

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


@pytest.fixture
def configuration(node: Node, tmp_path: Path, unique_name: Callable[[str], str]) -> Configuration:
    return Configuration(node, tmp_path, unique_name("secured"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Starts a worker; what still runs at the end of the test is killed."""
    started: list[Worker] = []

    def start_worker(configuration: Configuration, command: str = "worker") -> Worker:
        started.append(Worker(configuration, tmp_path, command))
        return started[-1]

    yield start_worker
    for worker in started:
        if worker.process.poll() is None:
            worker.process.kill()
        worker.process.wait()


@pytest.fixture
def run() -> Callable[..., Result]:
    """A command in this process: `run(configuration, "lag", "--json")`."""

    def invoke(configuration: Configuration, *words: object) -> Result:
        arguments = [*map(str, words), "--config", str(configuration.write())]
        return CliRunner().invoke(main, arguments)

    return invoke
