"""What the members say of themselves: a line an event, in one file that survives them."""

import os
import time
from pathlib import Path
from typing import TypeAlias

import msgspec


class Entry(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """When (ns since 1970) and by which process."""

    ns: int = msgspec.field(default_factory=time.time_ns)
    pid: int = msgspec.field(default_factory=os.getpid)


class Made(Entry, frozen=True):
    """A state of a partition begins; `state` is unique within the process."""

    state: int
    partition: int


class Folded(Entry, frozen=True):
    """Records `position` to `last` were folded into a state, which held all `before` when they came."""

    state: int
    partition: int
    position: int
    before: int
    last: int
    is_live: bool


class Handled(Entry, frozen=True):
    """Records `first` to `last` are done: what came of them is acknowledged by the broker."""

    partition: int
    first: int
    last: int
    records: int
    assessed: int
    dead: int


class Live(Entry, frozen=True):
    """The process reads these partitions from now on, and no others."""

    partitions: tuple[int, ...]


class Died(Entry, frozen=True):
    """The process kills itself."""

    point: str


AnyEntry: TypeAlias = Made | Folded | Handled | Live | Died


class Journal:
    """Written by several processes at once; a line is one write, which the kernel keeps whatever happens to them."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._encoder = msgspec.json.Encoder()

    def note(self, entry: AnyEntry) -> None:
        """Adds a line."""
        os.write(self._file, self._encoder.encode(entry) + b"\n")


def read(path: Path) -> list[AnyEntry]:
    """All of it, in the order it was written."""
    decoder = msgspec.json.Decoder(AnyEntry)
    return [decoder.decode(line) for line in path.read_bytes().splitlines()] if path.exists() else []
