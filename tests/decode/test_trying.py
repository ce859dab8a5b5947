"""A record field by field, for a person who maps a source."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.settings import Csv, FieldMapping, Settings, Source
from fraudwatch.decode import Decoder, SourceDecoder, explain
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Record, Refusal, Transaction

NOON = 1_717_156_800_000  # 2024-05-31T12:00:00Z
MAPPING = {
    "transaction_id": "id",
    "account_id": "who.id",
    "event_time": "at",
    "amount": FieldMapping(path="sum.value"),
    "currency": "sum.in",
    "channel": FieldMapping(constant="card"),
    "category": "kind",
}
RECORD = {"id": "t1", "who": {"id": 7}, "at": "2024-05-31T12:00:00Z", "sum": {"value": 1.5, "in": "USD"}}
SETTINGS = Settings(rates={"USD": {"2024-01-01": 0.5}}, source=Source(mapping=MAPPING))
SOURCE = SourceDecoder(SETTINGS, SETTINGS.source, "one")


def tried(record, decoder=SOURCE, timestamp_ms=NO_TIMESTAMP):
    value = record if isinstance(record, bytes | None) else msgspec.json.encode(record)
    return explain(decoder, Record("t", 0, 0, timestamp_ms, None, value))


def told(fields):
    return {one.field: (one.path, one.found, one.made, one.reason) for one in fields}


@pytest.mark.parametrize("decoder", [SOURCE, Decoder(SETTINGS)])
def test_every_field_is_told_with_its_path_what_was_found_and_what_it_became(decoder):
    read = tried(RECORD, decoder)
    assert read.outcome == [Transaction("t1", "7", NOON, 75, "EUR", channel="card")]
    (fields,) = read.legs
    assert told(fields) == {
        "transaction_id": ("id", "'t1'", "t1", None),
        "account_id": ("who.id", "7", "7", None),
        "event_time": ("at", "'2024-05-31T12:00:00Z'", NOON, None),
        "currency": ("sum.in", "'USD'", "USD", None),
        "amount": ("sum.value", "1.5", 75, None),
        "channel": (None, "'card'", "card", None),
        "category": ("kind", "nothing", None, None),
    }


def test_after_the_first_refusal_the_other_fields_are_still_told():
    read = tried({**RECORD, "at": "soon", "who": 3, "kind": [], "id": "t" * 300})
    (fields,) = read.legs
    assert isinstance(read.outcome, DeadLetter)
    assert {name: reason for name, (_, _, _, reason) in told(fields).items() if reason} == {
        "transaction_id": Refusal.BAD_TEXT,
        "account_id": Refusal.WRONG_TYPE,
        "event_time": Refusal.BAD_TIME,
        "amount": Refusal.CURRENCY,  # no event time, no rate
        "category": Refusal.WRONG_TYPE,
    }
    refused = next(one for one in fields if one.field == "event_time")
    assert refused.refusal.startswith("event_time (at): expected an ISO 8601 time")
    assert "a currency and an event time" in next(one for one in fields if one.field == "amount").refusal


def test_a_number_is_shown_as_it_was_written():
    read = tried(b'{"id":"t","who":{"id":1},"at":0,"sum":{"value":1.50000000000000000000001,"in":"EUR"}}')
    assert told(read.legs[0])["amount"][1] == "1.50000000000000000000001"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Refusal.TOMBSTONE),
        (b"", Refusal.EMPTY),
        (b"[", Refusal.NOT_JSON),
        (b"[]", Refusal.WRONG_TYPE),
        (b"{}" + b" " * 70_000, Refusal.TOO_LARGE),
    ],
)
def test_a_record_that_cannot_be_read_has_no_fields(value, reason):
    read = tried(value)
    assert read.legs == ()
    assert read.outcome.reason is reason


def test_a_record_may_be_refused_though_each_field_can_be_read():
    read = tried(RECORD, timestamp_ms=0)
    assert read.outcome.reason is Refusal.TIME_AHEAD
    assert not any(one.refusal for one in read.legs[0])


def test_each_leg_is_told():
    shared = {name: name for name in ("transaction_id", "event_time", "amount")}
    source = Source(mapping=shared, legs=({"account_id": "a"}, {"account_id": "b"}))
    decoder = SourceDecoder(Settings(), source, "two")
    read = tried({"transaction_id": "t", "event_time": NOON, "amount": 1, "a": "x"}, decoder)
    assert [told(leg)["account_id"][:3] for leg in read.legs] == [("a", "'x'", "x"), ("b", "nothing", None)]
    assert read.outcome.reason is Refusal.MISSING_FIELD


def test_columns_are_told_by_name():
    columns = ("no", "konto", "wann", "betrag.eur")
    mapping = dict(zip(("transaction_id", "account_id", "event_time", "amount"), columns, strict=True))
    source = Source(format="csv", csv=Csv(columns=columns, decimal=","), mapping=mapping)
    decoder = SourceDecoder(Settings(), source, "till")
    (fields,) = tried(b"t1;a1;2024-05-31T12:00:00Z;1.5", decoder).legs
    assert told(fields)["amount"][1:] == ("'1.5'", None, Refusal.NOT_A_NUMBER)
    assert tried(b"t1;a1", decoder).legs == ()


keys = st.sampled_from(["id", "who", "at", "sum", "value", "in", "kind"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2024-05-31"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=10,
)


@given(st.binary(max_size=100) | st.dictionaries(keys, anything, max_size=7).map(msgspec.json.encode))
def test_what_is_told_of_any_record_fits_what_becomes_of_it(value):
    read = tried(value)
    refusals = [one for leg in read.legs for one in leg if one.refusal]
    if isinstance(read.outcome, DeadLetter):
        assert not read.legs or read.outcome.reason in {one.reason for one in refusals}
    else:
        assert not refusals
        (fields,), (transaction,) = read.legs, read.outcome
        made = {one.field: one.made for one in fields}
        assert made["amount"] == transaction.amount_minor
        assert made["event_time"] == transaction.event_time_ms
        assert made["category"] == transaction.category
