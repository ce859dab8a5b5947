"""What lies on the topic is the snapshot that was written, or a SnapshotError; it costs no more than was sent."""

import json
import tracemalloc
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import cramjam
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sent import STAMP, same, sent

from fraudwatch import snapshots
from fraudwatch.errors import SnapshotError
from fraudwatch.snapshots import Block, Blocks

ROWS = np.zeros(40, dtype=[("a", "<i8"), ("b", "<i4", (3,))])
ROWS["a"] = np.arange(40)
BLOCKS: Blocks = {
    "history": Block(1, {"rows": ROWS, "numbers": np.arange(300.0).reshape(30, 10)}),
    "policy": Block(2, {"bytes": np.arange(7, dtype=np.uint8)}),
}
MANIFEST, PIECES = sent(BLOCKS, 1_000)
LARGEST = 1_000_000


def sealed(told: dict[str, Any]) -> bytes:
    """A manifest that vouches for itself, as whoever can write to the topic can make it."""
    blank = msgspec.json.encode(told | {"seal": ""})
    return msgspec.json.encode(told | {"seal": sha256(blank).hexdigest()})


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    told = json.loads(MANIFEST)
    change(told)
    return sealed(told)


def test_the_forgery_itself_is_taken() -> None:
    assert changed(lambda told: None) == MANIFEST
    assert same(snapshots.assemble(snapshots.read(changed(lambda told: None)), PIECES), BLOCKS)


@settings(max_examples=300)
@given(st.integers(0, len(MANIFEST) - 1), st.integers(1, 255))
def test_a_changed_byte_of_the_manifest_is_found(place: int, change: int) -> None:
    damaged = bytearray(MANIFEST)
    damaged[place] ^= change
    with pytest.raises(SnapshotError):
        snapshots.read(bytes(damaged))


@settings(max_examples=100)
@given(st.integers(0, len(MANIFEST) - 1))
def test_half_a_manifest_is_none(length: int) -> None:
    with pytest.raises(SnapshotError):
        snapshots.read(MANIFEST[:length])


@settings(max_examples=100)
@given(st.integers(0, len(PIECES) - 1), st.data())
def test_a_changed_byte_of_a_piece_is_found(number: int, data: st.DataObject) -> None:
    damaged = bytearray(PIECES[number])
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    pieces = [*PIECES[:number], bytes(damaged), *PIECES[number + 1 :]]
    with pytest.raises(SnapshotError, match="not the one the manifest vouches for"):
        snapshots.assemble(snapshots.read(MANIFEST), pieces)


@pytest.mark.parametrize(
    ("pieces", "message"),
    [
        ([], "another piece"),
        (PIECES[:-1], "another piece"),
        ([*PIECES, b""], "more of them"),
        (PIECES[::-1], "vouches"),
    ],
    ids=["none", "one less", "one more", "another order"],
)
def test_all_pieces_in_their_order_and_no_others(pieces: list[bytes], message: str) -> None:
    with pytest.raises(SnapshotError, match=message):
        snapshots.assemble(snapshots.read(MANIFEST), pieces)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"format":1}',
        b'{"format":"1"}',
        b"[" * 100_000,
        b'{"format":1,"stamp":' + b"[" * 100_000,
        b"\xff",
        b'{"format":1' + b" " * LARGEST,
    ],
    ids=lambda value: str(value[:24]),
)
def test_what_is_no_manifest_is_refused(value: bytes) -> None:
    with pytest.raises(SnapshotError):
        snapshots.read(value)


def test_a_manifest_of_the_future_names_its_format() -> None:
    told = {"format": 2, "of": "another release"}
    with pytest.raises(SnapshotError, match="format 1, found 2"):
        snapshots.read(json.dumps(told).encode())


def first_array(told: dict[str, Any]) -> dict[str, Any]:
    array: dict[str, Any] = told["blocks"][0]["arrays"][0]
    return array


def set_array(name: str, value: object) -> Callable[[dict[str, Any]], object]:
    return lambda told: first_array(told).update({name: value})


@pytest.mark.parametrize(
    "change",
    [
        set_array("shape", [2**62]),
        set_array("shape", [2**40, 2**40, 2**40, 2**40]),
        set_array("shape", [-1]),
        set_array("shape", [1] * 5),
        set_array("shape", [39]),
        set_array("kind", "|O"),
        set_array("kind", "<U8"),
        set_array("kind", "|V8"),
        set_array("kind", "<i8,<i8"),
        set_array("kind", {"bytes": 20, "fields": [["a", "|O", 0, []]]}),
        set_array("kind", {"bytes": 20, "fields": [["a", "<i8", 0, []], ["b", "<i8", 4, []]]}),
        set_array("kind", {"bytes": 20, "fields": [["a", "<i8", 0, []], ["a", "<i8", 8, []]]}),
        set_array("kind", {"bytes": 20, "fields": [["a", "<i8", 13, []]]}),
        set_array("kind", {"bytes": 20, "fields": [["a", "<i8", 0, [4]]]}),
        set_array("kind", {"bytes": 20, "fields": [["a", "<i8", 0, [0]]]}),
        set_array("kind", {"bytes": 20, "fields": [["a", "<i8", 0, [2**62, 2**62]]]}),
        set_array("kind", {"bytes": 20, "fields": [["a", "<i8", 0, [1] * 40]]}),
        set_array("kind", {"bytes": 0, "fields": []}),
        set_array("kind", {"bytes": 2**40, "fields": [["a", "<i8", 0, []]]}),
        set_array("name", "../a"),
        set_array("name", "numbers"),
        lambda told: told["blocks"].append(told["blocks"][0]),
        lambda told: told["pieces"].pop(),
        lambda told: told["pieces"].append(["0" * 64, 1, 0]),
        lambda told: told["pieces"][0].__setitem__(1, 2**60),
        lambda told: told["pieces"][0].__setitem__(1, 0),
        lambda told: told["pieces"][0].__setitem__(0, "x"),
        lambda told: told["stamp"].update(partition=4),
        lambda told: told["stamp"].update(offset=-1),
        lambda told: told["stamp"].update(offset=2**64),
        lambda told: told["stamp"].update(topic=None),
        lambda told: told.update(more=1),
        lambda told: told.update(format=True),
    ],
)
def test_a_manifest_that_no_snapshot_has_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    with pytest.raises(SnapshotError):
        snapshots.read(changed(change))


def test_empty_arrays_of_impossible_shape_are_refused() -> None:
    def change(told: dict[str, Any]) -> None:
        told["blocks"], told["pieces"] = told["blocks"][:1], []
        told["blocks"][0]["arrays"] = [{"name": "x", "kind": "<i8", "shape": [2**62, 2**62, 0]}]

    with pytest.raises(SnapshotError, match="an array that can be"):
        snapshots.assemble(snapshots.read(changed(change)), [])


def bomb(raw_bytes: int, claimed: int) -> tuple[bytes, bytes]:
    """A manifest that claims so many bytes, and a piece that unpacks to others."""
    piece = bytes(cramjam.zstd.compress(bytes(raw_bytes), level=19))
    blocks = {"history": Block(1, {"rows": np.zeros(claimed, dtype=np.uint8)})}
    count = -(-claimed // 2**24)
    places = [(snapshots.sha256(piece), offset) for offset in range(count)]
    return snapshots.encode(snapshots.vouched(STAMP, blocks, places, 2**24)), piece


@pytest.mark.parametrize(("raw", "claimed"), [(2**28, 1_000), (1_000, 2**20), (1_000, 2**30)])
def test_nothing_is_allocated_on_the_word_of_a_manifest(raw: int, claimed: int) -> None:
    manifest, piece = bomb(raw, claimed)
    tracemalloc.start()
    try:
        with pytest.raises(SnapshotError, match=r"cannot be unpacked|bytes in the piece"):
            snapshots.assemble(snapshots.read(manifest), [piece] * 64)
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()
