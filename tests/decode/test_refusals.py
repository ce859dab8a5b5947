"""Every way in which a record cannot become a transaction, and what its dead letter says."""

import pytest

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import FieldMapping, Limits
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Refusal, Stage

NOON = 1_717_156_800_000  # 2024-05-31T12:00:00Z
DAY = 86_400_000


def assert_refused(letter, reason, *words):
    assert isinstance(letter, DeadLetter), letter
    assert letter.reason is reason, letter.detail
    assert letter.stage is Stage.DECODE
    for word in words:
        assert word in letter.detail


def test_a_dead_letter_holds_its_record_untouched(decode):
    letter = decode(b"{\x00\xff")
    assert letter.record.value == b"{\x00\xff"
    assert (letter.record.topic, letter.record.partition, letter.record.offset) == ("transactions", 3, 41)


def test_a_tombstone(decode):
    assert_refused(decode(None), Refusal.TOMBSTONE, "expected a JSON object")


@pytest.mark.parametrize("value", [b"", b" \r\n\t"])
def test_an_empty_record(decode, value):
    assert_refused(decode(value), Refusal.EMPTY)


def test_a_record_of_one_byte_too_many(decode, whole):
    limits = Limits(max_record_bytes=1000)
    room = 1000 - len(b'{"transaction_id":"t1","account_id":"a1","event_time":0,"amount":1}')
    fits = b'{"transaction_id":"t1","account_id":"a1","event_time":0,"amount":1' + b" " * room + b"}"
    assert_refused(decode(fits, limits=limits), Refusal.TIME_OUT_OF_RANGE)
    assert_refused(decode(fits + b" ", limits=limits), Refusal.TOO_LARGE, "at most 1000 bytes", "1001")


@pytest.mark.parametrize(
    "value",
    [
        b"hello",
        b"{",
        b'{"amount":}',
        b"{} {}",
        b"\xff\xfe{}",
        b"\x00",
        b'{"a":1,}',
        b"{'a':1}",
        b'"',
        b"\\",
        b'{"a',
    ],
)
def test_what_is_not_json(decode, value):
    assert_refused(decode(value), Refusal.NOT_JSON, "expected a JSON object", "at character")


@pytest.mark.parametrize(
    ("value", "found"), [(b"[]", "a list"), (b'"x"', "'x'"), (b"1e5", "1e5"), (b"null", "nothing")]
)
def test_json_that_is_no_object(decode, value, found):
    assert_refused(decode(value), Refusal.WRONG_TYPE, f"found {found}")


@pytest.mark.parametrize(
    "deep", [b"[" * 60_000, b"[" * 30_000 + b"]" * 30_000, b'{"a":' * 9_000 + b"1" + b"}" * 9_000]
)
def test_nesting_too_deep_to_read(decode, without_id, deep):
    assert_refused(decode(deep), Refusal.NOT_JSON, "levels of nesting")
    assert_refused(decode(b'{"transaction_id":"t","odd":' + deep + without_id), Refusal.NOT_JSON, "levels")


def test_nesting_is_refused_from_the_same_level_on_wherever_it_is_read_from(decode, without_id):
    def nested(levels):
        return b'{"transaction_id":"t1","odd":' + b"[" * levels + b"]" * levels + without_id

    def deeper(calls, levels):
        return deeper(calls - 1, levels) if calls else decode(nested(levels))

    assert deeper(0, 99).transaction_id == deeper(500, 99).transaction_id == "t1"
    for calls in (0, 500):
        assert_refused(deeper(calls, 100), Refusal.NOT_JSON, "at most 100 levels", "found 101")


def test_brackets_inside_texts_and_side_by_side_are_no_nesting(decode, without_id):
    flat = b'{"transaction_id":"[[[[","odd":[' + b",".join([b'{"a":"[\\"["}'] * 500) + b"]" + without_id
    assert decode(flat).transaction_id == "[[[["


@pytest.mark.parametrize(
    "beginning",
    [
        b'{"transaction_id":"t1","transaction_id":"t2"',
        b'{"transaction_id":"t1","transaction_id":"t1"',
        b'{"transaction_id":"t1","transaction_\\u0069d":"t2"',
        b'{"transaction_\\u0069d":"t2","transaction_id":"t1"',
        b'{"\\u0074ransaction_id" :"t2","transaction_id":"t1"',
        b'{"transaction_id" :"t1","transaction_id"\n: null',
    ],
)
def test_a_mapped_name_given_twice(decode, without_id, beginning):
    assert_refused(decode(beginning + without_id), Refusal.NOT_JSON, "transaction_id", "once in an object")


def test_the_longest_name_spelled_with_an_escape(decode, without_id):
    twice = b'{"transaction_id":"t","\\u0063ounterparty_country":"FR","counterparty_country":"DE"'
    assert_refused(decode(twice + without_id), Refusal.NOT_JSON, "counterparty_country")


def test_a_nested_name_given_twice(decode):
    mapping = {"transaction_id": "a.id", "account_id": "b.id", "event_time": "t", "amount": "x"}
    rest = b'"b":{"id":"a1"},"t":1717156800000,"x":1}'
    assert decode(b'{"a":{"id":"t1"},' + rest, mapping=mapping).transaction_id == "t1"
    assert_refused(decode(b'{"a":{"id":"t1","id":"t2"},' + rest, mapping=mapping), Refusal.NOT_JSON, "a.id")
    assert_refused(
        decode(b'{"a":{"id":"t1"},"a":{"id":"t2"},' + rest, mapping=mapping), Refusal.NOT_JSON, "a:"
    )


def test_a_name_that_is_also_a_value_is_not_given_twice(decode, whole):
    assert decode({**whole, "category": "amount", "channel": "event_time"}).category == "amount"


@pytest.mark.parametrize("field", ["transaction_id", "account_id", "event_time", "amount"])
@pytest.mark.parametrize("blank", [None, "", " \t", "absent"])
def test_a_required_field_that_is_missing_null_or_blank(decode, whole, field, blank):
    record = {**whole, field: blank}
    if blank == "absent":
        del record[field]
    assert_refused(decode(record), Refusal.MISSING_FIELD, f"{field}: expected a value")


def test_an_id_translated_to_nothing_is_missing(decode, whole):
    mapping = {
        **{name: name for name in whole},
        "account_id": FieldMapping(path="account_id", values={"n/a": ""}),
    }
    assert_refused(
        decode({**whole, "account_id": "n/a"}, mapping=mapping), Refusal.MISSING_FIELD, "account_id"
    )


@pytest.mark.parametrize(
    "field", ["transaction_id", "account_id", "counterparty_id", "device_id", "category"]
)
@pytest.mark.parametrize(
    ("wrong", "found"), [(True, "true"), (1.5, "1.5"), ([], "a list"), ({"a": 1}, "an object")]
)
def test_texts_of_the_wrong_type(decode, whole, field, wrong, found):
    assert_refused(
        decode({**whole, field: wrong}), Refusal.WRONG_TYPE, f"{field}: expected text", f"found {found}"
    )


@pytest.mark.parametrize("field", ["amount", "event_time", "latitude"])
@pytest.mark.parametrize("wrong", [True, [], {}])
def test_numbers_and_times_of_the_wrong_type(decode, whole, field, wrong):
    assert_refused(decode({**whole, field: wrong}), Refusal.WRONG_TYPE, field)


def test_a_value_where_an_object_is_expected(decode, whole):
    mapping = {**{name: name for name in whole}, "country": "shop.country"}
    letter = decode({**whole, "shop": "corner"}, mapping=mapping)
    assert_refused(letter, Refusal.WRONG_TYPE, "shop: expected an object, found 'corner'")


@pytest.mark.parametrize(("field", "wrong"), [("direction", "DEBIT"), ("direction", "in"), ("status", "ok")])
def test_words_outside_their_closed_list(decode, whole, field, wrong):
    assert_refused(
        decode({**whole, field: wrong}), Refusal.WRONG_TYPE, f"{field}: expected ", f"found '{wrong}'"
    )


@pytest.mark.parametrize(
    "text",
    [
        b"a\\u0000",
        b"a\\nb",
        b"\\u001b[2J",
        b"\\u0085x",
        b"\\ud800",
        b"x\\udc00y",
        b"\xff",
        b"a\x00b",
        b"a\nb",
    ],
)
def test_texts_with_control_or_broken_characters(decode, without_id, text):
    letter = decode(b'{"transaction_id":"' + text + b'"' + without_id)
    assert_refused(letter, Refusal.BAD_TEXT, "transaction_id")
    assert letter.detail.isprintable()
    letter.detail.encode()


def test_texts_of_one_character_too_many(decode, whole):
    limits = Limits(max_text=20)
    assert decode({**whole, "account_id": "é" * 20}, limits=limits).account_id == "é" * 20
    assert_refused(decode({**whole, "account_id": "é" * 21}, limits=limits), Refusal.BAD_TEXT, "at most 20")
    assert_refused(decode({**whole, "account_id": 10**20}, limits=limits), Refusal.BAD_TEXT, "at most 20")


@pytest.mark.parametrize("digits", [310, 5_000, 60_000])
def test_huge_integers(decode, without_id, digits):
    number = b"1" * digits
    letter = decode(b'{"transaction_id":' + number + without_id)
    assert letter.reason in (Refusal.BAD_TEXT, Refusal.WRONG_TYPE)
    amount = b'{"transaction_id":"t","account_id":"a","event_time":1717156800000,"amount":'
    assert_refused(decode(amount + number + b"}"), Refusal.NOT_A_NUMBER, "amount")
    assert_refused(decode(amount + b'"' + number + b'"}'), Refusal.NOT_A_NUMBER, "amount")
    time = b'{"transaction_id":"t","account_id":"a","amount":1,"event_time":'
    assert decode(time + number + b"}").reason in (Refusal.TIME_OUT_OF_RANGE, Refusal.BAD_TIME)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"-1e999"])
@pytest.mark.parametrize("quote", [b"", b'"'])
@pytest.mark.parametrize("field", [b"amount", b"latitude"])
def test_numbers_that_are_none(decode, number, quote, field):
    beginning = b'{"transaction_id":"t","account_id":"a","event_time":1717156800000,'
    rest = b'"amount":1,' if field == b"latitude" else b""
    letter = decode(beginning + rest + b'"' + field + b'":' + quote + number + quote + b"}")
    assert_refused(letter, Refusal.NOT_A_NUMBER, field.decode(), number.decode())


@pytest.mark.parametrize(
    "text", ["abc", "12,50", "1_000", "0x10", "1 000", "--1", "１２", "1.2.3", "€5", "5-"]
)
@pytest.mark.parametrize("field", ["amount", "latitude"])
def test_texts_that_are_no_numbers(decode, whole, text, field):
    assert_refused(decode({**whole, field: text}), Refusal.NOT_A_NUMBER, f"{field}: expected", repr(text))


@pytest.mark.parametrize("amount", [-0.01, "-1", -5, "-0.001"])
def test_negative_amounts(decode, whole, amount):
    assert_refused(decode({**whole, "amount": amount}), Refusal.AMOUNT_NEGATIVE, "0 or more", str(amount))


def test_amounts_beyond_the_largest(decode, whole):
    limits = Limits(max_amount=1000)
    assert decode({**whole, "amount": 1000}, limits=limits).amount_minor == 100_000
    for amount in (1000.01, "1000.01", 10**20, "1e300"):
        assert_refused(
            decode({**whole, "amount": amount}, limits=limits), Refusal.AMOUNT_OUT_OF_RANGE, "at most 1000"
        )


def test_no_setting_lets_an_amount_beyond_what_sums_of_squares_hold(decode, whole):
    limits = Limits(max_amount=10_000_000_000)
    dinars = {**whole, "currency": "KWD"}
    assert decode({**dinars, "amount": 2**40 // 1000}, limits=limits, currency="KWD").amount_minor < 2**40
    letter = decode({**dinars, "amount": 2**40 // 1000 + 1}, limits=limits, currency="KWD")
    assert_refused(letter, Refusal.AMOUNT_OUT_OF_RANGE, "at most 1099511627.775")


def test_the_largest_amount_is_in_major_units_whatever_the_source_counts_in(decode, whole):
    mapping = {**{name: name for name in whole}, "amount": FieldMapping(path="amount", unit="minor")}
    limits = Limits(max_amount=1000)
    assert decode({**whole, "amount": 100_000}, mapping=mapping, limits=limits).amount_minor == 100_000
    letter = decode({**whole, "amount": 100_001}, mapping=mapping, limits=limits)
    assert_refused(letter, Refusal.AMOUNT_OUT_OF_RANGE, "at most 100000, found 100001")


@pytest.mark.parametrize(("latitude", "longitude"), [(90.1, 0), (-91, 0), ("0", "180.5"), (0, -1e300)])
def test_places_outside_the_globe(decode, whole, latitude, longitude):
    letter = decode({**whole, "latitude": latitude, "longitude": longitude})
    assert_refused(letter, Refusal.WRONG_TYPE, "expected degrees from")


def test_a_foreign_currency_before_the_amount_is_judged(decode, whole):
    letter = decode({**whole, "currency": "USD", "amount": 1e12})
    assert_refused(letter, Refusal.CURRENCY, "currency: expected EUR, found 'USD'")


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "2024-02-30",
        "2024-13-01T00:00:00Z",
        "2024-05-31T24:00:00Z",
        "2024-05-31T12:00:60Z",
        "2024-05-31x12:00:00",
        "2024-W22-5",
        "1717156800000",
        "20240531",
        "31/05/2024 12:00",
        "2024-05-31T12:00:00+25:00",
        "２０２４-05-31",
        "0000-01-01",
    ],
)
def test_texts_that_are_no_times(decode, whole, text):
    assert_refused(
        decode({**whole, "event_time": text}), Refusal.BAD_TIME, "event_time: expected an ISO 8601"
    )


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("1989-12-31T23:59:59.999Z", "1989-12-31 23:59:59Z"),
        ("2100-01-01", "2100-01-01 00:00:00Z"),
        ("0001-01-01T00:00:00+14:00", "before year 1"),
        ("9999-12-31T23:59:59-14:00", "after year 9999"),
        (1_717_156_800, "1970-01-20"),
        (-1, "1969-12-31 23:59:59Z"),
        (10**15, "after year 9999"),
        (1e300, "found 1e+300"),
    ],
)
def test_times_out_of_range(decode, whole, time, shown):
    assert_refused(decode({**whole, "event_time": time}), Refusal.TIME_OUT_OF_RANGE, "event_time", shown)


def test_the_range_of_times_holds_its_first_moment_and_not_its_last(decode, whole):
    limits = Limits(earliest="2024-05-31", latest="2024-06-01")
    assert decode({**whole, "event_time": "2024-05-31"}, limits=limits).event_time_ms == NOON - DAY // 2
    assert_refused(decode({**whole, "event_time": "2024-06-01"}, limits=limits), Refusal.TIME_OUT_OF_RANGE)


def test_an_event_time_too_far_ahead_of_its_record(decode, whole):
    limits = Limits(ahead=Duration(1000))
    assert decode(whole, limits=limits, timestamp_ms=NOON - 1000).event_time_ms == NOON
    letter = decode(whole, limits=limits, timestamp_ms=NOON - 1001)
    assert_refused(letter, Refusal.TIME_AHEAD, "2024-05-31 11:59:59Z", "found 2024-05-31 12:00:00Z")


def test_a_record_without_a_timestamp_is_never_ahead(decode, whole):
    assert decode(whole, limits=Limits(ahead=Duration(0)), timestamp_ms=NO_TIMESTAMP).event_time_ms == NOON
    assert_refused(decode(whole, timestamp_ms=0), Refusal.TIME_AHEAD)


def test_what_was_found_is_cut_short_and_printable(decode, whole):
    letter = decode({**whole, "amount": "x\n" * 5000})
    assert len(letter.detail) < 200
    assert letter.detail.isprintable()


def test_the_detail_names_field_and_path(decode):
    mapping = {"transaction_id": "id", "account_id": "who", "event_time": "at", "amount": "body.sum"}
    letter = decode({"id": 1, "who": 2, "at": 1_717_156_800_000, "body": {"sum": "abc"}}, mapping=mapping)
    assert letter.detail == "amount (body.sum): expected a number, found 'abc'"
