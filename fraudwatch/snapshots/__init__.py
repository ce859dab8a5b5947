"""The state of a partition as bytes, and back without trusting them: named arrays, in pieces small enough to send.

Does no I/O: `fraudwatch.stream` moves the bytes. A snapshot is its pieces and, written last, the manifest that vouches
for each of them; what anyone can have written to a topic is refused with SnapshotError before it costs memory.
"""

from fraudwatch.snapshots.blocks import AnyArray, Block, Blocks
from fraudwatch.snapshots.manifest import FORMAT, Manifest, Stamp, encode, read
from fraudwatch.snapshots.pieces import PIECE_BYTES, assemble, pieces, sha256, vouched

__all__ = [
    "FORMAT",
    "PIECE_BYTES",
    "AnyArray",
    "Block",
    "Blocks",
    "Manifest",
    "Stamp",
    "assemble",
    "encode",
    "pieces",
    "read",
    "sha256",
    "vouched",
]
