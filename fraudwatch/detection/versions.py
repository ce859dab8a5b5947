"""The models topic: how artefacts are laid into messages, and what its messages say together.

Everything is in partition 0, so that it has one order. Of a version V, by key:

| key | value |
|---|---|
| `V/0`, `V/1`, … | its chunks, each of a size that every broker takes; of one whose lifts were fed, those only |
| `V/candidate` | the pointer of one that is to be tried first |
| `V/trial-0`, `V/trial-1`, … | what its trial has shown so far in each partition of the log |
| `V/manifest` | the pointer of one that was put in use, kept for as long as the version |
| `V/decision` | what the trainer decided about it, and why |
| `V/choice` | what a person decided about it: it stands above the trainer's |
| `chosen` | the pointer of the one that a person has put in use |
| `newest`, `C/newest` | the pointer of the one that the trainer has put in use, knowing no choice, or the choice C |

What the trainer does counts only if it knows of the person's last choice: otherwise it was decided about another model
than the one that was in use by then. The topic is compacted, and what is left of it says the same: hence a key of its
own for what was done after each choice.
"""

import hashlib
import re
from collections import OrderedDict
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from fraudwatch.detection.artefact import Artefact, changed
from fraudwatch.errors import ArtefactError

MODELS_PARTITION = 0
CHUNK_BYTES = 900_000  # a broker's default limit is 1,048,588 bytes a batch
NEWEST, CHOSEN = "newest", "chosen"
MANIFEST, CANDIDATE, DECISION, CHOICE = "manifest", "candidate", "decision", "choice"
TRIAL = "trial-"
MOST_CHUNKS = 1_000  # three times the largest artefact (256 MiB): a message may not make us count for ever
# Chunks of older versions are not held in memory, but of those in use now and before.
VERSIONS_HELD = 4
KEPT_IN_USE = 2
TRIALS_HELD = 3
"""Versions, those reported on last. A partition's report takes up to 60 KB."""

TRAINER = "trainer"
"""Who decided, where no person did."""

_NUMBER = re.compile("[0-9]{1,3}")
_REPORT = re.compile(f"{TRIAL}([0-9]{{1,6}})")
Short = Annotated[str, Meta(max_length=1_000)]


class Pointer(msgspec.Struct, frozen=True):
    """What a version consists of. `sha256` is of the artefact's manifest and arrays, one after the other.

    Under `chosen` it has the `choice`'s own id, under `newest` the id of the one that it came `after`. Of one
    whose lifts were fed until `fed_until_ms` the chunks hold what has changed, and `fit` is that of the whole.
    """

    version: str
    chunks: Annotated[int, Meta(ge=0, le=MOST_CHUNKS)]
    manifest_bytes: Annotated[int, Meta(ge=0)]
    arrays_bytes: Annotated[int, Meta(ge=0)]
    sha256: str
    choice: Short = ""
    after: Short = ""
    fit: "Pointer | None" = None
    fed_until_ms: int = 0

    @property
    def fitted(self) -> str:
        """The version that was fitted: this one, or that whose lifts were fed."""
        return self.version if self.fit is None else self.fit.version


class Decision(msgspec.Struct, frozen=True):
    """What was decided about a version, by whom, when and why. `before` was in use then.

    `comparison` is what its trial showed (`fraudwatch.pipeline.trial.Comparison`), empty without one;
    `trained_until_ms` the event time at which its sample ended.
    """

    version: Short
    promoted: bool
    by: Short
    at_ms: int
    note: Annotated[str, Meta(max_length=10_000)]
    before: Short = ""
    trained_until_ms: int = 0
    comparison: dict[str, float | str] = {}


class Reported(msgspec.Struct, frozen=True):
    """What the trial of a version has shown so far in a partition (`fraudwatch.pipeline.compared.Report`)."""

    version: str
    partition: int
    report: bytes


class Bytes(msgspec.Struct, frozen=True):
    """An artefact as it comes from the topic."""

    manifest: bytes
    arrays: bytes


Messages = list[tuple[bytes, bytes]]
Read = Pointer | Decision | Reported | None


def pointer_to(version: str, artefact: Any) -> Pointer:
    """The pointer of an artefact (its `manifest` and `arrays` are bytes)."""
    whole = artefact.manifest + artefact.arrays
    return Pointer(
        version=version,
        chunks=-(-len(whole) // CHUNK_BYTES),
        manifest_bytes=len(artefact.manifest),
        arrays_bytes=len(artefact.arrays),
        sha256=hashlib.sha256(whole).hexdigest(),
    )


def to_messages(version: str, artefact: Any, *, after: str = "") -> Messages:
    """Key and value of each message that puts an artefact in use, in the order they have to be acknowledged in."""
    pointer = pointer_to(version, artefact)
    return [*chunks_of(version, artefact), *in_use(pointer, after=after)]


def candidate_messages(version: str, artefact: Any) -> Messages:
    """The same of one that is to be tried first."""
    pointer = pointer_to(version, artefact)
    return [*chunks_of(version, artefact), (_key(version, CANDIDATE), msgspec.json.encode(pointer))]


def fed_messages(
    version: str, change: Any, *, fit: Pointer, until_ms: int, after: str, decision: "Decision"
) -> Messages:
    """The same of one that is `fit` but for its lifts, which were fed; `change` is what of it is new."""
    bare = msgspec.structs.replace(fit, choice="", after="", fit=None)
    pointer = msgspec.structs.replace(pointer_to(version, change), fit=bare, fed_until_ms=until_ms)
    return [*chunks_of(version, change), *in_use(pointer, after=after), *decided(decision)]


def chunks_of(version: str, artefact: Any) -> Messages:
    """The artefact itself."""
    whole = artefact.manifest + artefact.arrays
    starts = range(0, len(whole), CHUNK_BYTES)
    return [(_key(version, str(number)), whole[at : at + CHUNK_BYTES]) for number, at in enumerate(starts)]


def in_use(pointer: Pointer, *, after: str) -> Messages:
    """That the trainer puts a version in use whose chunks are there; `after` is the last choice that it knows of."""
    bare = msgspec.structs.replace(pointer, choice="", after=after)
    encoded = msgspec.json.encode(bare)
    return [(_key(pointer.version, MANIFEST), encoded), (_key(after, NEWEST), encoded)]


def chosen(pointer: Pointer, *, choice: str) -> Messages:
    """That a person puts a version in use whose chunks are there; `choice` is an id of this choice alone."""
    encoded = msgspec.json.encode(msgspec.structs.replace(pointer, choice=choice, after=""))
    return [(_key(pointer.version, MANIFEST), encoded), (CHOSEN.encode(), encoded)]


def decided(decision: Decision) -> Messages:
    """The record of a decision."""
    kind = DECISION if decision.by == TRAINER else CHOICE
    return [(_key(decision.version, kind), msgspec.json.encode(decision))]


def reported(version: str, partition: int, report: bytes) -> Messages:
    """How the trial of a version stands in a partition; the newest report is the one that counts."""
    return [(_key(version, f"{TRIAL}{partition}"), report)]


def _key(version: str, part: str) -> bytes:
    return (f"{version}/{part}" if version else part).encode()


class Shelf:
    """The chunks read so far, of the versions read last and of those to be `kept`."""

    def __init__(self) -> None:
        self._chunks: OrderedDict[str, dict[int, bytes]] = OrderedDict()
        self._kept: list[Pointer] = []
        self._fits: list[str] = []

    def add(self, key: bytes | None, value: bytes | None) -> Read:
        """Takes in one message; gives the pointer, decision or report it is, if it is one.

        Raises ArtefactError for what has no place on the topic.
        """
        name = (key or b"").decode("utf-8", "replace")
        version, _, part = name.rpartition("/")
        if value is None:
            return None
        if name == CHOSEN or part in (NEWEST, MANIFEST, CANDIDATE):
            return _decoded(name, value, Pointer)
        if part in (DECISION, CHOICE):
            return _decoded(name, value, Decision)
        if version and (found := _REPORT.fullmatch(part)):
            return Reported(version, int(found[1]), value)
        if not version or not _NUMBER.fullmatch(part):
            raise ArtefactError(
                f"expected a key version/number, version/{MANIFEST} or {NEWEST}, found {name!r}"
            )
        self._chunks.setdefault(version, {})[int(part)] = value
        self._chunks.move_to_end(version)
        self._let_go()
        return None

    def keep(self, pointer: Pointer) -> None:
        """It is in use: its chunks, and those of its fit, stay until two others were."""
        others = [kept for kept in self._kept if kept.version != pointer.version]
        self._kept = [*others, pointer][-KEPT_IN_USE:]

    def keep_fit(self, version: str) -> None:
        """It was put in use, or what is fed of it: a compacted topic has the chunks of all that, before it says which
        one is in use now."""
        self._fits = [*(kept for kept in self._fits if kept != version), version][-KEPT_IN_USE:]

    def _let_go(self) -> None:
        kept = {*self._fits, *(name for pointer in self._kept for name in (pointer.version, pointer.fitted))}
        others = [version for version in self._chunks if version not in kept]
        for version in others[:-VERSIONS_HELD]:
            del self._chunks[version]

    def artefact(self, pointer: Pointer) -> Bytes:
        """The artefact a pointer names. Raises ArtefactError when a chunk is missing or a byte has changed."""
        own = self.chunks(pointer)
        if pointer.fit is None:
            return own
        fitted = self.chunks(msgspec.structs.replace(pointer.fit, fit=None))
        whole = changed(Artefact(fitted.manifest, fitted.arrays), Artefact(own.manifest, own.arrays))
        return Bytes(whole.manifest, whole.arrays)

    def chunks(self, pointer: Pointer) -> Bytes:
        """What was sent under a version: the artefact, or what of it has changed. Raises as `artefact` does."""
        chunks = self._chunks.get(pointer.version, {})
        missing = [number for number in range(pointer.chunks) if number not in chunks]
        if missing:
            raise ArtefactError(
                f"model {pointer.version}: expected {pointer.chunks} chunks, chunk {missing[0]} is missing"
            )
        whole = b"".join(chunks[number] for number in range(pointer.chunks))
        found = hashlib.sha256(whole).hexdigest()
        if found != pointer.sha256 or len(whole) != pointer.manifest_bytes + pointer.arrays_bytes:
            raise ArtefactError(f"model {pointer.version}: expected sha256 {pointer.sha256}, found {found}")
        return Bytes(whole[: pointer.manifest_bytes], whole[pointer.manifest_bytes :])


class Register:
    """What the messages say together that were read so far, in the order of the topic.

    `in_use` is the pointer that counts, `choice` the id of a person's last one. `promoted` are the pointers of versions
    that were in use, the latest last; `candidates` of those that were to be tried, `pointers` of
    all in the order they came in. `decisions` are by version, a person's before the trainer's. `trials` are the reports
    of the trials of some versions, by partition, and `reports` how many were read in all.
    """

    def __init__(self) -> None:
        self.shelf = Shelf()
        self.in_use: Pointer | None = None
        self.choice = ""
        self.promoted: OrderedDict[str, Pointer] = OrderedDict()
        self.candidates: OrderedDict[str, Pointer] = OrderedDict()
        self.pointers: dict[str, Pointer] = {}
        self.decisions: dict[str, Decision] = {}
        self.trials: OrderedDict[str, dict[int, bytes]] = OrderedDict()
        self.reports = 0

    def add(self, key: bytes | None, value: bytes | None) -> bool:
        """Takes in one message; whether it puts a version in use. Raises ArtefactError as `Shelf.add` does."""
        read = self.shelf.add(key, value)
        name = (key or b"").decode("utf-8", "replace")
        if isinstance(read, Decision):
            known = self.decisions.get(read.version)
            if known is None or known.by == TRAINER or read.by != TRAINER:
                self.decisions[read.version] = read
        elif isinstance(read, Reported):
            self._report(read)
        elif read is not None:
            self.pointers[read.version] = read
            if name.endswith(f"/{CANDIDATE}"):
                self.candidates[read.version] = read
            else:
                self.promoted[read.version] = read
                self.shelf.keep_fit(read.fitted)
                self.promoted.move_to_end(read.version)
                return self._switches(name, read)
        return False

    def _report(self, read: Reported) -> None:
        self.reports += 1
        self.trials.setdefault(read.version, {})[read.partition] = read.report
        self.trials.move_to_end(read.version)
        if len(self.trials) > TRIALS_HELD:
            self.trials.popitem(last=False)

    def _switches(self, name: str, pointer: Pointer) -> bool:
        if name == CHOSEN:
            self.choice = pointer.choice
        elif name.rpartition("/")[2] != NEWEST or pointer.after != self.choice:
            return False
        self.in_use = pointer
        self.shelf.keep(pointer)
        return True

    @property
    def may_be_fed(self) -> bool:
        """Whether the lifts of the one in use are the latest of its fit.

        If not, a person went back to earlier ones, and they stay.
        """
        now = self.in_use
        return now is not None and now.fed_until_ms >= max(
            of.fed_until_ms for of in self.promoted.values() if of.fitted == now.fitted
        )

    @property
    def candidate(self) -> Pointer | None:
        """The newest one about which nothing has been decided."""
        newest = next(reversed(self.candidates.values()), None)
        if newest is None or newest.version in self.decisions or newest.version in self.promoted:
            return None
        return newest


def _decoded(name: str, value: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(value, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        what = "the manifest of a version" if kind is Pointer else "a decision about a version"
        raise ArtefactError(f"message {name!r}: expected {what}, found: {error}") from error
