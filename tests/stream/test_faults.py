"""What happens outside: a broker that dies, freezes or stays away, a topic that is deleted; on a node of its own."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings
from fraudwatch.stream.process import OVERDUE

Start = Callable[..., Any]
Numbered = Callable[..., list[bytes | None]]

KAFKA_SH = Path(__file__).parents[2] / "deploy" / "kafka" / "kafka.sh"


class Node:
    """A broker that may be hurt."""

    def __init__(self, directory: Path, port: int, controller_port: int) -> None:
        self._directory = directory
        self._environment = os.environ | {
            "KAFKA_PORT": str(port),
            "KAFKA_CONTROLLER_PORT": str(controller_port),
            "KAFKA_HEAP": "256m",
        }
        self.address = f"127.0.0.1:{port}"

    def start(self) -> None:
        self._run("start")
        self._run("wait")

    def stop(self) -> None:
        self.signal(signal.SIGCONT)
        self._run("stop")

    def signal(self, what: signal.Signals) -> None:
        pid = self._directory / "pid"
        if pid.exists():
            os.kill(int(pid.read_text()), what)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._run("stop")  # until it is gone

    def _run(self, action: str) -> None:
        done = subprocess.run(
            [str(KAFKA_SH), action, str(self._directory)],
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            env=self._environment,
        )
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def ports(free_port: Callable[[], int]) -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="module")
def made(
    java_and_jars: None, ports: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    node = Node(tmp_path_factory.mktemp("hurt"), *ports)
    node.start()
    yield node
    node.stop()


@pytest.fixture
def node(made: Node) -> Iterator[Node]:
    """As good as new again afterwards."""
    yield made
    made.signal(signal.SIGCONT)
    if not (made._directory / "pid").exists():
        made.start()


@pytest.fixture
def hurt(settings: Settings, node: Node) -> Settings:
    """Settings of the node, with less patience."""
    kafka = replace(settings.kafka, bootstrap_servers=node.address, request_timeout=Duration(3_000))
    stream = replace(settings.stream, shutdown=Duration(4_000))
    return replace(settings, kafka=kafka, stream=stream)


def test_a_broker_that_is_killed_and_comes_back_under_load_stops_nothing_for_good(
    hurt: Settings, broker_of: Callable[[Settings], Any], node: Node, numbered: Numbered, start: Start
) -> None:
    broker = broker_of(hurt)
    broker.create_topics(2)
    # Longer than the broker is away: what is on its way is then sent again, and the worker is a member still.
    patient = replace(hurt.kafka, request_timeout=Duration(30_000), session_timeout=Duration(30_000))
    hurt = replace(hurt, kafka=patient)
    worker = start(hurt)
    for partition in range(2):
        broker.send(numbered(1, 400, "alert"), partition=partition)
    worker.until(lambda: len(worker.lines("live")) > 2)
    node.kill()
    node.start()
    for partition in range(2):
        broker.send(numbered(401, 500, "alert"), partition=partition)
    worker.until(lambda: broker.committed() == {0: 500, 1: 500}, 60)
    assert worker.end() == 0
    for partition in range(2):
        alerts = {a.key() for a in broker.read(hurt.topics.review) if a.partition() == partition}
        assert alerts == {b"alert-%d" % n for n in range(1, 501)}


def test_a_delivery_that_hangs_for_longer_than_a_request_may_ends_the_worker_and_a_restart_loses_nothing(
    hurt: Settings, broker_of: Callable[[Settings], Any], node: Node, numbered: Numbered, start: Start
) -> None:
    broker = broker_of(hurt)
    worker = frozen_in_delivery(hurt, broker, node, numbered, start)
    assert worker.process.wait(30) in (1, OVERDUE)
    assert f"expected {hurt.topics.review} to acknowledge what was sent" in worker.said
    node.signal(signal.SIGCONT)
    assert broker.committed() == {0: 5}
    second = start(hurt)
    second.until(lambda: broker.committed() == {0: 20})
    alerts = {alert.key() for alert in broker.read(hurt.topics.review)}
    assert alerts == {b"alert-%d" % n for n in range(6, 21)}


def test_a_delivery_that_hangs_does_not_outlive_the_deadline_of_a_worker_that_is_asked_to_end(
    hurt: Settings, broker_of: Callable[[Settings], Any], node: Node, numbered: Numbered, start: Start
) -> None:
    hurt = replace(hurt, kafka=replace(hurt.kafka, request_timeout=Duration(60_000)))
    worker = frozen_in_delivery(hurt, broker_of(hurt), node, numbered, start)
    began = time.monotonic()
    assert worker.end(20) == OVERDUE
    assert 3 < time.monotonic() - began < 10
    assert "not ended within stream.shutdown: cut off" in worker.said


def frozen_in_delivery(hurt: Settings, broker: Any, node: Node, numbered: Numbered, start: Start) -> Any:
    """A worker with alerts on their way to a broker that says nothing any more."""
    broker.create_topics(1)
    worker = start(hurt)
    broker.send(numbered(1, 5))
    worker.until(lambda: broker.committed() == {0: 5})
    broker.send([*numbered(6, 6, "slow_alert"), *numbered(7, 20, "alert")])
    worker.until(lambda: len(worker.lines("slow")) == 1)
    node.signal(signal.SIGSTOP)
    return worker


def test_a_broker_that_stays_away_ends_the_worker_after_a_stated_time(
    hurt: Settings, broker_of: Callable[[Settings], Any], node: Node, numbered: Numbered, start: Start
) -> None:
    broker = broker_of(hurt)
    broker.create_topics(1)
    worker = start(replace(hurt, stream=replace(hurt.stream, give_up_after=Duration(5_000))))
    broker.send(numbered(1, 5))
    worker.until(lambda: broker.committed() == {0: 5})
    node.kill()
    assert worker.process.wait(25) == OVERDUE
    assert "longer than stream.give_up_after: cut off" in worker.said


def test_a_source_that_is_deleted_ends_the_worker_with_a_message(
    hurt: Settings, broker_of: Callable[[Settings], Any], numbered: Numbered, start: Start
) -> None:
    broker = broker_of(hurt)
    broker.create_topics(1)
    worker = start(hurt)
    broker.send(numbered(1, 5))
    worker.until(lambda: broker.committed() == {0: 5})
    admin = AdminClient({"bootstrap.servers": hurt.kafka.bootstrap_servers})
    for deleted in admin.delete_topics([hurt.source.topic]).values():
        deleted.result(20)
    assert worker.process.wait(25) in (1, OVERDUE)
    assert f"expected to go on reading {hurt.source.topic}, found that it was deleted" in worker.said
    assert len(worker.said) < 100_000
