"""Record batches read by the kernel say what aiokafka says of them record by record, and damaged ones harm nothing."""

from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from aiokafka.structs import TopicPartition
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudwatch import compiled
from fraudwatch.records import NO_TIMESTAMP, Chunk, Spans
from fraudwatch.stream.fetching import ChunkedRecords
from fraudwatch.stream.kernels import framing
from fraudwatch.stream.raw import concatenated
from fraudwatch.stream.record_batches import batches_of, to_columns, warm_up

Row = tuple[int, int, bytes | None, bytes | None]

HEADER = 61
LOG_APPEND_TIME = 0x08
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}

_BYTES = st.none() | st.binary(max_size=300) | st.integers(0, 70_000).map(bytes)
_RECORDS = st.lists(
    st.tuples(
        st.integers(-(2**40), 2**45),
        _BYTES,
        _BYTES,
        st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=200)), max_size=3),
    ),
    min_size=1,
    max_size=12,
)


def build(records: Sequence[Any], base: int, gaps: Sequence[int], codec: int, attributes: int = 0) -> bytes:
    """A batch of (timestamp, key, value, headers) from offset `base` on, with holes between them."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 2**30)
    at = 0
    for gap, (timestamp, key, value, headers) in zip(gaps, records, strict=True):
        at += gap
        builder.append(at, timestamp=timestamp, key=key, value=value, headers=headers)
        at += 1
    whole = bytearray(builder.build())
    whole[0:8] = base.to_bytes(8, "big")
    whole[22] |= attributes
    return sealed(whole)


def sealed(whole: bytearray) -> bytes:
    """With its own length and a right checksum."""
    whole[8:12] = (len(whole) - 12).to_bytes(4, "big")
    whole[17:21] = calc_crc32c(bytes(whole[21:])).to_bytes(4, "big")
    return bytes(whole)


def by_aiokafka(log: bytes) -> list[Row]:
    rows, records = [], MemoryRecords(log)
    while records.has_next():
        for record in records.next_batch():
            timestamp = NO_TIMESTAMP if record.timestamp is None else max(record.timestamp, NO_TIMESTAMP)
            rows.append((record.offset, timestamp, record.key, record.value))
    return rows


def rows_of(chunk: Chunk | None) -> list[Row]:
    if chunk is None:
        return []
    columns = chunk.offsets.tolist(), chunk.timestamps_ms.tolist(), chunk.keys, chunk.values
    return list(zip(*columns, strict=True))


def by_kernel(log: bytes) -> list[Row]:
    return rows_of(to_columns("t", 3, batches_of(MemoryRecords(log))))


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(_RECORDS, st.sampled_from(sorted(CODECS.values())), st.sampled_from([0, LOG_APPEND_TIME])),
        min_size=1,
        max_size=3,
    ),
    st.data(),
)
def test_whatever_is_in_a_batch_is_read_as_aiokafka_reads_it(batches: Any, data: st.DataObject) -> None:
    log, base = b"", 2**40
    for records, codec, attributes in batches:
        gaps = data.draw(st.lists(st.integers(0, 200), min_size=len(records), max_size=len(records)))
        log += build(records, base, gaps, codec, attributes)
        base += 10_000
    assert by_kernel(log) == by_aiokafka(log)


SOME = [
    (1_000, b"key", b'{"a":1}', []),
    (1_700, None, b"", [("name", b"x" * 70), ("é", None)]),
    (-1, b"", None, []),
    (2**40, b"k" * 200, b"v" * 20_000, [("", b"")]),
    (1_001, b"k", b"v", []),
]


def damaged(random: np.random.Generator) -> bytes:
    """A batch with some of its bytes after the checksum another, or gone, or more of them."""
    whole = bytearray(build(SOME, 50, [0, 3, 0, 100, 0], 0))
    for _ in range(random.integers(1, 4)):
        # Where lengths are, more often than in the midst of a long value.
        at = int(random.integers(HEADER, min(len(whole), HEADER + 330)))
        where = int(random.choice([at, len(whole) - 1 - int(random.integers(0, 20)), 60]))
        match random.integers(0, 4):
            case 0:
                whole[where] = int(random.choice([0, 1, 0x7F, 0x80, 0xFF, int(random.integers(0, 256))]))
            case 1:
                whole[where] ^= 1 << int(random.integers(0, 8))
            case 2:
                whole[where:where] = bytes([0xFF] * int(random.integers(1, 11)))
            case _:
                del whole[max(where, HEADER)]
    return sealed(whole)


def test_a_damaged_batch_under_a_right_checksum_is_read_as_by_aiokafka_or_refused_as_corrupt() -> None:
    random = np.random.default_rng(4)
    accepted = refused = 0
    for _ in range(3_000):
        log = damaged(random)
        try:
            expected = by_aiokafka(log)
        except (CorruptRecordException, UnicodeDecodeError, MemoryError, OverflowError, SystemError) as error:
            if isinstance(error, UnicodeDecodeError):
                continue  # the name of a header, which is not looked at here
            refused += 1
            with pytest.raises(CorruptRecordException, match="batch"):
                by_kernel(log)
            continue
        accepted += 1
        assert by_kernel(log) == expected
    assert accepted > 300
    assert refused > 1_000


def test_nothing_outside_a_batch_has_a_part_in_what_is_read() -> None:
    random = np.random.default_rng(5)
    for _ in range(2_000):
        records = damaged(random)[HEADER:]
        found = [surrounded(records, around) for around in (b"\0" * 40, b"\xff" * 40, b"\x01" * 40)]
        assert found[0] == found[1] == found[2]


def surrounded(
    records: bytes, around: bytes, read_batches: Any = framing.read_batches
) -> tuple[int, list[list[int]]]:
    """What is said of a batch's records between other bytes; of a damaged one, of those before it is."""
    text = around + records + around
    layout = np.array([[len(around), len(around) + len(records), len(SOME), 50, 1_000, 1]])
    found = np.full((framing.FOUND, len(SOME)), -7)
    with np.errstate(over="ignore"):
        read = read_batches(np.frombuffer(text, np.uint8), layout, found)
    if read:
        for begin, length in ((framing.KEY, framing.KEY_LENGTH), (framing.VALUE, framing.VALUE_LENGTH)):
            assert (found[length] >= -1).all()
            assert (found[begin] >= len(around)).all()
            assert (found[begin] + found[length] < len(around) + len(records)).all()
    return read, found.tolist()


def test_without_numba_the_same_is_read_and_nothing_beyond_the_last_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plain = without_numba(monkeypatch)
    random = np.random.default_rng(6)
    for _ in range(300):
        records = damaged(random)[HEADER:]
        # Plain NumPy raises IndexError behind the end.
        assert surrounded(records, b"", plain.read_batches) == surrounded(records, b"")


def without_numba(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the kernel as NUMBA_DISABLE_JIT makes it."""
    monkeypatch.setattr(compiled, "compiled", lambda kernel: kernel)
    monkeypatch.setattr(compiled, "elements", lambda array: array.reshape(-1))
    spec = spec_from_file_location("plain", framing.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("magic", [0, 1])
@pytest.mark.parametrize("codec", [0, 1])
def test_older_formats_are_read_by_aiokafka_also_before_a_newer_one(magic: int, codec: int) -> None:
    builder = LegacyRecordBatchBuilder(magic, codec, 10_000)
    for offset in range(3):
        builder.append(offset, timestamp=1_000 + offset, key=None if offset else b"k", value=b"v" * offset)
    old = bytes(builder.build())
    first, last = build(SOME, 10, [0] * 5, 0), build(SOME, 90, [0] * 5, 4)
    found = by_kernel(old + first + last)
    assert found == by_aiokafka(old) + by_aiokafka(first + last)
    assert [row[0] for row in found[:3]] == [0, 1, 2]
    records = MemoryRecords(old + first)
    plain = PartitionRecords(TopicPartition("t", 3), records, [], 1, None, None, True, READ_COMMITTED)
    (fetched,) = ChunkedRecords(plain, 100)
    assert (fetched.begin, fetched.end) == (1, 15)
    assert rows_of(fetched.chunk) == found[1:8]


@pytest.mark.parametrize("count", [-1, 0, 4, 6, 2**31 - 1])
def test_a_batch_that_counts_its_records_wrongly_is_corrupt(count: int) -> None:
    whole = bytearray(build(SOME, 50, [0] * 5, 0))
    whole[57:61] = count.to_bytes(4, "big", signed=True)
    log = build(SOME, 0, [0] * 5, 0) + sealed(whole)
    with pytest.raises(CorruptRecordException):
        by_aiokafka(log)
    with pytest.raises(CorruptRecordException, match="the batch from offset 50 on"):
        by_kernel(log)


def test_a_batch_of_which_nothing_is_left_is_none() -> None:
    empty = sealed(bytearray(build(SOME, 50, [0] * 5, 0)[:57] + bytes(4)))
    assert by_aiokafka(empty) == []
    assert to_columns("t", 3, batches_of(MemoryRecords(empty))) is None
    assert by_kernel(build(SOME, 0, [0] * 5, 0) + empty) == by_aiokafka(build(SOME, 0, [0] * 5, 0))


@pytest.mark.parametrize("size", [13, 20, 40, 60])
def test_a_batch_shorter_than_its_header_is_corrupt(size: int) -> None:
    short = sealed(bytearray(build(SOME, 50, [0] * 5, 0)[:60]))[:size]
    short = short[:8] + (size - 12).to_bytes(4, "big") + short[12:]
    with pytest.raises(CorruptRecordException, match=f"found one of {size - 12} bytes"):
        by_kernel(short + bytes(100))


def test_what_a_fetch_cut_off_is_left_for_the_next_one() -> None:
    log = build(SOME, 50, [0] * 5, 0)
    assert by_kernel(log + log[:-1]) == by_kernel(log + log[:10]) == by_kernel(log)


def test_chunks_are_put_together_without_a_copy() -> None:
    whole = to_columns("t", 3, batches_of(MemoryRecords(build(SOME, 50, [0] * 5, 0))))
    other = to_columns("t", 3, batches_of(MemoryRecords(build(SOME, 90, [0] * 5, 3))))
    assert whole is not None
    assert other is not None
    again = concatenated([whole.part(0, 2), whole.part(2, 3), whole.part(3)])
    assert isinstance(again.values, Spans)
    assert again.values.buffers == whole.values.buffers  # type: ignore[attr-defined]
    assert len(again.values.buffers) == 1
    assert rows_of(again) == rows_of(whole)
    lists = Chunk("t", 3, np.array([200, 201]), np.array([1, 2]), [b"k", None], [None, b"v"])
    assert rows_of(concatenated([whole, other.part(1, 4), lists])) == [
        *rows_of(whole),
        *rows_of(other)[1:4],
        *rows_of(lists),
    ]
    assert concatenated([lists]) is lists


def test_the_kernel_is_warm_before_the_first_fetch() -> None:
    warm_up()
    by_kernel(build(SOME, 50, [0] * 5, 4))
    assert len(framing.read_batches.signatures) == 1  # type: ignore[attr-defined]
