"""The versions on the models topic, and a person's choice among them."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from fraudwatch.broker.admin import admin_client, broker_errors, partitions_of
from fraudwatch.broker.deliveries import Parcel, courier
from fraudwatch.broker.tail import tail
from fraudwatch.config.settings import Settings
from fraudwatch.detection.versions import (
    MODELS_PARTITION,
    TRAINER,
    Decision,
    Messages,
    Pointer,
    Register,
    Shelf,
    chosen,
    chunks_of,
    decided,
)
from fraudwatch.errors import ArtefactError, UnusableInputError

LARGEST_MANIFEST = 262_144
"""Of what is kept to be shown; no manifest of ours is a fifth of it."""

State = Literal["in use", "candidate", "kept out", "replaced"]


class Version(msgspec.Struct, frozen=True):
    """One version: the facts of its manifest (empty where it cannot be read), and what was decided about it."""

    version: str
    state: State
    bytes: int
    facts: dict[str, Any]
    decision: Decision | None


class Versions:
    """What the topic says, the latest version last."""

    def __init__(self, register: Register, heads: dict[str, bytes]) -> None:
        self.register = register
        self._heads = heads

    @property
    def all(self) -> list[Version]:
        """Every version that was ever a candidate or in use, in the order in which they came."""
        return [self._version(pointer) for pointer in self.register.pointers.values()]

    def named(self, name: str) -> Version:
        """The one whose name begins so. Raises UnusableInputError unless there is exactly one."""
        return self._version(self.pointer(name))

    def pointer(self, name: str) -> Pointer:
        """The same as its pointer."""
        known = self.register.pointers
        if name in known:
            return known[name]
        found = [pointer for version, pointer in known.items() if name and version.startswith(name)]
        if len(found) != 1:
            raise UnusableInputError(
                f"expected the version of a model, or its first letters, found {name!r}, which is "
                f"{'none' if not found else 'several'} of {', '.join(known) or 'none'} (`fraudwatch model list`)"
            )
        return found[0]

    @property
    def before(self) -> str:
        """The version that the one in use replaced. Raises UnusableInputError where there is none."""
        now = self.register.in_use
        before = "" if now is None else self.replaced_by(now.version)
        if not before:
            what = "no model in use" if now is None else f"model {now.version}, which replaced none"
            raise UnusableInputError(f"expected a model in use that replaced another, found {what}")
        return before

    def replaced_by(self, version: str) -> str:
        """The version that was in use before this one was put there; empty for the first."""
        decision = self.register.decisions.get(version)
        return "" if decision is None else decision.before

    def _version(self, pointer: Pointer) -> Version:
        head = self._heads.get(pointer.version, b"")[: pointer.manifest_bytes]
        return Version(
            version=pointer.version,
            state=self._state(pointer),
            bytes=pointer.manifest_bytes + pointer.arrays_bytes,
            facts=_facts(head) if len(head) == pointer.manifest_bytes else {},
            decision=self.register.decisions.get(pointer.version),
        )

    def _state(self, pointer: Pointer) -> State:
        if self.register.in_use is not None and self.register.in_use.version == pointer.version:
            return "in use"
        if pointer.version in self.register.promoted:
            return "replaced"
        decision = self.register.decisions.get(pointer.version)
        return "candidate" if decision is None else "kept out"


def _facts(head: bytes) -> dict[str, Any]:
    try:
        manifest = msgspec.json.decode(head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _ignored(_: object) -> None:
    return None


def versions(
    settings: Settings,
    *,
    on_strange: Callable[[str], None] = _ignored,
    on_progress: Callable[[int], None] = _ignored,
) -> Versions:
    """All that is on the topic; what has no place there is told and passed over. Raises BrokerError."""
    register, heads = Register(), dict[str, bytes]()
    for key, value in _messages(settings, on_progress):
        try:
            register.add(key, value)
        except ArtefactError as error:
            on_strange(f"{settings.topics.models}: {error}")
        version, _, part = (key or b"").decode("utf-8", "replace").rpartition("/")
        if part == "0" and value is not None:
            heads[version] = value[:LARGEST_MANIFEST]
    return Versions(register, heads)


def choose(
    settings: Settings,
    pointer: Pointer,
    *,
    who: str,
    note: str,
    at_ms: int,
    before: str,
    on_progress: Callable[[int], None] = _ignored,
) -> Decision:
    """Puts a version in use, as a person's choice; what is decided and written. `before` is what it replaces.

    Its chunks are written once more, so that workers have them at hand however old it is. Raises ArtefactError where
    they are not whole, BrokerError where something could not be written.
    """
    needed = [pointer] if pointer.fit is None else [pointer.fit, pointer]
    shelf = Shelf()
    for one in needed:
        shelf.keep(one)
    for key, value in _messages(settings, on_progress):
        if any((key or b"").startswith(f"{one.version}/".encode()) for one in needed):
            shelf.add(key, value)
    shelf.artefact(pointer)
    choice = hashlib.sha256(f"{pointer.version}\n{who}\n{at_ms}\n{note}".encode()).hexdigest()[:16]
    decision = Decision(version=pointer.version, promoted=True, by=who, at_ms=at_ms, note=note, before=before)
    for one in needed:
        _write(settings, chunks_of(one.version, shelf.chunks(one)))
    _write(settings, [*chosen(pointer, choice=choice), *decided(decision)])
    return decision


def require_person(who: str) -> str:
    """Raises UnusableInputError for the name under which the trainer decides."""
    if who == TRAINER:
        raise UnusableInputError(f"expected the name of a person as --author, found {who!r}")
    return who


def _messages(
    settings: Settings, on_progress: Callable[[int], None]
) -> Iterator[tuple[bytes | None, bytes | None]]:
    """Of the one partition that has an order, as far as they are there now."""
    for record in tail(settings, settings.topics.models):
        on_progress(1)
        if record.partition == MODELS_PARTITION:
            yield record.key, record.value


def _write(settings: Settings, messages: Messages) -> None:
    topic = settings.topics.models
    with admin_client(settings.kafka) as client:
        partitions_of(client, topic)
    with courier(settings.kafka) as deliveries:
        _, failure = deliveries.deliver(
            [Parcel(topic, key, value, partition=MODELS_PARTITION) for key, value in messages]
        )
    with broker_errors(settings.kafka):
        if failure is not None:
            raise failure
