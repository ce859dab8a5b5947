"""What vouches for a snapshot: where in the log it stands, which arrays it holds, and the sha256 of every piece.

Sealed with a sha256 over itself, so that a changed byte is never taken for another offset. (A seal is no signature:
what keeps strangers out of the topic is the broker's access control.)
"""

import hashlib
import math
import re
from typing import Annotated

import msgspec

from fraudwatch.errors import SnapshotError
from fraudwatch.snapshots.blocks import Blocks
from fraudwatch.snapshots.kinds import Kind, dtype_of, kind_of

FORMAT = 1

LARGEST_MANIFEST = 1_000_000
"""In bytes: it travels as one message, of which Kafka takes 1 MiB."""

LARGEST_PIECE = 16 * 2**20
"""Bytes that one piece may unpack to."""

_NAME = re.compile(r"[a-z0-9_]{1,64}(\.[a-z0-9_]{1,64}){0,3}")
_DIMENSIONS = 4

Natural = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
Whole = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Stamp(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a snapshot stands for and who took it."""

    topic: str
    partition: Natural
    partitions: Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
    offset: Natural
    """The first record of the log that is not in it."""
    reached_ms: Whole
    """Newest event time in it, or a time before all times."""
    generation: Whole
    """Of the group, when it was taken: a zombie's is lower."""
    review_offset: Whole
    """Of the review topic's partition: alerts before it are in it."""
    slot: Natural
    created_ms: Whole
    code: str
    """Version of fraudwatch."""
    configuration: str
    """`fraudwatch.config.writing.fingerprint` of the settings."""


class Array(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One array: its elements in C order."""

    name: str
    kind: Kind
    shape: Annotated[list[Natural], msgspec.Meta(max_length=_DIMENSIONS)]

    @property
    def bytes(self) -> int:
        """Its size."""
        return math.prod(self.shape) * dtype_of(self.kind).itemsize


class Held(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One block."""

    name: str
    version: Natural
    arrays: list[Array]


class Piece(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """One piece as it was sent: sha256 of its bytes, what it unpacks to, and its offset in the topic."""

    sha256: Digest
    bytes: Annotated[int, msgspec.Meta(ge=1, le=LARGEST_PIECE)]
    offset: Natural


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of it. The pieces one after the other are the arrays one after the other, in the order given here."""

    format: int
    stamp: Stamp
    blocks: list[Held]
    pieces: list[Piece]
    seal: str = ""

    @property
    def bytes(self) -> int:
        """What all arrays weigh, unpacked."""
        return sum(array.bytes for block in self.blocks for array in block.arrays)


def described(blocks: Blocks) -> list[Held]:
    """Names, versions, kinds and shapes. Raises SnapshotError for an array that cannot be kept."""
    return [
        Held(
            name,
            block.version,
            [Array(key, kind_of(array.dtype), list(array.shape)) for key, array in block.arrays.items()],
        )
        for name, block in blocks.items()
    ]


def encode(manifest: Manifest) -> bytes:
    """The manifest as JSON, sealed. Raises SnapshotError where it could not be sent or read back."""
    data = msgspec.json.encode(_sealed(manifest))
    if len(data) > LARGEST_MANIFEST:
        raise SnapshotError(
            f"expected a manifest of at most {LARGEST_MANIFEST} bytes, found {len(data)} for "
            f"{len(manifest.pieces)} pieces: spread the log over more partitions"
        )
    read(data)
    return data


def read(data: bytes) -> Manifest:
    """The manifest that `encode` gave. Raises SnapshotError for anything else, however it came about."""
    if len(data) > LARGEST_MANIFEST:
        raise SnapshotError(f"expected a manifest of at most {LARGEST_MANIFEST} bytes, found {len(data)}")
    try:
        found = msgspec.json.decode(data, type=_AnyFormat).format
        if found != FORMAT:
            raise SnapshotError(
                f"expected a snapshot of format {FORMAT}, found {found}: another release of fraudwatch wrote it"
            )
        manifest = msgspec.json.decode(data, type=Manifest)
        sealed = msgspec.json.encode(_sealed(manifest))
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as problem:
        raise SnapshotError(f"The manifest cannot be read: {problem}") from problem
    if sealed != data:
        raise SnapshotError("The manifest was changed after it was written")
    _check(manifest)
    return manifest


class _AnyFormat(msgspec.Struct):
    format: int


def _sealed(manifest: Manifest) -> Manifest:
    blank = msgspec.structs.replace(manifest, seal="")
    return msgspec.structs.replace(blank, seal=hashlib.sha256(msgspec.json.encode(blank)).hexdigest())


def _check(manifest: Manifest) -> None:
    """That names are names, used once, and that the pieces hold as many bytes as the arrays say."""
    _check_names([block.name for block in manifest.blocks])
    for block in manifest.blocks:
        _check_names([array.name for array in block.arrays])
    if manifest.stamp.partition >= manifest.stamp.partitions:
        raise SnapshotError(
            f"expected one of {manifest.stamp.partitions} partitions, found number {manifest.stamp.partition}"
        )
    sent, held = sum(piece.bytes for piece in manifest.pieces), manifest.bytes
    if sent != held:
        raise SnapshotError(f"expected pieces of {held} bytes for the arrays, found {sent}")


def _check_names(names: list[str]) -> None:
    odd = [name for name in names if not _NAME.fullmatch(name)]
    if odd or len(set(names)) != len(names):
        raise SnapshotError(
            f"expected names of lower-case letters, each once, found {str(odd or names)[:200]}"
        )
