"""The broker that is hit: one node of deploy/kafka, which workers see through a proxy and everybody else directly."""

import os
import random
import signal
import socket
import subprocess
from pathlib import Path

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from proxy import Proxy

from fraudwatch.broker import topics
from fraudwatch.config.settings import Settings

KAFKA_SH = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka.sh"
# Below the ephemeral ports: a client that calls a dead broker again and again could otherwise reach itself.
PORTS = range(20_000, 32_000)
A_DAY_MS = 86_400_000


class Cluster:
    """`direct` is where the driver and the verifier connect, `front` where the workers do."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        port, behind, controller, front = free_ports(4)
        self.direct, self.front = f"127.0.0.1:{port}", f"127.0.0.1:{front}"
        self.proxy = Proxy(front, behind)
        directory.mkdir(parents=True, exist_ok=True)
        properties = directory / "chaos.properties"
        properties.write_text(
            f"listeners=PLAINTEXT://{self.direct},WORKERS://127.0.0.1:{behind},"
            f"CONTROLLER://127.0.0.1:{controller}\n"
            f"advertised.listeners=PLAINTEXT://{self.direct},WORKERS://{self.front}\n"
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,WORKERS:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
            "inter.broker.listener.name=PLAINTEXT\n"
        )
        self._environment = os.environ | {
            "KAFKA_PORT": str(port),
            "KAFKA_CONTROLLER_PORT": str(controller),
            "KAFKA_PROPERTIES": str(properties),
            "KAFKA_WAIT_SECONDS": "180",
        }

    def start(self) -> None:
        """Answers when it returns, and the wire is there."""
        self.raise_again()
        self.proxy.start()

    def kill(self) -> None:
        """SIGKILL: what it had not written is gone."""
        os.kill(int((self._directory / "pid").read_text()), signal.SIGKILL)
        self._run("stop")  # waits for its end and clears up

    def raise_again(self) -> None:
        """The node on the data it has; answers when it returns."""
        self._run("start")
        self._run("wait")

    def stop(self) -> None:
        """Asked to end."""
        self.proxy.close()
        self._run("stop")

    def make_topics(self, settings: Settings, partitions: int) -> None:
        """Those of the settings; the broker says when it took each record, and keeps all it took."""
        topics.apply(settings, partitions=partitions)
        names = (settings.source.topic, settings.topics.review, settings.topics.dead_letters)
        kept = {"min.compaction.lag.ms": str(A_DAY_MS)}
        for name in names:
            self._set(name, {"message.timestamp.type": "LogAppendTime"} | kept)

    def keep_commits(self) -> None:
        """Every commit stays readable. The topic is there once a group was."""
        self._set("__consumer_offsets", {"min.compaction.lag.ms": str(A_DAY_MS)})

    def _set(self, topic: str, changes: dict[str, str]) -> None:
        entries = [
            ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
            for name, value in changes.items()
        ]
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=entries)
        admin = AdminClient({"bootstrap.servers": self.direct, "log_level": 0})
        for changed in admin.incremental_alter_configs([resource]).values():
            changed.result(20)

    def _run(self, action: str) -> None:
        command = [str(KAFKA_SH), action, str(self._directory)]
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300, env=self._environment
        )
        if done.returncode:
            raise RuntimeError(f"kafka.sh {action}: {done.stderr.strip()}")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that were free a moment ago."""
    found: list[int] = []
    for port in random.SystemRandom().sample(PORTS, 1_000):
        with socket.socket() as holder:
            try:
                holder.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError(f"expected {count} free ports among {PORTS}, found {len(found)}")
