"""Snapshots on their way to the topic and back: written behind the stream's back, read before it goes live (DESIGN D2).

A partition's snapshots are in the same partition of the topic, under two slots that take turns: what is being written
never replaces the newest whole one. Pieces first, each acknowledged, then the manifest that names their offsets.
"""

from fraudwatch.stream.snapshots.keys import SLOTS, manifest_key, piece_key
from fraudwatch.stream.snapshots.loading import Loader
from fraudwatch.stream.snapshots.reader import Found, find, read_blocks, read_on
from fraudwatch.stream.snapshots.taking import Snapshots
from fraudwatch.stream.snapshots.writer import write

__all__ = [
    "SLOTS",
    "Found",
    "Loader",
    "Snapshots",
    "find",
    "manifest_key",
    "piece_key",
    "read_blocks",
    "read_on",
    "write",
]
