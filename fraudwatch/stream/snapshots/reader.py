"""The snapshots of a partition, found from the end of its topic backwards, whether or not it was ever compacted."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from aiokafka import TopicPartition

from fraudwatch.errors import SnapshotError
from fraudwatch.snapshots import Blocks, Manifest, assemble, read
from fraudwatch.stream.clients import read_from
from fraudwatch.stream.snapshots.keys import SLOTS, slot_of_manifest

logger = logging.getLogger(__name__)

FETCH_MS = 500
# A manifest is the last message of its snapshot: the first look reads a few MB at most.
FIRST_LOOK = 4


class Found(NamedTuple):
    """A slot's newest manifest, or why it cannot be read; where it is in the topic, and what it weighs."""

    manifest: Manifest | None
    error: SnapshotError | None
    slot: int
    offset: int
    size: int

    @property
    def rank(self) -> tuple[int, int]:
        """The newest has the highest: what a zombie wrote is of a lower generation. Of the unreadable nobody knows."""
        if self.manifest is None:
            return 2**63, self.offset
        return self.manifest.stamp.generation, self.manifest.stamp.offset


async def find(consumer: Any, place: TopicPartition) -> list[Found]:
    """The newest manifest of each slot: those that cannot be read, then the newest snapshot first.

    Reads backwards in steps that double, to the newest manifest of every slot or the beginning. `consumer` may be
    assigned to `place` afterwards. Raises KafkaError.
    """
    end, first = (
        (await consumer.end_offsets([place]))[place],
        (await consumer.beginning_offsets([place]))[place],
    )
    found: dict[int, Found | None] = {}
    step = FIRST_LOOK
    while end > first and len(found) < len(SLOTS):
        begin = max(first, end - step)
        for message in reversed(await _manifests(consumer, place, begin, end)):
            slot = slot_of_manifest(message.key)
            if slot is not None and slot not in found:
                found[slot] = None if message.value is None else _found(slot, message)
        end, step = begin, 2 * step
    return sorted((one for one in found.values() if one is not None), key=lambda one: one.rank, reverse=True)


async def read_blocks(
    consumer: Any,
    place: TopicPartition,
    found: Found,
    stands: Callable[[], bool],
    on_read: Callable[[int], None],
) -> Blocks | None:
    """The blocks of a snapshot, None where `stands` became false; `on_read` is told how many bytes came.

    `consumer` is assigned to `place` afterwards. Raises SnapshotError for one that is damaged, KafkaError.
    """
    manifest = found.manifest
    assert manifest is not None
    wanted = {piece.offset: number for number, piece in enumerate(manifest.pieces)}
    if len(wanted) < len(manifest.pieces) or max(wanted, default=0) >= found.offset:
        raise SnapshotError(
            f"expected each piece at an offset of its own before the manifest's, {found.offset}"
        )
    pieces: list[bytes | None] = [None] * len(wanted)
    if wanted:
        last = max(wanted)
        read_from(consumer, {place: min(wanted)})
        while await consumer.position(place) <= last:
            if not stands():
                return None
            for message in (await consumer.getmany(place, timeout_ms=FETCH_MS)).get(place, []):
                if message.offset in wanted:
                    pieces[wanted[message.offset]] = message.value
                    on_read(len(message.value or b""))
    if None in pieces:
        missing = manifest.pieces[pieces.index(None)].offset
        raise SnapshotError(
            f"expected a piece at offset {missing} of {place.topic}, found none: it was replaced"
        )
    return await asyncio.to_thread(assemble, manifest, (piece for piece in pieces if piece is not None))


async def read_on(
    consumer: Any, place: TopicPartition, begin: int, stands: Callable[[], bool]
) -> list[bytes]:
    """The values of a partition from an offset to the end it has now, or until `stands` is false.

    `consumer` may be assigned to `place` afterwards. Raises KafkaError.
    """
    end, first = (
        (await consumer.end_offsets([place]))[place],
        (await consumer.beginning_offsets([place]))[place],
    )
    begin = max(begin, first)
    values: list[bytes] = []
    if begin < end:
        read_from(consumer, {place: begin})
        while stands() and await consumer.position(place) < end:
            messages = (await consumer.getmany(place, timeout_ms=FETCH_MS)).get(place, [])
            values += [message.value for message in messages if message.value is not None]
    return values


async def _manifests(consumer: Any, place: TopicPartition, begin: int, end: int) -> list[Any]:
    """The messages from `begin` up to `end` that have a manifest's key; the others are let go of at once."""
    read_from(consumer, {place: begin})
    kept: list[Any] = []
    while await consumer.position(place) < end:
        messages = (await consumer.getmany(place, timeout_ms=FETCH_MS)).get(place, [])
        kept += [m for m in messages if m.offset < end and slot_of_manifest(m.key) is not None]
    return kept


def _found(slot: int, message: Any) -> Found:
    try:
        manifest = read(message.value)
    except SnapshotError as error:
        return Found(None, error, slot, message.offset, len(message.value))
    return Found(manifest, None, slot, message.offset, len(message.value))
