"""One round: a crew, a driver, a schedule; then what came of it."""

import signal
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import evidence
import journal
import reference
import schedule
import verifier
from cluster import Cluster
from crew import Crew, Member
from driver import ACCOUNTS, Driver
from faults import Done, Faults
from histories import Held, of_dump
from journal import Live
from poison import defect
from schedule import Kind
from states import read_states

from fraudwatch import detection
from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.pipeline import Pipeline, TrainingSample, train
from fraudwatch.records import Chunk, Record
from fraudwatch.simulate import Plan, messages
from fraudwatch.stream.restored import restored

CONFIGURATION = Path(__file__).parents[2] / "configs" / "simulated.yaml"
PARTITIONS = 4
TRAINED_ON = 20_000
START_SECONDS, DRAIN_SECONDS = 240.0, 120.0
COORDINATOR_SECONDS = 30.0
POLL_SECONDS = 0.1
TOLD = {
    "kafka.session_timeout": "3s",
    "kafka.request_timeout": "5s",
    "stream.batch_records": "500",
    "stream.commit_every": "500ms",
    "stream.shutdown": "10s",
    "stream.poison_per_hour": "1000",
    "alerts.alerts_per_day": "60",
    "snapshots.every": "2s",
    "metrics.port": "0",
}
"""What a worker is told beside its topics: short waits, so that a round has room for many faults."""
GROWTH_KIB = 64 * 1024
"""What a process may grow by from soon after it went live until its end, while its histories grow too."""
SETTLED_SECONDS = 8
WIRE = {Kind.DELAY, Kind.RESET, Kind.BLACKHOLE, Kind.BROKER_KILL, Kind.FREEZE}
"""After these a client can send a second time what arrived at the first."""


class Trial(NamedTuple):
    """What is tried: `faults` out of `kinds`, against `rate` records a second. `order` is that of the members."""

    seed: int
    faults: int = 10
    rate: float = 400.0
    kinds: Sequence[Kind] = tuple(Kind)
    order: str = "right"


class Round(NamedTuple):
    """What came of one. `exits` counts exit codes by themselves; memory is the largest process, in KiB."""

    seed: int
    members: int
    records: int
    alerts: int
    faults: Counter[Kind]
    exits: Counter[int]
    verdict: verifier.Verdict
    slowest_recovery_seconds: float
    peak_kib: int


def line(each: Round) -> str:
    """A round in a line, and what it found in further ones."""
    codes = ", ".join(f"{count} × {code}" for code, count in sorted(each.exits.items()))
    said = (
        f"seed {each.seed}: {each.members} workers, {each.records:,} records, {each.alerts:,} alerts, "
        f"{each.faults.total()} faults, {each.verdict.duplicates} duplicates, slowest recovery "
        f"{each.slowest_recovery_seconds:.1f} s, at most {each.peak_kib // 1024} MiB, exits {codes or 'none'}"
    )
    return "\n".join([said, *(f"    {finding}" for finding in each.verdict.findings)])


def settings_of(address: str, name: str) -> Settings:
    """For a round of this name."""
    return load(CONFIGURATION, environ={}, overrides=_told(address, name))


def _told(address: str, name: str) -> dict[str, str]:
    own = ("review", "dead_letters", "dispositions", "models", "transactions", "snapshots")
    topics = {f"topics.{topic}": f"{name}.{topic}" for topic in own}
    source = {"kafka.bootstrap_servers": address, "kafka.group": name, "source.topic": f"{name}.source"}
    return source | topics | TOLD


def fit_model(directory: Path) -> Path:
    """One for all rounds, fitted on another stream of the same kind, unless it is there."""
    settings = settings_of("127.0.0.1:9092", "fit")
    if not (directory / "manifest.json").exists():
        sample = TrainingSample(settings.training)
        pipeline = Pipeline(settings, training=sample)
        values = [
            message.value
            for message in islice(messages(Plan(accounts=ACCOUNTS, days=400, seed=0)), TRAINED_ON)
        ]
        for begin in range(0, TRAINED_ON, 2_000):
            part = values[begin : begin + 2_000]
            pipeline.fold(
                Chunk.of([Record("fit", 0, begin + n, -1, None, value) for n, value in enumerate(part)])
            )
        directory.mkdir(parents=True, exist_ok=True)
        detection.write(detection.pack(train(settings, sample)), directory)
    return directory


def play(cluster: Cluster, model: Path, directory: Path, trial: Trial) -> Round:
    """From the first record to the verdict."""
    name = f"chaos-{trial.seed}-{uuid.uuid4().hex[:6]}"
    directory.mkdir(parents=True)
    settings = settings_of(cluster.direct, name)
    cluster.make_topics(settings, PARTITIONS)
    words = [f"--set={key}={value}" for key, value in _told(cluster.front, name).items()]
    words = ["worker", "--config", str(CONFIGURATION), "--model", str(model), *words]
    crew = Crew(
        [Member(directory, f"worker-{n}", trial.order, words) for n in range(schedule.members(trial.seed))]
    )
    driver = Driver(cluster.direct, settings.source.topic, PARTITIONS, trial.seed, trial.rate)
    findings: list[str] = []
    try:
        crew.start()
        driver.start()
        _await_first_commit(cluster, settings, crew)
        done = _disturb(cluster, crew, driver, trial)
        sent = driver.end()
        findings += _drain(cluster, settings, crew, directory)
        codes = crew.end()
    finally:
        crew.kill()
    findings += _ended_badly(codes, journal.read(directory / "journal"))
    log = evidence.read(cluster.direct, settings.source.topic)
    seen = verifier.Evidence(
        log=log,
        review=evidence.read(cluster.direct, settings.topics.review),
        letters=evidence.read(cluster.direct, settings.topics.dead_letters),
        commits=evidence.commits(cluster.direct, name, settings.source.topic),
        journal=journal.read(directory / "journal"),
        held=[*read_states(directory), *_restored(settings, log)],
        sent=sent,
    )
    positions = {(held.partition, held.position) for held in seen.held}
    expected = reference.folded(settings, model, seen.log, PARTITIONS, positions)
    is_wire_whole = not WIRE & {each.kind for each in done}
    verdict = verifier.judge(seen, expected, is_wire_whole=is_wire_whole)
    findings += _unheld(seen) + _grown(crew, seen.journal)
    return Round(
        seed=trial.seed,
        members=len(crew.members),
        records=len(seen.log),
        alerts=len(expected.raised),
        faults=Counter(each.kind for each in done),
        exits=crew.exits,
        verdict=verdict._replace(findings=[*verdict.findings, *findings]),
        slowest_recovery_seconds=max(
            (verifier.recovery_seconds(seen, each.healed_ms) for each in done), default=0.0
        ),
        peak_kib=max((sample.kib for samples in crew.memory.values() for sample in samples), default=0),
    )


def _await_first_commit(cluster: Cluster, settings: Settings, crew: Crew) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not all(_progress(cluster, settings)[0].values()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"no worker came to life within {START_SECONDS} s:\n{crew.members[0].said}")
        time.sleep(POLL_SECONDS)
    cluster.keep_commits()


def _disturb(cluster: Cluster, crew: Crew, driver: Driver, trial: Trial) -> list[Done]:
    at_work = Faults(cluster, crew, driver)
    for fault in schedule.drawn(trial.seed, trial.faults, trial.kinds):
        time.sleep(fault.pause)
        at_work.begin(fault)
    at_work.end()
    return at_work.done


def _drain(cluster: Cluster, settings: Settings, crew: Crew, directory: Path) -> list[str]:
    """Until every record is committed, and every partition read by somebody who has its state."""
    deadline = time.monotonic() + DRAIN_SECONDS
    at, ends = {0: 0}, {0: 1}
    while time.monotonic() < deadline:
        at, ends = _progress(cluster, settings)
        if at == ends and _read_by(crew, directory) == list(ends):
            return []
        time.sleep(POLL_SECONDS)
    left, read = sum(ends.values()) - sum(at.values()), _read_by(crew, directory)
    return [
        f"{DRAIN_SECONDS:.0f} s after the last fault {left} records are left, and partitions {read} are read"
    ]


def _read_by(crew: Crew, directory: Path) -> list[int]:
    """The partitions that the processes there are say they read."""
    said = {
        each.pid: each.partitions for each in journal.read(directory / "journal") if isinstance(each, Live)
    }
    pids = [member.process.pid for member in crew.members if member.process is not None]
    return sorted(partition for pid in pids for partition in said.get(pid, ()))


def _progress(cluster: Cluster, settings: Settings) -> tuple[dict[int, int], dict[int, int]]:
    """What is committed and where the log ends, by partition. A coordinator that is only just chosen is asked again."""
    places = [(settings.source.topic, partition) for partition in range(PARTITIONS)]
    deadline = time.monotonic() + COORDINATOR_SECONDS
    while True:
        try:
            return evidence.committed(cluster.direct, settings.kafka.group, places)
        except evidence.UnansweredError:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_SECONDS)


def _restored(settings: Settings, log: Sequence[evidence.Logged]) -> list[Held]:
    """What `fraudwatch state dump` says of every partition: from its newest snapshot, and the log from there on."""
    ends = {each.partition: each.offset + 1 for each in log}
    with defect():
        return [
            Held(partition, end, of_dump(restored(settings, partition, end, partitions=PARTITIONS)))
            for partition, end in ends.items()
        ]


def _ended_badly(codes: Mapping[int, int], entries: Sequence[journal.AnyEntry]) -> list[str]:
    """Of the members that were asked to end, by process; one that was only just started has nothing to end."""
    live = {each.pid for each in entries if isinstance(each, Live)}
    allowed = {pid: (0,) if pid in live else (0, -signal.SIGTERM) for pid in codes}
    return [
        f"a member that was asked to end did so with {code}"
        for pid, code in codes.items()
        if code not in allowed[pid]
    ]


def _unheld(seen: verifier.Evidence) -> list[str]:
    ends = {each.partition: each.offset + 1 for each in seen.log}
    held = Counter((each.partition, each.position) for each in seen.held)
    # Once by the member that read it, once by the bystander.
    missing = [place for place in sorted(ends.items()) if held[place] < 2]
    return [f"nobody held partition {partition} at its end, {end}" for partition, end in missing]


def _grown(crew: Crew, entries: Sequence[journal.AnyEntry]) -> list[str]:
    """Processes whose memory was not flat."""
    live: dict[int, int] = {}
    for each in entries:
        if isinstance(each, Live):
            live.setdefault(each.pid, each.ns)
    found = []
    for pid, samples in crew.memory.items():
        settled = live.get(pid, samples[-1].ns) + SETTLED_SECONDS * 1_000_000_000
        sizes = [sample.kib for sample in samples if sample.ns > settled]
        if sizes and sizes[-1] - sizes[0] > GROWTH_KIB:
            found.append(f"process {pid} grew by {sizes[-1] - sizes[0]:,} KiB while it was live")
    return found
