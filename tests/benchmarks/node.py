"""The real broker of a measurement: one node of deploy/kafka, its topics, and how far a group has committed."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from prepared import ROOT
from reporting import say

from fraudwatch.simulate import Message

KAFKA_SH = ROOT / "deploy" / "kafka" / "kafka.sh"
KAFKA_LIB = KAFKA_SH.parent / ".lib"
COORDINATOR_MOVES = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
COORDINATOR_SECONDS = 30


@contextmanager
def kafka_node() -> Iterator[str]:
    """`host:port` of a node that ends with the block, and its data with it."""
    directory = Path(tempfile.mkdtemp(prefix="fraudwatch-bench-kafka-"))
    with ExitStack() as stack:
        ports = [_free_port(stack) for _ in range(2)]
    environment = os.environ | {"KAFKA_PORT": str(ports[0]), "KAFKA_CONTROLLER_PORT": str(ports[1])}
    environment["KAFKA_HEAP"] = "1g"
    say("starting Kafka")
    try:
        address = _kafka_sh("start", directory, environment).strip()
        _kafka_sh("wait", directory, environment)
        yield address
    finally:
        _kafka_sh("stop", directory, environment)
        shutil.rmtree(directory, ignore_errors=True)


@cache
def _admin(address: str) -> AdminClient:
    return AdminClient({"bootstrap.servers": address, "log_level": 0})


def make_topics(address: str, names: Sequence[str], partitions: int) -> None:
    """Topics that keep everything."""
    new = [NewTopic(name, num_partitions=partitions, config={"retention.ms": "-1"}) for name in names]
    for made in _admin(address).create_topics(new).values():
        made.result()


def fill(address: str, topic: str, messages: Iterable[Message]) -> int:
    """Send them keyed by account, as fast as it goes; how many."""
    producer = Producer(
        {"bootstrap.servers": address, "linger.ms": 50, "batch.size": 1_000_000, "acks": "all"}
    )
    failed: list[Any] = []
    count = 0

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failed.append(error)

    for message in messages:
        while True:
            try:
                producer.produce(topic, message.value, message.key, on_delivery=delivered)
                break
            except BufferError:
                producer.poll(0.05)
        count += 1
        if count % 1_000 == 0:
            producer.poll(0)
        if count % 500_000 == 0:
            say(f"{count:,} records sent to {topic}")
    producer.flush()
    if failed:
        raise RuntimeError(f"{len(failed)} records were not delivered, such as {failed[0]}")
    return count


class Committed:
    """The committed offsets of a group, asked from outside: the same measure for every program."""

    def __init__(self, address: str, topic: str, group: str, partitions: int) -> None:
        self._consumer = Consumer({"bootstrap.servers": address, "group.id": group})
        self._places = [TopicPartition(topic, partition) for partition in range(partitions)]

    def offsets(self) -> list[int]:
        """By partition; 0 where nothing was committed yet. A coordinator that is only just chosen is asked again."""
        deadline = time.monotonic() + COORDINATOR_SECONDS
        while True:
            try:
                return [max(place.offset, 0) for place in self._consumer.committed(self._places, timeout=30)]
            except KafkaException as error:
                if error.args[0].code() not in COORDINATOR_MOVES or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def close(self) -> None:
        """Leaves nothing open."""
        self._consumer.close()


def ends_of(address: str, topic: str, partitions: int) -> list[int]:
    """Where each partition of a topic ends."""
    consumer = Consumer({"bootstrap.servers": address, "group.id": "ends"})
    try:
        places = [TopicPartition(topic, partition) for partition in range(partitions)]
        return [consumer.get_watermark_offsets(place, timeout=10)[1] for place in places]
    finally:
        consumer.close()


def members_with_partitions(address: str, group: str) -> int:
    """How many members of a group were given something to read."""
    described = _admin(address).describe_consumer_groups([group])[group].result()
    return sum(bool(member.assignment.topic_partitions) for member in described.members)


def _kafka_sh(action: str, directory: Path, environment: dict[str, str]) -> str:
    command = [str(KAFKA_SH), action, str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)
    if done.returncode:
        raise RuntimeError(f"kafka.sh {action}: {done.stderr.strip()}")
    return done.stdout


def _free_port(stack: ExitStack) -> int:
    holder = stack.enter_context(socket.socket())
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    return port


def free_port() -> int:
    """A port that was free a moment ago."""
    with ExitStack() as stack:
        return _free_port(stack)
