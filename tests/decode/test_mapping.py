"""How a mapping reads a source record into the canonical transaction."""

import msgspec
import pytest

from fraudwatch.config.settings import FieldMapping, Settings, Source
from fraudwatch.decode import Decoder
from fraudwatch.records import DeadLetter, Record, Refusal, Transaction

NOON = 1_717_156_800_000  # 2024-05-31T12:00:00Z, `date -u -d 2024-05-31T12:00:00Z +%s`

REQUIRED = {"transaction_id": "id", "account_id": "account", "event_time": "time", "amount": "sum"}
SOURCE = {"id": "t1", "account": "a1", "time": "2024-05-31T12:00:00Z", "sum": "57.16"}


def test_without_a_mapping_the_canonical_names_are_read(decode, whole):
    optional = {
        "direction": "debit",
        "counterparty_id": "c1",
        "counterparty_country": "FR",
        "channel": "card",
        "country": "BE",
        "latitude": 50.85,
        "longitude": "4.35",
        "device_id": "d1",
        "category": 5411,
        "status": "approved",
    }
    read = decode({**whole, **optional, "currency": "EUR", "note": "not read"})
    canonical = {**optional, "longitude": 4.35, "category": "5411"}
    assert read == Transaction("t1", "a1", NOON, 5716, "EUR", **canonical)


def test_a_record_with_the_required_fields_only_is_enough(decode, whole):
    assert decode(whole) == Transaction("t1", "a1", NOON, 5716, "EUR")


def test_without_a_mapping_a_number_as_event_time_counts_milliseconds(decode, whole):
    assert decode({**whole, "event_time": NOON + 7}).event_time_ms == NOON + 7


def test_fields_are_renamed(decode):
    assert decode(SOURCE, mapping=REQUIRED) == Transaction("t1", "a1", NOON, 5716, "EUR")


def test_with_a_mapping_only_mapped_fields_are_read(decode):
    read = decode({**SOURCE, "category": "food", "currency": "XXX"}, mapping=REQUIRED)
    assert (read.category, read.currency) == (None, "EUR")


def test_nested_objects_and_lists_are_followed(decode):
    mapping = {
        **REQUIRED,
        "transaction_id": "head.ids.1",
        "counterparty_id": "lines.0.shop.id",
        "category": "lines.0.code",
    }
    record = {
        **SOURCE,
        "head": {"ids": ["no", "t9"]},
        "lines": [{"shop": {"id": 7}, "code": "x"}, {"code": "y"}],
    }
    read = decode(record, mapping=mapping)
    assert (read.transaction_id, read.counterparty_id, read.category) == ("t9", "7", "x")


def test_list_elements_of_different_kinds_are_read(decode):
    mapping = {**REQUIRED, "transaction_id": "row.0", "category": "row.1.code", "country": "row.2.place.0"}
    record = {**SOURCE, "row": ["t9", {"code": "x"}, {"place": ["FR"]}]}
    read = decode(record, mapping=mapping)
    assert (read.transaction_id, read.category, read.country) == ("t9", "x", "FR")


def test_a_number_in_a_path_is_also_a_name_where_the_record_has_an_object(decode):
    mapping = {**REQUIRED, "category": "kind.0", "channel": "kind.how"}
    read = decode({**SOURCE, "kind": {"0": "x", "how": "card"}}, mapping=mapping)
    assert (read.category, read.channel) == ("x", "card")
    assert decode({**SOURCE, "kind": ["x", "card"]}, mapping=mapping).reason is Refusal.WRONG_TYPE


def test_the_same_names_in_another_order_in_two_elements_are_not_mixed_up(decode):
    mapping = {
        **REQUIRED,
        "channel": "parts.0.b",
        "country": "parts.1.a",
        "device_id": "parts.1.b",
        "category": "parts.0.a",
    }
    read = decode({**SOURCE, "parts": [{"a": "0a", "b": "0b"}, {"a": "1a", "b": "1b"}]}, mapping=mapping)
    assert (read.channel, read.country, read.device_id, read.category) == ("0b", "1a", "1b", "0a")


@pytest.mark.parametrize("shop", [None, {}, {"id": None}, {"id": " "}, {"places": []}, {"places": None}])
def test_an_optional_path_that_ends_early_is_missing(decode, shop):
    mapping = {**REQUIRED, "counterparty_id": "shop.id", "country": "shop.places.1"}
    read = decode({**SOURCE, "shop": shop}, mapping=mapping)
    assert (read.counterparty_id, read.country) == (None, None)


def test_a_dot_inside_a_name_is_escaped(decode):
    assert decode({**SOURCE, "card.id": "c"}, mapping={**REQUIRED, "device_id": r"card\.id"}).device_id == "c"


def test_two_fields_may_read_the_same_value(decode):
    read = decode(SOURCE, mapping={**REQUIRED, "counterparty_id": "account", "category": "sum"})
    assert (read.counterparty_id, read.category) == ("a1", "57.16")


def test_names_that_are_no_identifiers_are_read(decode):
    mapping = {**REQUIRED, "category": "Catégorie n° 1", "channel": "class", "country": 'a "b" \\'}
    record = {**SOURCE, "Catégorie n° 1": "x", "class": "y", 'a "b" \\': "z"}
    read = decode(record, mapping=mapping)
    assert (read.category, read.channel, read.country) == ("x", "y", "z")


def test_constants_fill_a_field(decode):
    mapping = {
        **REQUIRED,
        "channel": FieldMapping(constant="card"),
        "category": FieldMapping(constant=5411),
        "latitude": FieldMapping(constant=48.85),
        "currency": FieldMapping(constant="EUR"),
    }
    read = decode(SOURCE, mapping=mapping)
    assert (read.channel, read.category, read.latitude, read.currency) == ("card", "5411", 48.85, "EUR")


def test_values_are_translated_before_they_are_judged(decode):
    rules = {
        "direction": FieldMapping(path="way", values={"D": "debit", "1": "credit"}),
        "status": FieldMapping(path="ok", values={"true": "approved", "false": "declined"}),
        "currency": FieldMapping(path="money", values={"eur": "EUR"}),
        "channel": FieldMapping(path="how", values={"n/a": ""}),
        "category": FieldMapping(path="kind", values={"x": "other"}),
    }
    record = {**SOURCE, "way": 1, "ok": False, "money": "eur", "how": "n/a", "kind": "not in the table"}
    read = decode(record, mapping={**REQUIRED, **rules})
    assert (read.direction, read.status, read.currency) == ("credit", "declined", "EUR")
    assert (read.channel, read.category) == (None, "not in the table")


def test_integers_of_any_size_become_the_text_of_an_id(decode, whole):
    read = decode({**whole, "transaction_id": 10**30, "account_id": 0})
    assert (read.transaction_id, read.account_id) == (str(10**30), "0")


def test_a_record_that_names_no_currency_is_in_that_of_the_state(decode, whole):
    assert decode({**whole, "currency": None}, currency="USD").currency == "USD"


def test_text_is_taken_as_it_is(decode, whole):
    assert decode({**whole, "account_id": " Zoë “7” "}).account_id == " Zoë “7” "


def test_escaped_and_plain_json_read_the_same(decode):
    plain = '{"transaction_id":"é/1","account_id":"a","event_time":1717156800000,"amount":1}'
    escaped = plain.replace("é", "\\u00e9").replace("/", "\\/").replace("account_id", "acc\\u006funt_id")
    read = decode(escaped.encode())
    assert read == decode(plain.encode()) == Transaction("é/1", "a", NOON, 100, "EUR")


def test_what_is_not_mapped_is_not_judged(decode, without_id):
    odd = b'{"transaction_id":"t1","odd":NaN,"odd":1,"dust":"\xff","line":"a\nb","far":1e999' + without_id
    assert decode(odd).transaction_id == "t1"


def test_the_decoder_says_which_fields_it_can_fill():
    mapped = Decoder(Settings(source=Source(mapping={**REQUIRED, "category": FieldMapping(constant="x")})))
    assert mapped.fields == {*REQUIRED, "category"}
    assert Decoder(Settings()).fields >= {"counterparty_id", "latitude", "status", "currency"}


def test_a_decoder_is_used_again_after_a_refusal(whole):
    decoder = Decoder(Settings())
    bad = decoder.decode(
        Record("t", 0, 0, -1, None, msgspec.json.encode({**whole, "category": [], "channel": "x"}))
    )
    good = decoder.decode(Record("t", 0, 1, -1, None, msgspec.json.encode(whole)))
    assert isinstance(bad, DeadLetter)
    assert bad.reason is Refusal.WRONG_TYPE
    assert good == Transaction("t1", "a1", NOON, 5716, "EUR")
