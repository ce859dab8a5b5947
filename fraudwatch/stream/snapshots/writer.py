"""One snapshot onto its topic: compressed and hashed beside the loop, sent piece by piece, the manifest last."""

import asyncio
from collections.abc import Awaitable, Callable

from fraudwatch.snapshots import Blocks, Manifest, Stamp, encode, pieces, sha256, vouched
from fraudwatch.stream.snapshots.keys import manifest_key, piece_key

Send = Callable[[bytes, bytes, int], Awaitable[int]]
"""Sends key and value to a partition of the snapshots topic; gives the offset they have there."""


async def write(
    stamp: Stamp, blocks: Blocks, send: Send, on_sent: Callable[[int], None]
) -> tuple[Manifest, int]:
    """The manifest, and how many bytes were sent; `on_sent` is told the size of each message.

    One piece at a time is on its way: an alert waits for one at most, and memory holds one. Raises SnapshotError for
    blocks that cannot be kept, and what `send` raises.
    """
    sent: list[tuple[str, int]] = []
    total = 0
    compressed = pieces(blocks)
    while (piece := await asyncio.to_thread(next, compressed, None)) is not None:
        digest = await asyncio.to_thread(sha256, piece)
        offset = await send(piece_key(stamp.partition, stamp.slot, len(sent)), piece, stamp.partition)
        sent.append((digest, offset))
        total += len(piece)
        on_sent(len(piece))
    manifest = vouched(stamp, blocks, sent)
    encoded = await asyncio.to_thread(encode, manifest)
    await send(manifest_key(stamp.partition, stamp.slot), encoded, stamp.partition)
    on_sent(len(encoded))
    return manifest, total + len(encoded)
