"""Blocks as they would lie in a topic, and what makes two of them the same."""

from fraudwatch import snapshots
from fraudwatch.snapshots import Blocks, Stamp

STAMP = Stamp(
    topic="fraudwatch.transactions",
    partition=2,
    partitions=4,
    offset=12_345,
    reached_ms=-(2**62),
    generation=7,
    review_offset=99,
    slot=1,
    created_ms=1_717_243_200_000,
    code="0.1.0",
    configuration="0123456789ab",
)


def sent(blocks: Blocks, piece_bytes: int = snapshots.PIECE_BYTES) -> tuple[bytes, list[bytes]]:
    """A manifest and its pieces, as if they lay from offset 100 on."""
    found = list(snapshots.pieces(blocks, piece_bytes))
    places = [(snapshots.sha256(piece), 100 + number) for number, piece in enumerate(found)]
    return snapshots.encode(snapshots.vouched(STAMP, blocks, places, piece_bytes)), found


def same(found: Blocks, expected: Blocks) -> bool:
    """Names in their order, versions, dtypes, shapes and every bit of every field."""
    if list(found) != list(expected):
        return False
    for name, block in expected.items():
        if found[name].version != block.version or list(found[name].arrays) != list(block.arrays):
            return False
        for key, array in block.arrays.items():
            other = found[name].arrays[key]
            if other.dtype != array.dtype or other.shape != array.shape:
                return False
            fields = array.dtype.names or [...]
            if any(other[field].tobytes() != array[field].tobytes() for field in fields):
                return False
    return True
