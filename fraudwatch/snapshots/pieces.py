"""Arrays as compressed pieces, each small enough for a message, and back."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from cramjam import DecompressionError, zstd

from fraudwatch.errors import SnapshotError
from fraudwatch.snapshots.blocks import AnyArray, Block, Blocks
from fraudwatch.snapshots.kinds import dtype_of
from fraudwatch.snapshots.manifest import FORMAT, Array, Manifest, Piece, Stamp, described

PIECE_BYTES = 900_000
"""Before compression: what does not shrink stays under the 1 MB that Kafka takes for a message by default."""

_LEVEL = 1
"""Of zstd. The third level took twice as long for 4 % less."""

_FIRST_BYTES = 2**20
"""An array is given so much room at first, and more as its bytes arrive, never on the manifest's word alone."""


def pieces(blocks: Blocks, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """The bytes of all arrays in their order, cut and compressed by zstd, each piece on its own."""
    raw, filled = np.empty(piece_bytes, dtype=np.uint8), 0
    for array in (array for block in blocks.values() for array in block.arrays.values()):
        flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
        while len(flat):
            taken = min(len(flat), piece_bytes - filled)
            raw[filled : filled + taken] = flat[:taken]
            flat, filled = flat[taken:], filled + taken
            if filled == piece_bytes:
                yield _compressed(raw)
                filled = 0
    if filled:
        yield _compressed(raw[:filled])


def sha256(piece: bytes) -> str:
    """What the manifest says of a piece."""
    return hashlib.sha256(piece).hexdigest()


def vouched(
    stamp: Stamp, blocks: Blocks, sent: Sequence[tuple[str, int]], piece_bytes: int = PIECE_BYTES
) -> Manifest:
    """The manifest for pieces that were sent: sha256 and offset in the topic of each, in their order.

    Of the blocks only names, versions, dtypes and shapes are looked at. Raises SnapshotError for an array that cannot
    be kept.
    """
    held = described(blocks)
    left = sum(array.bytes for block in held for array in block.arrays)
    found = []
    for digest, offset in sent:
        found.append(Piece(digest, min(left, piece_bytes), offset))
        left -= found[-1].bytes
    return Manifest(format=FORMAT, stamp=stamp, blocks=held, pieces=found)


def assemble(manifest: Manifest, sent: Iterable[bytes]) -> Blocks:
    """The arrays of a manifest and its pieces in their order; they are the caller's own and can be written to.

    Raises SnapshotError when a piece is missing, damaged or too much.
    """
    raw = _Raw(manifest.pieces, iter(sent))
    blocks = {
        block.name: Block(block.version, {array.name: _filled(array, raw) for array in block.arrays})
        for block in manifest.blocks
    }
    raw.finish()
    return blocks


def _compressed(raw: "np.ndarray[tuple[int], np.dtype[np.uint8]]") -> bytes:
    return bytes(zstd.compress(raw.data, level=_LEVEL))


def _filled(array: Array, raw: "_Raw") -> AnyArray:
    """One array, with room made as its bytes arrive."""
    expected, filled = array.bytes, 0
    buffer = np.empty(min(expected, _FIRST_BYTES), dtype=np.uint8)
    while filled < expected:
        if filled == len(buffer):
            buffer.resize(min(expected, 2 * len(buffer)), refcheck=False)  # nothing else looks at it yet
        filled += raw.read_into(buffer[filled:])
    try:
        return buffer.view(dtype_of(array.kind)).reshape(array.shape)
    except ValueError as problem:
        raise SnapshotError(
            f"expected an array that can be, found {array.shape} of {array.kind}"
        ) from problem


class _Raw:
    """The bytes of pieces one after the other, each piece checked before it is unpacked, and unpacked when needed."""

    def __init__(self, expected: Sequence[Piece], sent: Iterator[bytes]) -> None:
        self._expected, self._sent = iter(expected), sent
        self._rest = np.empty(0, dtype=np.uint8)

    def read_into(self, buffer: "np.ndarray[tuple[int], np.dtype[np.uint8]]") -> int:
        """Some bytes, at least one; how many."""
        if not len(self._rest):
            self._rest = self._next()
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def finish(self) -> None:
        """Raises SnapshotError when there is more."""
        if len(self._rest) or next(self._expected, None) is not None or next(self._sent, None) is not None:
            raise SnapshotError("expected pieces for the arrays of the manifest, found more of them")

    def _next(self) -> "np.ndarray[tuple[int], np.dtype[np.uint8]]":
        expected, piece = next(self._expected, None), next(self._sent, None)
        if expected is None or piece is None:
            raise SnapshotError("expected another piece, found none")
        if sha256(piece) != expected.sha256:
            raise SnapshotError(
                f"The piece at offset {expected.offset} is not the one the manifest vouches for"
            )
        unpacked = np.empty(expected.bytes, dtype=np.uint8)
        try:
            count = zstd.decompress_into(piece, unpacked.data)
        except DecompressionError as problem:
            raise SnapshotError(
                f"The piece at offset {expected.offset} cannot be unpacked: {problem}"
            ) from problem
        if count != expected.bytes:
            raise SnapshotError(
                f"expected {expected.bytes} bytes in the piece at offset {expected.offset}, found {count}"
            )
        return unpacked
