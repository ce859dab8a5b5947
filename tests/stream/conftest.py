"""Topics of their own, workers as processes, and what the broker holds afterwards."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.loading import dump
from fraudwatch.config.settings import Kafka, Metrics, Settings, Snapshots, Source, Stream, Topics, Training

PROGRAM = Path(__file__).with_name("recording_worker.py")
CHUNK_PROGRAM = Path(__file__).with_name("chunk_member.py")
_PYTHONPATH = [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []
START_SECONDS = 30.0


class MemberProcess:
    """One member of a group, in a process of its own."""

    def __init__(self, settings: Settings, directory: Path, name: str, *command: str) -> None:
        self.settings = settings
        self.log = directory / f"{name}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdout=log,
                stderr=log,
                cwd=directory,
                env=os.environ | {"PYTHONPATH": os.pathsep.join([str(PROGRAM.parent), *_PYTHONPATH])},
            )

    def until(self, condition: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Waits for a condition while the process runs."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline or self.process.poll() is not None:
                pytest.fail(f"not within {seconds} s, or the process ended; it said:\n{self.said}")
            time.sleep(0.05)

    def end(self, seconds: float = 20.0, tell: str = "SIGTERM") -> int:
        """Asks it to end; the exit code."""
        self.process.send_signal(signal.Signals[tell])
        return self.process.wait(seconds)

    def ask(self, path: str) -> tuple[int, str]:
        """Status and text of a page of the metrics port."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.settings.metrics.port}{path}", timeout=5
            ) as page:
                return page.status, page.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def shows(self, line: str) -> bool:
        """Whether /metrics has this line."""
        return line in self.ask("/metrics")[1].splitlines()

    @property
    def is_ready(self) -> bool:
        return self.ask("/ready")[0] == 200

    @property
    def said(self) -> str:
        return self.log.read_text()


class WorkerProcess(MemberProcess):
    """One recording worker; `.journal` is shared by the workers of a test."""

    def __init__(self, settings: Settings, directory: Path, name: str, *more: str) -> None:
        self.journal = directory / "journal"
        self.journal.touch()
        configuration = directory / f"{name}.settings"
        configuration.write_bytes(pickle.dumps(settings))
        super().__init__(
            settings, directory, name, str(PROGRAM), str(configuration), str(self.journal), *more
        )

    def lines(self, kind: str) -> list[list[str]]:
        """The words after `kind` of each whole line of the journal."""
        text = self.journal.read_text()
        return [
            line.split()[1:] for line in text[: text.rfind("\n") + 1].splitlines() if line.split()[0] == kind
        ]

    def folded(self, kind: str = "live") -> list[tuple[int, int]]:
        """Partition and offset of each record folded so, in the order of folding."""
        return [
            (int(partition), offset)
            for partition, first, last, *_ in self.lines(kind)
            for offset in range(int(first), int(last) + 1)
        ]


class ChunkProcess(MemberProcess):
    """One chunk member; the journal is shared by the members of a test."""

    def __init__(self, settings: Settings, directory: Path, name: str, *topics: str) -> None:
        self.journal = directory / "journal"
        self.journal.touch()
        configuration = directory / f"{name}.settings"
        configuration.write_bytes(pickle.dumps(settings))
        super().__init__(
            settings, directory, name, str(CHUNK_PROGRAM), str(configuration), str(self.journal), *topics
        )

    def lines(self, kind: str) -> list[list[str]]:
        """The words after `kind` of each whole line of the journal."""
        text = self.journal.read_text()
        lines = [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]
        return [words[1:] for words in lines if words[0] == kind]

    def chunks(self) -> list[tuple[str, int, list[tuple[int, int]]]]:
        """Topic, partition and (offset, number) of each record of every chunk handled, in order."""
        return [
            (topic, int(partition), [tuple(map(int, record.split(":"))) for record in records])  # type: ignore[misc]
            for _, topic, partition, *records in self.lines("handled")
        ]

    def handled(self) -> Counter[tuple[str, int, int]]:
        """How often each record, by topic, partition and offset, was handled."""
        return Counter((topic, p, offset) for topic, p, records in self.chunks() for offset, _ in records)

    def numbers(self) -> Counter[int]:
        """How often each number was handled."""
        return Counter(number for _, _, records in self.chunks() for _, number in records)

    @property
    def holds(self) -> str:
        return self.ask("/ready")[1]


class IntakeProcess(MemberProcess):
    """`fraudwatch intake` as people start it."""

    def __init__(self, settings: Settings, directory: Path, name: str) -> None:
        configuration = directory / f"{name}.yaml"
        configuration.write_text(dump(settings), encoding="utf-8")
        super().__init__(
            settings, directory, name, "-m", "fraudwatch", "intake", "--config", str(configuration)
        )


class Broker:
    """What a test sees of Kafka from outside: its own topics."""

    def __init__(self, address: str, settings: Settings) -> None:
        self._client = {"bootstrap.servers": address}
        self.settings = settings

    def create_topics(
        self, partitions: int, *, only: tuple[str, ...] | None = None, refusing: str | None = None
    ) -> None:
        """The topics of the settings, or only those named; for `refusing` every message is too large.

        It is made so: a topic that is changed goes on taking messages for a moment.
        """
        topics = self.settings.topics
        own = (
            topics.review,
            topics.dead_letters,
            topics.models,
            topics.dispositions,
            topics.snapshots,
        )
        names = only or (self.settings.source.topic, *own)
        admin = AdminClient(self._client)
        wanted = [
            NewTopic(name, partitions, 1, config={"max.message.bytes": "1"} if name == refusing else {})
            for name in names
        ]
        for created in admin.create_topics(wanted).values():
            created.result(20)
        while not set(names) <= set(admin.list_topics(timeout=10).topics):
            time.sleep(0.05)  # the broker has them once its metadata says so

    def send(
        self,
        values: list[bytes | None],
        partition: int = 0,
        topic: str | None = None,
        timestamp_ms: int | None = None,
        key: bytes | None = b"account",
    ) -> None:
        producer = Producer(self._client | {"enable.idempotence": True, "message.max.bytes": 2_000_000})
        more = {} if timestamp_ms is None else {"timestamp": timestamp_ms}
        for value in values:
            producer.produce(topic or self.settings.source.topic, value, key, partition, **more)
        assert producer.flush(20) == 0

    def send_as_java_does(self, topic: str, keys: list[bytes]) -> None:
        """An empty record for each key, where Kafka's own clients would put it."""
        producer = Producer(self._client | {"partitioner": "murmur2_random"})
        for key in keys:
            producer.produce(topic, b"", key)
        assert producer.flush(20) == 0

    def send_keyed(self, topic: str, messages: list[tuple[bytes, bytes]]) -> None:
        """To partition 0 of a topic."""
        producer = Producer(self._client | {"enable.idempotence": True})
        for key, value in messages:
            producer.produce(topic, value, key, 0)
        assert producer.flush(20) == 0

    def commit(self, offsets: dict[int, int]) -> None:
        """As if the group had acknowledged up to these offsets of the source."""
        consumer = Consumer(self._client | {"group.id": self.settings.kafka.group})
        topic = self.settings.source.topic
        deadline = time.monotonic() + 20
        try:
            while True:
                try:
                    places = [
                        TopicPartition(topic, partition, offset) for partition, offset in offsets.items()
                    ]
                    consumer.commit(offsets=places, asynchronous=False)
                    return
                except KafkaException:  # the coordinator of a fresh node is still being made
                    assert time.monotonic() < deadline
        finally:
            consumer.close()

    def read(self, topic: str) -> list[Message]:
        """Every record of a topic, partition by partition."""
        consumer = Consumer(self._client | {"group.id": "reader", "enable.auto.commit": False})
        try:
            partitions = consumer.list_topics(topic, 10).topics[topic].partitions
            records = []
            for place in [TopicPartition(topic, partition, 0) for partition in sorted(partitions)]:
                _, end = consumer.get_watermark_offsets(place, 10)
                consumer.assign([place])
                found: list[Message] = []
                while len(found) < end:
                    found += consumer.consume(end, 1)
                records += found
            return records
        finally:
            consumer.close()

    def committed(self, topic: str | None = None, group: str | None = None) -> dict[int, int]:
        """The group's committed offset of each partition of a topic, the source's by default, that has one."""
        consumer = Consumer(self._client | {"group.id": group or self.settings.kafka.group})
        try:
            topic = topic or self.settings.source.topic
            places = [
                TopicPartition(topic, p) for p in consumer.list_topics(topic, 10).topics[topic].partitions
            ]
            return {p.partition: p.offset for p in consumer.committed(places, 10) if p.offset >= 0}
        except KafkaException:
            return {}  # the first group of a fresh node: its coordinator is still being made
        finally:
            consumer.close()


@pytest.fixture
def numbered() -> Callable[..., list[bytes | None]]:
    return numbered_records


def numbered_records(first: int, last: int, do: str | None = None) -> list[bytes | None]:
    """Records `first` to `last` inclusive."""
    more = {"do": do} if do else {}
    return [json.dumps({"n": n, **more}).encode() for n in range(first, last + 1)]


@pytest.fixture
def settings(kafka: str, unique_name: Callable[[str], str], free_port: Callable[[], int]) -> Settings:
    name = unique_name("stream")
    return Settings(
        kafka=Kafka(bootstrap_servers=kafka, group=name, session_timeout=Duration(6_000)),
        topics=Topics(
            review=f"{name}.review",
            dead_letters=f"{name}.dead",
            dispositions=f"{name}.dispositions",
            models=f"{name}.models",
            snapshots=f"{name}.snapshots",
        ),
        source=Source(topic=f"{name}.source"),
        training=Training(min_transactions=1_000_000),
        stream=Stream(batch_records=64, commit_every=Duration(500)),
        # Each start folds the whole log; tests of snapshots take them.
        snapshots=Snapshots(every=Duration(0)),
        metrics=Metrics(port=free_port()),
    )


@pytest.fixture
def shorter_shutdown(settings: Settings) -> Settings:
    return replace(settings, stream=replace(settings.stream, shutdown=Duration(2_000)))


@pytest.fixture
def broker(kafka: str, settings: Settings) -> Broker:
    return Broker(kafka, settings)


@pytest.fixture
def broker_of() -> Callable[[Settings], Broker]:
    """The Kafka that some settings name."""
    return lambda settings: Broker(settings.kafka.bootstrap_servers, settings)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Starts a worker; what still runs at the end of the test is killed."""
    started: list[WorkerProcess] = []

    def start_worker(settings: Settings, *more: str, **changes: Any) -> WorkerProcess:
        name = f"worker-{len(started)}"
        started.append(WorkerProcess(replace(settings, **changes), tmp_path, name, *more))
        return started[-1]

    yield start_worker
    _kill(started)


@pytest.fixture
def start_intake(tmp_path: Path) -> Iterator[Callable[..., IntakeProcess]]:
    """Starts intake; what still runs at the end of the test is killed."""
    started: list[IntakeProcess] = []

    def start(settings: Settings, **changes: Any) -> IntakeProcess:
        started.append(IntakeProcess(replace(settings, **changes), tmp_path, f"intake-{len(started)}"))
        return started[-1]

    yield start
    _kill(started)


@pytest.fixture
def start_member(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Callable[..., ChunkProcess]]:
    """Starts a member on these topics; what still runs at the end of the test is killed."""
    started: list[ChunkProcess] = []

    def start(settings: Settings, *topics: str) -> ChunkProcess:
        settings = replace(settings, metrics=replace(settings.metrics, port=free_port()))
        names = topics or (settings.source.topic,)
        started.append(ChunkProcess(settings, tmp_path, f"member-{len(started)}", *names))
        return started[-1]

    yield start
    _kill(started)


def _kill(started: Sequence[MemberProcess]) -> None:
    for member in started:
        if member.process.poll() is None:
            member.process.kill()
        member.process.wait()
