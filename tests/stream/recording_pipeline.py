"""A pipeline for the tests that writes down what it is given, and a model that is a name.

A record's value is JSON: `{"n": 7, "do": "alert"}`; `do` may be `alert`, `big_alert` (too large for a broker, the
shorter one is not), `slow` or `slow_alert` (the fold takes a second), `slow_to_restore` (a quarter of one, when not
live), `slow_to_load` (eight, from a snapshot), `hang` (it never ends) or `explode` (the fold raises, unless
JOURNAL.healed exists). Without an `account` it is one of the partition's own. Anything else is a dead letter. The
journal has one line a fold: `live|restored PARTITION FIRST LAST DIGEST MODEL`, the digest being a hash over all bytes
the state was made of; `loaded PARTITION RECORDS` for a state from a snapshot, `followed PARTITION SINCE UNTIL N…` for
the alerts it is brought in line with, `lost PARTITION` where history was lost.
"""

import hashlib
import math
import os
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np

from fraudwatch.config.settings import Settings, Trial
from fraudwatch.decode.columns import by_column
from fraudwatch.detection.versions import Bytes
from fraudwatch.errors import ArtefactError, SnapshotError, TrainingError
from fraudwatch.pipeline import Assessments, Batch
from fraudwatch.records import Chunk, DeadLetter, Outcome, Record, Refusal, Stage, Transaction
from fraudwatch.snapshots import Block, Blocks
from fraudwatch.stream.parts import Artefact

HISTORY_VERSION = 1


class FakeAlert(msgspec.Struct):
    alert_id: str
    n: int
    severity: str = "low"
    kind: str = "alert"
    sample: bool = False
    queue: str = "amount"
    lane: str | None = None
    long_list: str = ""


class FakeModel(msgspec.Struct):
    version: str
    span_ms: tuple[int, int] = (0, 1)


class FakeTraining:
    """Ready after as many records as the settings want, each a millisecond of event time.

    A sample of 666 records cannot be fitted on, and of one of 777 every later model is a bad one.
    """

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.seen = 0

    @property
    def progress(self) -> float:
        return min(1.0, self.seen / self.wanted)

    @property
    def is_ready(self) -> bool:
        return self.seen >= self.wanted

    @property
    def span_ms(self) -> tuple[int, int]:
        return 0, self.seen


class FakeComparison(msgspec.Struct):
    bad: float

    def objections(self, limits: Trial) -> list[str]:
        return ["it is a bad one"] if self.bad else []


class FakeTrial:
    """Over after as many records as the settings want; its report is how many there were."""

    def __init__(self, candidate: FakeModel, wanted: int) -> None:
        self.candidate = candidate
        self.wanted = wanted
        self.seen = 0

    @property
    def progress(self) -> float:
        return min(1.0, self.seen / self.wanted)

    @property
    def is_over(self) -> bool:
        return self.seen >= self.wanted

    @property
    def changes(self) -> dict[tuple[str, str], int]:
        return {("newly", "amount"): self.seen}

    def report(self) -> bytes:
        return str(self.seen).encode()

    def concluded(self, messages: Mapping[int, bytes]) -> FakeComparison | None:
        if sum(map(int, messages.values())) < self.wanted:
            return None
        return FakeComparison(float(self.candidate.version.startswith("bad")))


class RecordingPipeline:
    """One partition's state: a hash over everything folded into it."""

    def __init__(
        self, journal: Path, partition: int, wanted: int, model: FakeModel | None, tried: int = 100
    ) -> None:
        self.journal = journal
        self.partition = partition
        self.model = model
        self.training = FakeTraining(wanted)
        self.tried = tried
        self.trial: FakeTrial | None = None
        self.lifts = SimpleNamespace(is_due=False)
        self.policy = SimpleNamespace(edge=SimpleNamespace(raised_from=math.inf), budgets={})
        self._digest = hashlib.sha256()
        self._bytes = bytearray()
        self._accounts: set[str] = set()

    def use(self, model: FakeModel) -> None:
        if self.model is not None and model.version != self.model.version:
            self.trial = None
        self.model = model

    def try_out(self, candidate: FakeModel | None) -> None:
        self.trial = FakeTrial(candidate, self.tried) if candidate else None

    def fold(self, chunk: Chunk, *, publish: bool = True) -> Batch:
        records = [chunk.record(row) for row in range(len(chunk))]
        transactions: list[Transaction] = []
        offsets: list[int] = []
        letters: list[DeadLetter] = []
        alerts: list[FakeAlert] = []
        alert_ids: dict[int, str] = {}
        accounts: list[int] = []
        rows: list[int] = []
        for row, record in enumerate(records):
            self._take_in(record.value or b"none")
            self.training.seen += 1
            content = read(record.value)
            if content is None:
                letters.append(DeadLetter(record, Stage.DECODE, Refusal.NOT_JSON, "expected JSON"))
                continue
            self._do(content.get("do"), publish)
            account = content.get("account", f"a{self.partition}")
            if account not in self._accounts:
                self._accounts.add(account)
                accounts.append(zlib.crc32(account.encode()))
            transactions.append(Transaction(f"t{content['n']}", account, record.timestamp_ms, 100, "EUR"))
            offsets.append(record.offset)
            rows.append(row)
            if content.get("do") in ("alert", "big_alert", "slow_alert"):
                alert_ids[len(rows) - 1] = f"alert-{content['n']}"
                long_list = "x" * 1_100_000 if content["do"] == "big_alert" else ""
                if publish:
                    alerts.append(FakeAlert(f"alert-{content['n']}", content["n"], long_list=long_list))
        if self.trial is not None:
            self.trial.seen += len(records)
        self._write_down(records, publish)
        n = len(transactions)
        return Batch(
            records=len(records),
            assessments=Assessments(
                transactions=by_column(transactions, np.array(rows, np.int64), np.array(offsets, np.int64)),
                outcome=np.full(n, Outcome.UNSCORED_NO_MODEL.value, np.uint8),
                score=np.full(n, np.nan),
                strongest=np.full(n, -1, np.int16),
                reasons=(),
                alert_ids=alert_ids,
            ),
            dead_letters=letters,
            alerts=alerts,  # type: ignore[arg-type]
            cut=0,
            conflicts=0,
            stage_seconds={"decode": 0.0},
            new_accounts=np.array(accounts, np.int64),
        )

    def _take_in(self, value: bytes) -> None:
        self._digest.update(value)
        self._bytes += value

    @property
    def accounts(self) -> np.ndarray[Any, Any]:
        return np.array([zlib.crc32(account.encode()) for account in self._accounts], np.int64)

    def state(self) -> Blocks:
        """All bytes that were folded; unknown to every version but this one is a block of its own."""
        names = "\n".join(sorted(self._accounts)).encode()
        arrays = {
            "bytes": np.frombuffer(bytes(self._bytes), np.uint8),
            "accounts": np.frombuffer(names, np.uint8),
            "seen": np.array([self.training.seen], np.int64),
        }
        return {"history": Block(HISTORY_VERSION, arrays), "policy": Block(1, {})}

    def restore(self, blocks: Blocks) -> SimpleNamespace:
        """Raises SnapshotError for a history of another version."""
        history = blocks["history"]
        if history.version != HISTORY_VERSION:
            raise SnapshotError(f"expected history of version {HISTORY_VERSION}, found {history.version}")
        self._take_in(history.arrays["bytes"].tobytes())
        if b"slow_to_load" in self._bytes:
            self._line("loading", self.partition)
            time.sleep(8.0)
        self._accounts = set(history.arrays["accounts"].tobytes().decode().split())
        self.training.seen = int(history.arrays["seen"][0])
        self._line("loaded", self.partition, self.training.seen)
        known = {"history", "policy"}
        return SimpleNamespace(
            dropped=sorted(set(blocks) - known), anew=dict.fromkeys(known - set(blocks), "missing")
        )

    def follow(self, published: Iterable[bytes], *, since: int, until: int) -> int:
        numbers = [msgspec.json.decode(message, type=FakeAlert).n for message in published]
        self._line("followed", self.partition, since, until, *numbers)
        return 0

    def history_lost(self) -> int:
        self._line("lost", self.partition)
        return len(self._accounts)

    def _do(self, what: str | None, publish: bool) -> None:
        if what == "explode" and not self.journal.with_suffix(".healed").exists():
            raise RuntimeError("this record explodes")
        if what == "hang":
            time.sleep(3_600)
        if what == "slow_to_restore" and not publish:
            self._line("restoring", self.partition)
            time.sleep(0.25)
        if what in ("slow", "slow_alert") and publish:
            self._line("slow", self.partition)
            time.sleep(1.0)

    def _write_down(self, records: Sequence[Record], publish: bool) -> None:
        if records:
            kind = "live" if publish else "restored"
            version = self.model.version if self.model else "none"
            span = (records[0].offset, records[-1].offset)
            self._line(kind, self.partition, *span, self._digest.hexdigest(), version)

    def _line(self, *words: object) -> None:
        with self.journal.open("a") as file:
            file.write(" ".join(map(str, words)) + "\n")


def encode_shorter(alert: FakeAlert) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(alert, long_list=""))


def read(value: bytes | None) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = msgspec.json.decode(value or b"")
    except msgspec.DecodeError:
        return None
    return content


def fit(settings: Settings, sample: FakeTraining) -> Artefact:
    if settings.training.sample == 666:
        raise TrainingError("expected a better sample")
    is_bad = settings.training.sample == 777 and sample.seen >= 2 * sample.wanted
    name = f"{'bad' if is_bad else 'fitted'}-on-{sample.seen}"
    manifest = msgspec.json.encode({"version": name, "span_ms": sample.span_ms})
    return Bytes(manifest, os.urandom(2_000_000))


def load(artefact: Artefact) -> FakeModel:
    try:
        return msgspec.json.decode(artefact.manifest, type=FakeModel)
    except msgspec.DecodeError as error:
        raise ArtefactError(str(error)) from error
