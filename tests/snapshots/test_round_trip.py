"""Named arrays become pieces and a manifest, and come back as they were."""

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sent import STAMP, same, sent

from fraudwatch import snapshots
from fraudwatch.errors import SnapshotError
from fraudwatch.snapshots import Block, Blocks

NUMBERS = st.sampled_from(["|i1", "|u1", "<i2", "<u4", "<i4", "<i8", "<u8", "<f4", "<f8"]).map(np.dtype)
NAMES = st.text("abcxyz_0", min_size=1, max_size=6).filter(str.isidentifier)


@st.composite
def kinds(draw: st.DrawFn) -> "np.dtype[Any]":
    """Numbers, or fields of them, with and without room between them."""
    if draw(st.booleans()):
        return draw(NUMBERS)
    fields = [
        (name, draw(NUMBERS), draw(st.sampled_from([(), (3,), (2, 2)])))
        for name in draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    ]
    return np.dtype(fields, align=draw(st.booleans()))


@st.composite
def any_blocks(draw: st.DrawFn) -> Blocks:
    shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
    one = kinds().flatmap(lambda kind: arrays.arrays(kind, draw(shapes)))
    named = st.dictionaries(NAMES, one, max_size=4)
    return draw(st.dictionaries(NAMES, st.builds(Block, st.integers(0, 9), named), max_size=3))


@settings(max_examples=100)
@given(any_blocks(), st.integers(40, 600))
def test_any_blocks_come_back_to_the_bit(blocks: Blocks, piece_bytes: int) -> None:
    manifest, found = sent(blocks, piece_bytes)
    read = snapshots.read(manifest)
    assert read.stamp == STAMP
    assert [piece.offset for piece in read.pieces] == list(range(100, 100 + len(found)))
    assert same(snapshots.assemble(read, iter(found)), blocks)


def test_nothing_at_all_comes_back() -> None:
    manifest, found = sent({})
    assert found == []
    assert snapshots.assemble(snapshots.read(manifest), found) == {}


def test_large_arrays_come_back_and_can_be_written_to() -> None:
    drawn = np.random.default_rng(1)
    blocks = {
        "noise": Block(3, {"bits": drawn.integers(0, 2**63, 700_000)}),
        "rows": Block(1, {"every_other": np.arange(2_000_000.0).reshape(1000, 2000)[::2, ::3]}),
    }
    manifest, found = sent(blocks)
    assert max(map(len, found)) < 1_000_000
    back = snapshots.assemble(snapshots.read(manifest), found)
    assert same(back, blocks)
    back["noise"].arrays["bits"][:] = 0


def test_pieces_are_what_their_sha256_says_and_the_same_each_time() -> None:
    blocks = {"a": Block(1, {"x": np.arange(1000)})}
    (_, first), (_, again) = sent(blocks), sent(blocks)
    assert first == again
    assert snapshots.sha256(first[0]) == hashlib.sha256(first[0]).hexdigest()


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.array(["text"]),
        np.array([b"bytes"]),
        np.array([1], dtype=">i8"),
        np.array(["2024"], dtype="M8[D]"),
        np.array([True]),
        np.zeros(1, dtype=[("a", object)]),
        np.zeros(1, dtype=[("a", [("b", "<i8")])]),
    ],
    ids=lambda array: str(array.dtype),
)
def test_only_numbers_can_be_kept(array: np.ndarray) -> None:
    with pytest.raises(SnapshotError, match="expected one of"):
        snapshots.vouched(STAMP, {"a": Block(1, {"x": array})}, [])


def test_what_could_not_be_read_back_is_not_written() -> None:
    blocks = {"a": Block(1, {"x": np.arange(1000)})}
    with pytest.raises(SnapshotError, match="found 0"):
        snapshots.encode(snapshots.vouched(STAMP, blocks, []))
    with pytest.raises(SnapshotError, match="names"):
        sent({"A name": Block(1, {})})
    places = [("0" * 64, 2**40 + number) for number in range(12_000)]
    large = snapshots.vouched(STAMP, {"a": Block(1, {"x": np.zeros(12_000)})}, places, 8)
    with pytest.raises(SnapshotError, match=r"at most 1000000 bytes.*more partitions"):
        snapshots.encode(large)
