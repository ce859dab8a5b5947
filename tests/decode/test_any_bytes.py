"""Whatever comes, a record becomes a transaction or a dead letter around the same record, never an exception."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.settings import FieldMapping, Label, Settings, Source
from fraudwatch.decode import Decoder, LabelReader
from fraudwatch.decode.mapping import compile_source
from fraudwatch.decode.refusals import Refused
from fraudwatch.decode.source import Source as SourceReader
from fraudwatch.decode.source import Unclear
from fraudwatch.records import DeadLetter, Record, Stage, Transaction

NESTED = Settings(
    source=Source(
        mapping={
            "transaction_id": "ids.0",
            "account_id": "who.id",
            "event_time": FieldMapping(path="at", zone="Europe/Paris"),
            "amount": FieldMapping(path="sum", unit="minor"),
            "direction": FieldMapping(path="way", values={"true": "debit", "1": "credit"}),
            "category": "who.kind",
            "latitude": "who.place.1",
        }
    )
)
DECODERS = [Decoder(Settings()), Decoder(NESTED)]
NAMES = [
    *(
        "transaction_id",
        "account_id",
        "event_time",
        "amount",
        "currency",
        "category",
        "latitude",
        "direction",
    ),
    *("ids", "who", "id", "at", "sum", "way", "kind", "place", "0", "1", "other"),
]

texts = st.one_of(
    st.text(st.characters(), max_size=20),  # surrogates and control characters too
    st.sampled_from(
        ["", " ", "57.16", "-1", "NaN", "1e999", "2024-05-31", "2024-05-31T12:00:00Z", "EUR", "debit"]
    ),
)
numbers = st.one_of(
    st.integers(),
    st.integers(1_500_000_000_000, 1_900_000_000_000),
    st.floats(),
    st.sampled_from([0, -0.0, 10**400]),
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=12,
)
near_records = st.fixed_dictionaries(
    {
        "transaction_id": texts | numbers,
        "account_id": texts | st.integers(),
        "event_time": st.sampled_from(["2024-05-31T12:00:00Z", 1_717_156_800_000, "x"]) | values,
        "amount": st.floats(0, 1e6) | st.integers(0, 10**6) | values,
        "ids": st.lists(texts | st.integers(), max_size=2) | values,
        "who": st.fixed_dictionaries({"id": texts}, optional={"kind": texts, "place": st.lists(numbers)})
        | values,
        "at": st.sampled_from(["2024-05-31 12:00:00", 1_717_156_800_000]) | values,
        "sum": st.floats(0, 1e6) | values,
    },
    optional={"currency": texts, "category": values, "latitude": values, "direction": texts, "way": values},
)
timestamps = st.sampled_from([-1, 0, 1_717_156_800_000])


def check(value, timestamp_ms=-1):
    """Decodes with every decoder; returns what came out."""
    record = Record("t", 0, 0, timestamp_ms, None, value)
    read = [decoder.decode(record) for decoder in DECODERS]
    for one in read:
        if isinstance(one, DeadLetter):
            assert one.record is record
            assert one.stage is Stage.DECODE
            assert one.detail.isprintable()
            assert len(one.detail.encode()) < 1000
        else:
            assert isinstance(one, Transaction)
            assert one.transaction_id.strip()
            assert one.account_id.strip()
            assert type(one.amount_minor) is int
            assert 0 <= one.amount_minor <= 10**11
            assert one.currency == "EUR"
    return read


def written(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    return text.encode("utf-8", "surrogatepass")


@given(st.binary(max_size=300), timestamps)
def test_any_bytes(value, timestamp_ms):
    check(value, timestamp_ms)


@given(values, st.booleans(), timestamps)
def test_any_json(value, ascii_only, timestamp_ms):
    check(written(value, ascii_only), timestamp_ms)


@given(near_records, st.booleans(), timestamps)
def test_anything_that_looks_like_a_record(value, ascii_only, timestamp_ms):
    check(written(value, ascii_only), timestamp_ms)


@given(near_records, st.data())
def test_a_record_damaged_anywhere(value, data):
    whole = bytearray(written(value, True))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    check(bytes(whole))


@pytest.mark.parametrize(
    "value",
    [
        b'"' + b"\\n" * 30_000 + b'"',
        b'"' + b'\\"' * 30_000,
        b"{" + b'"a":1,' * 10_000,
        b'{"amount":"' + b"\\\\" * 30_000,
        b'{"amount":1' + b"0" * 60_000,
        b'{"amount":1e' + b"9" * 60_000 + b"}",
        b'{"transaction_id":"' + b"\\u0061" * 10_000 + b'"' + b" " * 5_000 + b"}",
        b" " * 65_000 + b"x",
        b"[" * 65_000,
    ],
)
@pytest.mark.timeout(2)
def test_hostile_bytes_are_refused_in_no_time(value):
    assert all(isinstance(one, DeadLetter) for one in check(value))


@given(near_records, st.booleans(), st.sampled_from([Settings(), NESTED]))
def test_the_quick_and_the_thorough_reader_agree(value, ascii_only, settings):
    fields = [
        field
        for field in compile_source(settings, settings.source, "source", {})[0]
        if field.path is not None
    ]
    source = SourceReader([field.path for field in fields])
    raw = written(value, ascii_only)
    try:
        quick = source.read(raw)
    except Unclear:
        return
    thorough = source.reread(raw)
    for field, one, other in zip(fields, quick, thorough, strict=True):
        assert outcome(field, one) in (outcome(field, other), Unclear)


def outcome(field, found):
    """What a field makes of a value; of a refusal only the reason, since numbers are shown as they were written."""
    try:
        return field.read(found)
    except Refused as refused:
        return refused.reason
    except Unclear:
        return Unclear


@given(st.one_of(st.binary(max_size=100), values.map(lambda value: written(value, True))))
def test_a_label_can_be_read_from_anything(value):
    is_case, detail = LabelReader(Label(path="who.kind", detail="ids.0")).read(value)
    assert isinstance(is_case, bool)
    assert detail is None or isinstance(detail, str)
