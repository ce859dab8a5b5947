"""The keys of a partition's messages: `3/0/17` is piece 17 in slot 0 of partition 3, `3/0/manifest` its manifest."""

import re

SLOTS = (0, 1)
_MANIFEST = re.compile(rb"\d{1,9}/([01])/manifest")


def piece_key(partition: int, slot: int, number: int) -> bytes:
    """Replaces the same piece of the snapshot before in this slot, once the topic is compacted."""
    return f"{partition}/{slot}/{number}".encode()


def manifest_key(partition: int, slot: int) -> bytes:
    """The last message of a snapshot; a tombstone under it takes the snapshot away."""
    return f"{partition}/{slot}/manifest".encode()


def slot_of_manifest(key: bytes | None) -> int | None:
    """The slot whose manifest has this key; None for the key of anything else."""
    match = _MANIFEST.fullmatch(key or b"")
    return None if match is None else int(match[1])
