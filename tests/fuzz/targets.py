"""What is fuzzed: for each target a function of bytes that raises only on a defect, its seeds, and its share.

Records (the source formats), configuration, artefacts, snapshots, messages that people and other systems write, and
files.
"""

import gzip
import os
import tempfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import msgspec
import numpy as np
import planted
import seeds
from artefacts import Forge
from chunks import both_ways
from feeds import RS, direct, fitted, ordinary, several
from kept_states import SnapshotForge
from shares import SHARES

from fraudwatch import alerts
from fraudwatch.alerts import dispositions
from fraudwatch.config.loading import dump, fingerprint, load
from fraudwatch.config.settings import Accounts, Settings, Source
from fraudwatch.decode import Decoder, SourceDecoder, read_rows
from fraudwatch.decode.clients import read_clients
from fraudwatch.decode.letters import dead_letter_headers, parse_dead_letter
from fraudwatch.detection.versions import Register
from fraudwatch.errors import (
    ArtefactError,
    BrokerError,
    ConfigurationError,
    FraudwatchError,
    UnusableInputError,
)
from fraudwatch.pipeline import Pipeline
from fraudwatch.records import NO_TIMESTAMP, Chunk, DeadLetter, Reason, Record, Transaction

Run = Callable[[bytes], None]


class Target(NamedTuple):
    """One of them, ready to run. `longest` bounds an input in bytes; `words` are worth putting in."""

    name: str
    run: Run
    seeds: list[bytes]
    words: list[bytes]
    share: int
    longest: int


def make(name: str) -> Target:
    """The target of that name, warmed up by its first seed (which compiles kernels). Raises KeyError."""
    maker, longest = {**_MAKERS, **planted.MAKERS}[name]
    run = maker()
    inputs = seeds.inputs(name)
    run(inputs[0])
    longest = max(longest, *map(len, inputs))
    return Target(name, run, inputs, seeds.words(name), SHARES.get(name, 0), longest)


def _check_message(error: FraudwatchError) -> None:
    """A refusal is words for a person."""
    assert str(error).strip()


class _Scratch:
    """A file that is written anew for each input, in memory where the system has such a place."""

    def __init__(self) -> None:
        place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._directory = tempfile.TemporaryDirectory(prefix="fraudwatch-fuzz-", dir=place)

    def write(self, name: str, data: bytes) -> Path:
        path = Path(self._directory.name, name)
        path.write_bytes(data)
        return path


def _settings() -> Run:
    """A configuration file: settings or ConfigurationError; what is accepted can be worked with."""
    scratch = _Scratch()

    def run(data: bytes) -> None:
        try:
            settings = load(scratch.write("fuzz.yaml", data), {})
        except ConfigurationError as error:
            _check_message(error)
            return
        _can_be_worked_with(settings)
        again = scratch.write("again.yaml", dump(settings).encode())
        if settings.kafka.password is None:
            assert load(again, {}) == settings
        assert fingerprint(settings)

    return run


def _environment() -> Run:
    """Variables of the environment and overrides over a file: lines NAME=value."""
    file = _Scratch().write("empty.yaml", b"")

    def run(data: bytes) -> None:
        lines = data.replace(b"\0", b"").decode("utf-8", "surrogateescape").split("\n")
        pairs = dict(line.partition("=")[::2] for line in lines if "=" in line)
        variables = {name: text for name, text in pairs.items() if not name.startswith("-")}
        overrides = {name[1:]: text for name, text in pairs.items() if name.startswith("-")}
        try:
            settings = load(file if file.exists() else None, variables, overrides)
        except ConfigurationError as error:
            _check_message(error)
            return
        _can_be_worked_with(settings)
        assert fingerprint(settings)
        dump(settings)

    return run


def _can_be_worked_with(settings: Settings) -> None:
    """Decoders are made or refused in words; a partition takes in a few records, and an alert can be raised."""
    try:
        Decoder(settings)
        decoders = [SourceDecoder(settings, source, name) for name, source in settings.sources.items()]
    except ConfigurationError as error:
        _check_message(error)
        return
    for decoder in decoders:
        decoder.decode(_RECORDS[0])
    pipeline = Pipeline(settings)
    batch = pipeline.fold(Chunk.of(_RECORDS))
    assert batch.records == len(batch.dead_letters) + len(batch.assessments.transactions)
    pipeline.policy.use(np.linspace(9.0, 0.0, 500), 500.0, "fuzz")
    reasons = tuple(Reason(spec, 4.0, 4.0, 7.0, None) for spec in pipeline.catalogue.specs)
    decision = pipeline.policy.judge(_TRANSACTION, 0, 50.0, lambda: reasons, account=1)
    assert decision is not None
    alerts.compose(decision, (), topic="t", currency=settings.currency, configuration=fingerprint(settings))


_TRANSACTION = Transaction("t", "a", 1_717_243_200_000, 1_250, "EUR")
_RECORDS = [
    Record("t", 0, place, NO_TIMESTAMP, None, value) for place, value in enumerate(seeds.CANONICAL.values())
]


def _mapping() -> Run:
    """A source as msgspec types it, unchecked: decoders or ConfigurationError; what is made decodes anything.

    The first record of the input is the source as JSON, the others are records for it.
    """

    def run(data: bytes) -> None:
        written, *values = data.split(RS)
        try:
            source = msgspec.json.decode(written, type=Source)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        settings = Settings(rates={"USD": {"2024-01-01": 0.9}})
        try:
            decoder = SourceDecoder(settings, source, "fuzzed")
        except ConfigurationError as error:
            _check_message(error)
            return
        for value in [*values, written]:
            decoded = decoder.decode(Record("t", 0, 0, NO_TIMESTAMP, None, value))
            assert isinstance(decoded, list | DeadLetter)

    return run


def _forge() -> Forge:
    settings = load(None, {})
    return Forge(settings, fitted(settings), list(islice(ordinary(), 4)))


def _snapshot_forge() -> SnapshotForge:
    return SnapshotForge(list(islice(ordinary(), 30)))


def _dispositions() -> Run:
    """What is read validates against the published schema, and is written and read back the same."""
    validator = jsonschema.Draft202012Validator(dispositions.schema())

    def run(data: bytes) -> None:
        try:
            read = dispositions.read(data)
        except UnusableInputError as error:
            _check_message(error)
            return
        assert dispositions.read(dispositions.encode(read)) == read
        validator.validate(msgspec.json.decode(data))
        assert read.key
        assert len(dispositions.standing([read, read])) == (read.kind != "undo")
        try:
            undone = dispositions.undo(read, note="fuzz", who="fuzz", given_at_ms=0)
        except UnusableInputError:
            return
        assert dispositions.standing([read, undone]) == []

    return run


def _alerts() -> Run:
    def run(data: bytes) -> None:
        try:
            alert = alerts.read(data)
        except UnusableInputError as error:
            _check_message(error)
            return
        assert alerts.read(alerts.encode(alert)) == alert

    return run


def _dead_letters() -> Run:
    """Headers as they come from Kafka: lines `name=value`, then a line `=` and the bytes of the record."""

    def run(data: bytes) -> None:
        written, _, value = data.partition(b"\n=\n")
        pairs = [line.partition(b"=") for line in written.split(b"\n")]
        headers = [(name.decode("utf-8", "replace"), said if mark else None) for name, mark, said in pairs]
        try:
            letter = parse_dead_letter(value, None, headers)
        except BrokerError as error:
            _check_message(error)
            return
        assert letter.record.value == value
        assert parse_dead_letter(value, None, dead_letter_headers(letter)) == letter

    return run


def _models() -> Run:
    """Messages of the models topic: key, the byte 0x1f, value (none without that byte); RS between messages."""

    def run(data: bytes) -> None:
        register = Register()
        for message in data.split(RS):
            key, mark, value = message.partition(b"\x1f")
            try:
                register.add(key or None, value if mark else None)
                for pointer in filter(None, (register.in_use, register.candidate)):
                    whole = register.shelf.artefact(pointer)
                    assert (len(whole.manifest), len(whole.arrays)) == (
                        pointer.manifest_bytes,
                        pointer.arrays_bytes,
                    )
            except ArtefactError as error:
                _check_message(error)

    return run


_KINDS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("rows.csv", bytes),
    ("rows.jsonl", bytes),
    ("rows.csv.gz", bytes),
    ("rows.jsonl.gz", bytes),
    ("rows.csv.gz", lambda data: gzip.compress(data, 1)),
    ("clients", bytes),
)


def _files() -> Run:
    """A file of rows, packed or not, or the lookup file of clients; the first byte says which."""
    scratch = _Scratch()

    def run(data: bytes) -> None:
        name, pack = _KINDS[(data[0] if data else 0) % len(_KINDS)]
        path = scratch.write(name, pack(data[1:]))
        try:
            if name == "clients":
                read_clients(Settings(accounts=Accounts(clients_file=str(path))))
            else:
                assert all(isinstance(row, bytes) and row for row in read_rows(path))
        except (UnusableInputError, ConfigurationError) as error:
            _check_message(error)

    return run


_MAKERS: dict[str, tuple[Callable[[], Any], int]] = {
    "log": (lambda: direct(None), 1_024),
    "handbook": (lambda: direct("handbook"), 1_024),
    "cards": (lambda: several("cards"), 1_024),
    "transfers": (lambda: several("transfers"), 1_024),
    "cash": (lambda: several("cash"), 512),
    "remittances": (lambda: several("remittances"), 1_024),
    "chunks": (both_ways, 1_024),
    "settings": (_settings, 512),
    "environment": (_environment, 512),
    "mapping": (_mapping, 2_048),
    "manifest": (lambda: _forge().with_manifest, 8_192),
    "arrays": (lambda: _forge().with_arrays, 4_096),
    "edited_artefact": (lambda: _forge().edited, 64),
    "snapshots": (lambda: _snapshot_forge().sent, 8_192),
    "edited_snapshot": (lambda: _snapshot_forge().edited, 64),
    "dispositions": (_dispositions, 2_048),
    "alerts": (_alerts, 8_192),
    "dead_letters": (_dead_letters, 1_024),
    "models": (_models, 2_048),
    "files": (_files, 4_096),
}
"""How each target is made, and the longest input in bytes."""
