"""The models topic: how an artefact is laid into messages, read back whole, and followed.

Everything is in partition 0, so that it has one order: the chunks of a version under `version/0`, `version/1`,
…, each under the size every broker takes; then its manifest under `version/manifest`, kept for as long as the
version, and under `newest`. Both hold the same JSON.
"""

import asyncio
import hashlib
import logging
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from fraudwatch.errors import ArtefactError
from fraudwatch.metrics import Metrics
from fraudwatch.stream.parts import Artefact
from fraudwatch.stream.whole import WholeTopic

logger = logging.getLogger(__name__)

MODELS_PARTITION = 0
CHUNK_BYTES = 900_000  # a broker's default limit is 1,048,588 bytes a batch
NEWEST = "newest"
MANIFEST = "manifest"
MOST_CHUNKS = 1_000  # three times the largest artefact (256 MiB): a message may not make us count for ever
# Chunks of older versions are not held in memory; the newest that is whole among these is used.
VERSIONS_HELD = 4

_NUMBER = re.compile("[0-9]{1,3}")


class Pointer(msgspec.Struct, frozen=True):
    """What a version consists of. `sha256` is of the artefact's manifest and arrays, one after the other."""

    version: str
    chunks: Annotated[int, Meta(ge=0, le=MOST_CHUNKS)]
    manifest_bytes: Annotated[int, Meta(ge=0)]
    arrays_bytes: Annotated[int, Meta(ge=0)]
    sha256: str


class Bytes(msgspec.Struct, frozen=True):
    """An artefact as it comes from the topic."""

    manifest: bytes
    arrays: bytes


def to_messages(version: str, artefact: Artefact) -> list[tuple[bytes, bytes]]:
    """Key and value of each message, in the order they have to be acknowledged in: the pointer last."""
    whole = artefact.manifest + artefact.arrays
    chunks = [whole[start : start + CHUNK_BYTES] for start in range(0, len(whole), CHUNK_BYTES)]
    pointer = msgspec.json.encode(
        Pointer(
            version=version,
            chunks=len(chunks),
            manifest_bytes=len(artefact.manifest),
            arrays_bytes=len(artefact.arrays),
            sha256=hashlib.sha256(whole).hexdigest(),
        )
    )
    messages = [(f"{version}/{number}".encode(), chunk) for number, chunk in enumerate(chunks)]
    return [*messages, (f"{version}/{MANIFEST}".encode(), pointer), (NEWEST.encode(), pointer)]


class Shelf:
    """The chunks read so far, of the versions read last."""

    def __init__(self) -> None:
        self._chunks: OrderedDict[str, dict[int, bytes]] = OrderedDict()

    def add(self, key: bytes | None, value: bytes | None) -> Pointer | None:
        """Takes in one message; gives the pointer it is, if it is one. Raises ArtefactError for neither."""
        name = (key or b"").decode("utf-8", "replace")
        version, _, part = name.rpartition("/")
        if value is None:
            return None
        if name == NEWEST or part == MANIFEST:
            try:
                return msgspec.json.decode(value, type=Pointer)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise ArtefactError(
                    f"message {name!r}: expected the manifest of a version, found: {error}"
                ) from error
        if not version or not _NUMBER.fullmatch(part):
            raise ArtefactError(
                f"expected a key version/number, version/{MANIFEST} or {NEWEST}, found {name!r}"
            )
        self._chunks.setdefault(version, {})[int(part)] = value
        self._chunks.move_to_end(version)
        while len(self._chunks) > VERSIONS_HELD:
            self._chunks.popitem(last=False)
        return None

    def artefact(self, pointer: Pointer) -> Bytes:
        """The artefact a pointer names. Raises ArtefactError when a chunk is missing or a byte has changed."""
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


class ModelReader:
    """Reads the models topic whole, then follows it.

    `use` is given each model that becomes the one in use. An artefact that cannot be used is refused, said and
    counted, and the model before it stays.
    """

    def __init__(
        self,
        topic: WholeTopic,
        load: Callable[[Artefact], Any],
        use: Callable[[Any], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self._topic = topic
        self._load = load
        self._use = use
        self._metrics = metrics
        self._shelf = Shelf()
        self._version: str | None = None

    async def catch_up(self) -> None:
        """Reads the topic to the end it has now; the newest artefact that is whole becomes the one in use.

        Raises BrokerError when the topic cannot be read.
        """
        pointers: OrderedDict[str, Pointer] = OrderedDict()

        async def remember(key: bytes | None, value: bytes | None) -> None:
            if (pointer := self._add(key, value)) is not None:
                pointers[pointer.version] = pointer
                pointers.move_to_end(pointer.version)

        await self._topic.catch_up(remember)
        for pointer in reversed(pointers.values()):
            await self._consider(pointer)
            if self._version is not None:
                break

    async def follow(self) -> None:
        """Reads on for as long as it is not cancelled. Raises BrokerError when the topic cannot be read."""
        await self._topic.follow(self._consider_newest)

    def _add(self, key: bytes | None, value: bytes | None) -> Pointer | None:
        try:
            return self._shelf.add(key, value)
        except ArtefactError as error:
            self._refuse(error)
            return None

    async def _consider_newest(self, key: bytes | None, value: bytes | None) -> None:
        pointer = self._add(key, value)
        # Each version is told twice; a damaged one is to be refused once.
        if pointer is not None and key == NEWEST.encode():
            await self._consider(pointer)

    async def _consider(self, pointer: Pointer) -> None:
        if pointer.version == self._version:
            return
        try:
            artefact = self._shelf.artefact(pointer)
            # Checking and unpacking takes long enough to be felt by the loop.
            model = await asyncio.to_thread(self._load, artefact)
        except ArtefactError as error:
            self._refuse(error)
            return
        self._version = pointer.version
        await self._use(model)
        logger.info("model %s is in use", self._version)

    def _refuse(self, error: ArtefactError) -> None:
        self._metrics.refused_model()
        kept = f"model {self._version} stays in use" if self._version else "there is no model in use"
        logger.error("a model was refused and %s: %s", kept, error)
