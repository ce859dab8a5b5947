"""Event times become milliseconds since 1970 UTC; held against computations that share no code with ours."""

import calendar
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from math import floor
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.settings import FieldMapping, Limits, Settings, Source
from fraudwatch.decode import Decoder
from fraudwatch.records import NO_TIMESTAMP, Record, Transaction

RULES = {
    "plain": FieldMapping(path="at"),
    "iso8601": FieldMapping(path="at", format="iso8601"),
    "epoch_s": FieldMapping(path="at", format="epoch_s"),
    "epoch_ms": FieldMapping(path="at", format="epoch_ms"),
    "epoch_us": FieldMapping(path="at", format="epoch_us"),
    "Europe/Paris": FieldMapping(path="at", zone="Europe/Paris"),
    "America/New_York": FieldMapping(path="at", zone="America/New_York"),
    "Australia/Lord_Howe": FieldMapping(path="at", format="iso8601", zone="Australia/Lord_Howe"),
}
DECODERS = {
    name: Decoder(
        Settings(
            source=Source(
                mapping={"transaction_id": "id", "account_id": "id", "event_time": rule, "amount": "id"}
            ),
            limits=Limits(earliest="1900-01-01", latest="2200-01-01"),
        )
    )
    for name, rule in RULES.items()
}
NOON = calendar.timegm((2024, 5, 31, 12, 0, 0)) * 1000


def read_ms(at, rule="plain"):
    """The event time of a record; `at` as bytes stands in the JSON as it is."""
    written = at if isinstance(at, bytes) else msgspec.json.encode(at)
    read = DECODERS[rule].decode(Record("t", 0, 0, NO_TIMESTAMP, None, b'{"id":1,"at":' + written + b"}"))
    assert isinstance(read, Transaction), read
    return read.event_time_ms


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-31T12:00:00Z",
        "2024-05-31T12:00Z",
        "2024-05-31 12:00:00",
        "2024-05-31t12:00:00z",
        "2024-05-31T12:00:00.000",
        "2024-05-31T12:00:00,0Z",
        "2024-05-31T14:00:00+02:00",
        "2024-05-31T14:00:00 +0200",
        "2024-05-31T05:30:00-06:30",
        "2024-05-31T14:00:00+02",
        "20240531T120000Z",
        " 2024-05-31T12:00:00Z\n",
    ],
)
def test_iso_8601_in_its_usual_spellings(text):
    assert read_ms(text) == read_ms(text, "iso8601") == NOON


def test_a_date_alone_is_its_midnight():
    assert read_ms("2024-05-31") == NOON - 12 * 3_600_000


@pytest.mark.parametrize(("fraction", "ms"), [("1", 100), ("123", 123), ("999999", 999), ("1239999999", 123)])
def test_finer_times_are_cut_down_to_the_millisecond(fraction, ms):
    assert read_ms(f"2024-05-31T12:00:00.{fraction}Z") == NOON + ms
    assert read_ms(f"1950-01-01T00:00:00.{fraction}Z") == calendar.timegm((1950, 1, 1, 0, 0, 0)) * 1000 + ms


@pytest.mark.parametrize(
    ("at", "rule", "ms"),
    [
        (1_522_540_831, "epoch_s", 1_522_540_831_000),
        ("1522540831", "epoch_s", 1_522_540_831_000),
        (1_522_540_831.123, "epoch_s", 1_522_540_831_123),
        ("1522540831.1239", "epoch_s", 1_522_540_831_123),
        ("1522540831.123" + "9" * 300, "epoch_s", 1_522_540_831_123),
        (1.522540831e9, "epoch_s", 1_522_540_831_000),
        (1_522_540_831_123, "epoch_ms", 1_522_540_831_123),
        ("1522540831123", "epoch_ms", 1_522_540_831_123),
        (1_522_540_831_123.9, "epoch_ms", 1_522_540_831_123),
        (1_522_540_831_123_999, "epoch_us", 1_522_540_831_123),
        (" 1522540831123999 ", "epoch_us", 1_522_540_831_123),
        (-1, "epoch_us", -1),
        ("-0.0001", "epoch_s", -1),
        (0, "epoch_s", 0),
        (1_522_540_831_123, "plain", 1_522_540_831_123),
        (1_522_540_831_123.0, "plain", 1_522_540_831_123),
    ],
)
def test_counts_since_1970(at, rule, ms):
    assert read_ms(at, rule) == ms


def test_a_time_without_an_offset_is_local_to_the_zone():
    assert read_ms("2024-05-31 14:00:00", "Europe/Paris") == NOON
    assert read_ms("2024-01-31 13:00:00", "Europe/Paris") == calendar.timegm((2024, 1, 31, 12, 0, 0)) * 1000


def test_a_time_with_an_offset_keeps_it_whatever_the_zone():
    assert read_ms("2024-05-31T12:00:00Z", "America/New_York") == NOON


@pytest.mark.parametrize(
    ("local", "rule", "utc"),
    [
        # 2024-10-27 03:00 summer time becomes 02:00: 02:30 happens twice, the first is at 00:30 UTC.
        ("2024-10-27 02:30:00", "Europe/Paris", (2024, 10, 27, 0, 30)),
        ("2024-10-27 03:00:00", "Europe/Paris", (2024, 10, 27, 2, 0)),
        # 2024-03-31 02:00 becomes 03:00: 02:30 does not exist and is read as 03:30 summer time.
        ("2024-03-31 02:30:00", "Europe/Paris", (2024, 3, 31, 1, 30)),
        ("2024-03-31 03:30:00", "Europe/Paris", (2024, 3, 31, 1, 30)),
        ("2024-11-03 01:30:00", "America/New_York", (2024, 11, 3, 5, 30)),
        ("2024-03-10 02:30:00", "America/New_York", (2024, 3, 10, 7, 30)),
        # Half an hour only: 2024-04-07 02:00 (+11) becomes 01:30 (+10:30).
        ("2024-04-07 01:45:00", "Australia/Lord_Howe", (2024, 4, 6, 14, 45)),
    ],
)
def test_local_times_at_changes_of_the_clock_are_read_with_the_earlier_offset(local, rule, utc):
    assert read_ms(local, rule) == calendar.timegm((*utc, 0)) * 1000


moments = st.datetimes(datetime(1900, 1, 2), datetime(2199, 12, 30))
offsets = st.integers(-14 * 60, 14 * 60)


@given(moments, offsets, st.sampled_from("T "))
def test_any_time_with_an_offset_equals_the_calendar_computation(moment, minutes, separator):
    text = moment.replace(tzinfo=timezone(timedelta(minutes=minutes))).isoformat(separator)
    seconds = calendar.timegm(moment.timetuple()) - minutes * 60
    assert read_ms(text) == seconds * 1000 + moment.microsecond // 1000


@given(moments, st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe"]))
def test_any_local_time_is_one_that_the_zone_shows_at_that_moment(moment, zone):
    local = moment.replace(microsecond=0)
    read = read_ms(local.isoformat(" "), zone)
    shown = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=read)).astimezone(ZoneInfo(zone))
    does_not_exist = shown.replace(tzinfo=None) - local
    assert timedelta(0) <= does_not_exist <= timedelta(hours=1)
    if does_not_exist:
        before = (shown - timedelta(hours=2)).utcoffset()
        assert read == (calendar.timegm(local.timetuple()) - before.total_seconds()) * 1000


UNITS = {"epoch_s": Fraction(1000), "epoch_ms": Fraction(1), "epoch_us": Fraction(1, 1000)}


@given(st.integers(-2 * 10**9, 7 * 10**9), st.sampled_from(sorted(UNITS)))
def test_any_whole_count_is_read_exactly(count, rule):
    assert read_ms(count, rule) == read_ms(str(count), rule) == floor(count * UNITS[rule])


@given(st.integers(0, 7 * 10**9), st.integers(0, 10**9 - 1), st.sampled_from(sorted(UNITS)))
def test_any_count_with_decimals_in_text_is_read_exactly(whole, billionths, rule):
    count = Fraction(whole) + Fraction(billionths, 10**9)
    assert read_ms(f"{whole}.{billionths:09}", rule) == floor(count * UNITS[rule])
