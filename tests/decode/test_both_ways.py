"""Whatever a record is, compiled or not, it becomes the same transaction or the same dead letter."""

import json
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fraudwatch.config.settings import FieldMapping, Limits, Settings, Source
from fraudwatch.decode import Decoder
from fraudwatch.decode.chunks import one_by_one
from fraudwatch.records import NO_TIMESTAMP, Chunk, TextField, Transactions

PLAIN = Settings()
NESTED = Settings(
    currency="JPY",
    source=Source(
        mapping={
            "transaction_id": "id",
            "account_id": FieldMapping(path="who.id", values={"7": "seven", "": "x", "é": "e"}),
            "event_time": FieldMapping(path="at", format="epoch_s"),
            "amount": "sum.value",
            "currency": FieldMapping(path="sum.unit", values={"¥": "JPY", "$": "USD", "true": "JPY"}),
            "direction": FieldMapping(path="way", values={"true": "debit", "1": "credit", " ": "bogus"}),
            "counterparty_id": "who.with.id",
            "country": "who.with.country",
            "counterparty_country": "who.with.country",
            "channel": FieldMapping(constant="card"),
            "category": FieldMapping(
                path="kind", values={"a": "é" * 20, "b": "", "c": "\t", "false": "no", "-0": "zero"}
            ),
            "latitude": FieldMapping(constant=48.5),
            "longitude": "who.x",
        }
    ),
    limits=Limits(max_text=16),
)
MINOR = Settings(
    source=Source(
        mapping={
            "transaction_id": "transaction_id",
            "account_id": FieldMapping(constant="all"),
            "event_time": FieldMapping(path="at", format="epoch_us"),
            "amount": FieldMapping(path="amount", unit="minor"),
            "status": FieldMapping(
                path="status", values={"00": "approved", "0": "declined", "5.0": "reversed"}
            ),
        }
    ),
    limits=Limits(max_amount=1000.0, earliest="2001-01-01", latest="2050-01-01"),
)
LOCAL = Settings(
    rates={"USD": {"2024-01-01": 0.9}},
    source=Source(
        mapping={
            "transaction_id": "transaction_id",
            "account_id": "account_id",
            "event_time": FieldMapping(path="event_time", format="iso8601", zone="Europe/Paris"),
            "amount": "amount",
            "currency": FieldMapping(path="currency", values={"$": "USD", "¥": "JPY", "€": "EUR"}),
        }
    ),
)
DECODERS = [Decoder(settings) for settings in (PLAIN, NESTED, MINOR, LOCAL)]

_TEXTS = [
    *("a\x80", "a\x9f", "a\u200b", "é\x80"),
    *("", " ", "   ", "EUR", "JPY", "¥", "$", "USD", "debit", "credit", "approved", "declined", "reversed"),
    *("7", "1", "00", "-0", "5.0", "a", "b", "c", "true", "false", "x" * 16, "x" * 17, "é" * 16, "é" * 17),
    *(
        "x" * 256,
        "x" * 257,
        "\x7f",
        "a\x7f",
        "é",
        "\x80",
        "\x9f",
        "\xa0",
        "\u2003",
        "\u2003a",
        "\u3000",
        "支払",
    ),
    *("Müller & Söhne", "\U0001f600", "\ufeff", "\ufffe", "a\tb", "\\", '"', "/"),
]
_NUMBERS = [
    # Next to a tie, where a double and its digits round differently.
    *("8.575", "1.005", "0.145", "2.675", "1.115", "857.4999999999999"),
    *(
        "0",
        "-0",
        "-0.0",
        "0.0",
        "1",
        "-1",
        "57.16",
        "0.005",
        "0.015",
        "0.115",
        "12.345",
        "1e2",
        "1E+2",
        "1.5e-1",
    ),
    *(
        "01",
        "1.",
        ".5",
        "+1",
        "1_0",
        " 5",
        "5 ",
        "NaN",
        "Infinity",
        "inf",
        "1e999",
        "9" * 18,
        "9" * 19,
        "9" * 30,
    ),
    *(
        "1000",
        "1000.01",
        "1000000000",
        "1000000000.01",
        "10995116277.75",
        "10995116277.76",
        "1099511627775.5",
    ),
    *(
        "9007199254740992",
        "9007199254740993",
        "57.160000000000004",
        "0.4500000000000000001",
        "90",
        "90.0000001",
    ),
    *(
        "48.856613999999993",
        "-89.99999999999999999",
        "2.3522219",
        "0.0000005",
        "0.0000015",
        "-0.0000025",
        "181",
    ),
    *("1717243200", "1717243200.123", "1717243200.123456789", "1717243200000", "1717243200000.9"),
    *(
        "1717243200123456",
        "1717243200123456.7",
        "4503599627370497",
        "978307199.999",
        "978307200",
        "4102444800000",
    ),
]
_TIMES = [
    # Where clocks in Paris change.
    *(
        "2024-03-31T01:59:59.999",
        "2024-03-31T02:00",
        "2024-03-31T02:30",
        "2024-03-31T03:00",
        "2024-10-27T01:59",
    ),
    *(
        "2024-10-27T02:00",
        "2024-10-27T02:59:59.9",
        "2024-10-27T03:00",
        "2050-07-01",
        "1990-01-01",
        "2099-12-31",
    ),
    *(
        "2024-05-31",
        "2024-05-31T12:00",
        "2024-05-31 12:00:00",
        "2024-05-31T12:00:00Z",
        "2024-02-29T00:00:00.1Z",
    ),
    *(
        "2023-02-29",
        "1900-02-29",
        "2000-02-29",
        "2024-13-01",
        "2024-00-10",
        "2024-04-31",
        "0001-01-01",
        "0000-01-01",
    ),
    *(
        "2024-05-31T24:00",
        "2024-05-31T23:60",
        "2024-05-31T23:59:60Z",
        "2024-05-31T12:00:00.",
        "2024-05-31T12:00Z",
    ),
    *(
        "2024-05-31T12:00:00,123456789012Z",
        "2024-05-31T12:00:00.1234567890123Z",
        "2024-05-31T12:00:00.9999+02:00",
    ),
    *(
        "2024-05-31T12:00:00+0200",
        "2024-05-31T12:00:00-02",
        "2024-05-31T12:00:00+24:00",
        "2024-05-31T12:00:00+2:00",
    ),
    *("2024-05-31T12:00:00 +02:00", "2024-05-31T12:00:00 Z", "2024-05-31T12:00:00 ", " 2024-05-31T12:00:00"),
    *("2024-05-31t12:00:00z", "20240531T120000Z", "2024-W22-5", "2024-05-31T12", "2024-05-31T12:00:00+02:60"),
    *("1989-12-31T23:59:59.999Z", "1990-01-01T00:00:00Z", "2099-12-31T23:59:59.999Z", "2100-01-01T00:00:00Z"),
    *(
        "1990-01-01T00:00:00+00:01",
        "2024-05-31T12:00:00+",
        "2024-05-31X12:00:00",
        "2024/05/31",
        "2024-05-31T12:00:0",
    ),
]
_RAW = [
    *(
        b"null",
        b"true",
        b"false",
        b"{}",
        b"[]",
        b"[1,[2,{}],null]",
        b'{"id":"z"}',
        b'{"id":null,"with":null}',
    ),
    *(
        b'"\xff"',
        b'"\xc3"',
        b'"\xe2\x82"',
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b'"\xf4\x90\x80\x80"',
        b'"\xe0\x80\x80"',
    ),
    *(
        b'"a\x00"',
        b'"a\nb"',
        b'"\\u0061"',
        b'"\\ud800"',
        b'"\\ud83d\\ude00"',
        b'"\\x"',
        b'"\\u12g4"',
        b'"\\"',
    ),
    *(
        b'"\\u0041\\n"',
        b'"M\\u00fcller \\/ S\\u00F6hne"',
        b'"\\"x\\\\"',
        b'"\\ud83d"',
        b'"\\ud83dx"',
        b'"\\ud83d\\u0041"',
    ),
    *(
        b'"\\ude00\\ud83d"',
        b'"\\udbff\\udfff"',
        b'"\\uffff"',
        b'"\\u0080"',
        b'"\\u007f"',
        b'"\\u07ff\\u0800"',
        b'"a\\u0000"',
    ),
    *(
        b'"EU\\u0052"',
        b'"debi\\u0074"',
        b'"\\u20ac"',
        b'"\\u00a5"',
        b'"\\u0020"',
        b'"\\u00a0"',
        b'"\\u00e9\xc3\xa9"',
        b'"\\u00e9\xff"',
    ),
    *(b'"5\\u0037.16"', b'"2024-05-31\\u005412:00"', b'"\\u003"', b'"\\u00', b'"\\'),
    *(b"nul", b"nullx", b"tru", b"", b"-", b"--1", b"'a'", b"\x00", b"[1,]", b'{"a":1,}', b'{"a"}', b"[1 2]"),
    *(b"[" * 59 + b"]" * 59, b"[" * 99 + b"]" * 99, b"[" * 100 + b"]" * 100),
]
_NAMES = [
    *("id", "who", "at", "sum", "way", "kind", "with", "value", "unit", "x", "country", "other", "", "é"),
    *("transaction_id", "account_id", "event_time", "amount", "currency", "direction", "counterparty_id"),
    *(
        "counterparty_country",
        "channel",
        "country",
        "latitude",
        "longitude",
        "device_id",
        "category",
        "status",
    ),
]

texts = st.sampled_from(_TEXTS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
spelled = st.sampled_from(_NUMBERS) | st.from_regex(
    re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", re.ASCII), fullmatch=True
)
times = st.sampled_from(_TIMES) | st.from_regex(
    re.compile(
        r"20[0-9]{2}-[01][0-9]-[0-3][0-9]([T ][0-2][0-9]:[0-5][0-9](:[0-6][0-9]([.,][0-9]{0,7})?)?)?"
        r"(Z|[+-][0-2][0-9](:?[0-6][0-9])?)?",
        re.ASCII,
    ),
    fullmatch=True,
)


def quoted(text: str, ascii_only: bool) -> bytes:
    return json.dumps(text, ensure_ascii=ascii_only).encode()


strings = st.builds(quoted, texts | spelled | times, st.booleans())
values = strings | spelled.map(str.encode) | st.sampled_from(_RAW)
names = st.builds(quoted, st.sampled_from(_NAMES), st.just(False)) | st.sampled_from(
    [b'"i\\u0064"', b'"\\u00e9"', b'"a\\n"', b'"\xff"', b"id"]
)
blanks = st.sampled_from([b"", b"", b"", b" ", b"\n\t ", b"\r", b"\x0b", b"\xa0"])

WHOLE: dict[str, bytes] = {
    "transaction_id": b'"t1"',
    "account_id": b'"a1"',
    "event_time": b'"2024-05-31T12:00:00Z"',
    "amount": b"57.16",
    "currency": b'"EUR"',
    "direction": b'"debit"',
    "counterparty_id": b'"c1"',
    "latitude": b"48.8566",
    "longitude": b"2.3522",
    "category": b'"food"',
    "status": b'"approved"',
    "id": b"17",
    "at": b"1717243200",
    "way": b"true",
    "kind": b'"a"',
}
SUM = {"value": b"1250", "unit": b'"JPY"'}
WITH = {"id": b'"c1"', "country": b'"FR"'}
WHO = {"id": b'"a1"', "x": b"2.5"}


@st.composite
def objects(draw: st.DrawFn, whole: dict[str, bytes]) -> bytes:
    """An object that is near to a whole one, in any spelling."""
    pairs = [(quoted(name, False), value) for name, value in whole.items()]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(pairs) - 1))
        if draw(st.booleans()):
            pairs[place] = pairs[place][0], draw(values)
        else:
            pairs.insert(place, (draw(names), draw(values)))
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    space = draw(blanks)
    members = (space + b":".join([name + space, value]) + space for name, value in pairs)
    return b"{" + b",".join(members) + b"}" + space


@st.composite
def records(draw: st.DrawFn) -> bytes:
    who = dict(WHO) | {"with": draw(objects(WITH))}
    whole = objects(WHOLE | {"who": draw(objects(who)), "sum": draw(objects(SUM))})
    return draw(whole)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A record with a few bytes replaced, or cut off."""
    record = bytearray(draw(records()))
    place = draw(st.integers(0, len(record)))
    if draw(st.booleans()):
        return bytes(record[:place])
    record[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(record)


timestamps = st.sampled_from([NO_TIMESTAMP, NO_TIMESTAMP, 0, 1_717_156_800_000 - 43_200_000])


def said(transactions: Transactions) -> dict[str, object]:
    """All that the columns say, wherever the texts are."""
    columns = {
        name: getattr(transactions, name).tolist()
        for name in transactions.__struct_fields__
        if name not in ("spans", "text")
    }
    texts_of_rows = [
        [transactions.text_of(row, field) for field in TextField] for row in range(len(transactions))
    ]
    return columns | {"texts": texts_of_rows}


def check(decoder: Decoder, records_: list[bytes | None], timestamps_ms: list[int] | None = None) -> None:
    """Both ways give the same of a chunk of these records."""
    count = len(records_)
    chunk = Chunk(
        "transactions",
        0,
        np.arange(7, 7 + count),
        np.array(timestamps_ms or [NO_TIMESTAMP] * count, dtype=np.int64),
        [None] * count,
        records_,
    )
    fast, letters = decoder.decode_chunk(chunk)
    slow, expected = one_by_one(decoder.decode, chunk)
    assert said(fast) == said(slow)
    assert letters == expected
    for name in fast.__struct_fields__:
        one, other = getattr(fast, name), getattr(slow, name)
        assert (one.dtype, one.ndim) == (other.dtype, other.ndim)
        assert one.flags.c_contiguous
        assert one.flags.writeable == other.flags.writeable  # else kernels are compiled for each


@given(st.lists(st.tuples(records() | spoilt() | st.none(), timestamps), max_size=6))
def test_records_of_every_kind(pairs: list[tuple[bytes | None, int]]) -> None:
    for decoder in DECODERS:
        check(decoder, [record for record, _ in pairs], [timestamp_ms for _, timestamp_ms in pairs])


@given(st.binary(max_size=60))
@example(b"")
@example(b"\0")
@example(b"{}")
@example(b"{}\0")
def test_any_bytes(value: bytes) -> None:
    check(DECODERS[0], [value, value + b"}"])


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("name", [*WHOLE, *(f"who.{name}" for name in WHO), *(f"sum.{name}" for name in SUM)])
def test_every_spelling_of_every_value(decoder: Decoder, name: str) -> None:
    spellings = [
        *_RAW,
        *(number.encode() for number in _NUMBERS),
        *(quoted(text, ascii_only) for text in (*_TEXTS, *_NUMBERS, *_TIMES) for ascii_only in (True, False)),
    ]
    records_ = []
    for value in spellings:
        nested = {"who": dict(WHO), "sum": dict(SUM)}
        whole = dict(WHOLE)
        outer, _, inner = name.partition(".")
        (nested[outer] if inner else whole)[inner or outer] = value
        with_nested = whole | {key: written(pairs) for key, pairs in nested.items()}
        records_.append(written(with_nested))
        records_.append(written(dict(reversed(with_nested.items()))))
    check(decoder, records_)


def written(pairs: dict[str, bytes]) -> bytes:
    return b"{" + b",".join(quoted(name, False) + b":" + value for name, value in pairs.items()) + b"}"


@pytest.mark.parametrize("decoder", DECODERS)
def test_a_name_given_twice(decoder: Decoder) -> None:
    whole = WHOLE | {"who": written(WHO), "sum": written(SUM)}
    twice = [
        b"{" + quoted(name, False) + b":" + value + b"," + written(whole)[1:] for name, value in whole.items()
    ]
    check(decoder, twice)
