"""Two Faust members on the real broker share the partitions of a topic and hand them over."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaProducer

PARTITIONS = 4
RECORDS = 4_000
START_SECONDS = 60
END_SECONDS = 20


class Member:
    """One worker process and what it journals."""

    def __init__(self, directory: Path, address: str, topic: str, group: str) -> None:
        directory.mkdir()
        self.journal = directory / "journal"
        self.journal.touch()
        self.log = directory / "log"
        program = Path(__file__).with_name("faust_member.py")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(program), address, topic, group, str(self.journal)],
                cwd=directory,
                stdout=log,
                stderr=log,
            )

    def lines(self, kind: str) -> list[list[str]]:
        text = self.journal.read_text()
        whole = text[: text.rfind("\n") + 1].splitlines()
        return [line.split()[1:] for line in whole if line.startswith(kind)]

    @property
    def partitions(self) -> set[int]:
        latest = self.lines("assigned")[-1:]
        return {int(partition) for line in latest for partition in line}

    @property
    def records(self) -> list[str]:
        return [value for _, _, value in self.lines("record")]


@pytest.fixture
def topic(kafka: str, unique_name: Callable[[str], str]) -> str:
    name = unique_name("two-members")
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    try:
        new = {name: {"num_partitions": PARTITIONS, "replication_factor": 1}}
        admin.create_topics(new, wait_for_metadata=True)
    finally:
        admin.close()
    return name


@pytest.fixture
def members(
    kafka: str, topic: str, tmp_path: Path, unique_name: Callable[[str], str]
) -> Iterator[tuple[Member, Member]]:
    group = unique_name("two-members")
    first = Member(tmp_path / "first", kafka, topic, group)
    second = Member(tmp_path / "second", kafka, topic, group)
    yield first, second
    for member in (first, second):
        member.process.terminate()
    for member in (first, second):
        try:
            member.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            member.process.kill()
            member.process.wait()


def until(condition: Callable[[], bool], seconds: float, members: tuple[Member, Member]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline or any(member.process.poll() for member in members):
            logs = "\n".join(member.log.read_text()[-2_000:] for member in members)
            pytest.fail(f"not within {seconds} s, or a member failed; they said:\n{logs}")
        time.sleep(0.05)


def test_two_members_share_the_partitions_and_the_one_that_stays_takes_over_without_loss(
    kafka: str, topic: str, members: tuple[Member, Member]
) -> None:
    leaving, staying = members
    everything = set(range(PARTITIONS))

    def shared() -> bool:
        halves = leaving.partitions, staying.partitions
        return all(halves) and not halves[0] & halves[1] and halves[0] | halves[1] == everything

    until(shared, START_SECONDS, members)
    assert len(leaving.partitions) == len(staying.partitions) == PARTITIONS // 2

    sent = [f"r{number}" for number in range(RECORDS)]
    producer = KafkaProducer(bootstrap_servers=kafka, linger_ms=5)
    try:
        for number, value in enumerate(sent):
            producer.send(topic, value.encode(), partition=number % PARTITIONS)
            if number == RECORDS // 2:
                producer.flush(timeout=10)
                # In mid-flow: records handed over, others on their way.
                until(lambda: len(leaving.records) > RECORDS // 16, 20, members)
                leaving.process.send_signal(signal.SIGTERM)
        producer.flush(timeout=10)
    finally:
        producer.close(timeout=10)

    assert leaving.process.wait(END_SECONDS) == 0
    until(lambda: staying.partitions == everything, START_SECONDS, members)
    until(lambda: {*leaving.records, *staying.records} == set(sent), START_SECONDS, members)
    assert 0 < len(leaving.records) < RECORDS
    assert staying.process.poll() is None
