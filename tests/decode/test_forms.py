"""Times in a form of the house's own."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.settings import FieldMapping, Settings, Source
from fraudwatch.decode import Decoder
from fraudwatch.decode.forms import LETTERS, form_mistake, form_parser
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import DeadLetter, Refusal

MAPPING = {"transaction_id": "transaction_id", "account_id": "account_id", "amount": "amount"}


def time_of(decode, whole, text, form, zone=None):
    """The event time read, in UTC, or the dead letter."""
    mapping = {**MAPPING, "event_time": FieldMapping(path="event_time", format=form, zone=zone)}
    read = decode({**whole, "event_time": text}, mapping=mapping)
    if isinstance(read, DeadLetter):
        return read
    return datetime.fromtimestamp(read.event_time_ms / 1000, UTC).isoformat()


@pytest.mark.parametrize(
    ("text", "form", "utc"),
    [
        ("31/12/2024 23:05", "%d/%m/%Y %H:%M", "2024-12-31T23:05:00+00:00"),
        (" 1/2/2024 9:05 ", "%d/%m/%Y %H:%M", "2024-02-01T09:05:00+00:00"),
        ("311224", "%d%m%y", "2024-12-31T00:00:00+00:00"),
        ("010199", "%d%m%y", "1999-01-01T00:00:00+00:00"),
        ("20241231230559", "%Y%m%d%H%M%S", "2024-12-31T23:05:59+00:00"),
        (20241231230559, "%Y%m%d%H%M%S", "2024-12-31T23:05:59+00:00"),
        ("2024.12.31-23.05.59.123456", "%Y.%m.%d-%H.%M.%S.%f", "2024-12-31T23:05:59.123000+00:00"),
        ("2024-12-31-23.05.59.5", "%Y-%m-%d-%H.%M.%S.%f", "2024-12-31T23:05:59.500000+00:00"),
        ("31/12/2024 23:05 +0530", "%d/%m/%Y %H:%M %z", "2024-12-31T17:35:00+00:00"),
        ("31/12/2024 23:05-01:30", "%d/%m/%Y %H:%M%z", "2025-01-01T00:35:00+00:00"),
        ("31/12/2024 23:05Z", "%d/%m/%Y %H:%M%z", "2024-12-31T23:05:00+00:00"),
        ("100% 31.12.2024", "100%% %d.%m.%Y", "2024-12-31T00:00:00+00:00"),
    ],
)
def test_a_form_reads_its_times(decode, whole, text, form, utc):
    assert time_of(decode, whole, text, form) == utc


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("31/12/2024 23:05", "2024-12-31T22:05:00+00:00"),
        ("01/07/2024 00:30", "2024-06-30T22:30:00+00:00"),
        ("27/10/2024 02:30", "2024-10-27T00:30:00+00:00"),  # occurs twice: the first
        ("31/03/2024 02:30", "2024-03-31T01:30:00+00:00"),  # does not occur: the offset from before
    ],
)
def test_a_local_time_is_of_its_zone(decode, whole, text, utc):
    assert time_of(decode, whole, text, "%d/%m/%Y %H:%M", "Europe/Paris") == utc


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2024-12-31", "%d/%m/%Y"),
        ("31/13/2024", "%d/%m/%Y"),
        ("30/02/2024", "%d/%m/%Y"),
        ("31/12/24", "%d/%m/%Y"),
        ("31/12/2024 ", "%d/%m/%Y %H"),
        ("31/12/2024 24:00", "%d/%m/%Y %H:%M"),
        ("31/12/2024x", "%d/%m/%Y"),
        ("1122024", "%d%m%Y"),  # the first or the eleventh?
        ("31/12/2024 12:00 +2400", "%d/%m/%Y %H:%M %z"),
        ("٣١/١٢/٢٠٢٤", "%d/%m/%Y"),
        ("31a12b2024", "%d.%m.%Y"),
    ],
)
def test_another_form_is_refused(decode, whole, text, form):
    letter = time_of(decode, whole, text, form)
    assert letter.reason is Refusal.BAD_TIME
    assert f"expected a time in the form {form}" in letter.detail


@pytest.mark.parametrize("value", [True, 1.5, [], {}])
def test_what_is_no_text_is_refused(decode, whole, value):
    assert time_of(decode, whole, value, "%d/%m/%Y").reason is Refusal.WRONG_TYPE


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ("iso8061", "expected iso8601, epoch_s, epoch_ms, epoch_us or a form such as %d/%m/%Y %H:%M"),
        ("iso8061", "did you mean iso8601?"),
        ("DD/MM/YYYY", 'found "DD/MM/YYYY"'),
        ("%d %b %Y", "found %b"),
        ("%d/%m/%Y %", "found %"),
        ("%d/%m/%Y %d", "expected every letter once; found %d twice"),
        ("%d/%m", "expected %Y or %y (year, four digits); found none"),
        ("%d/%m/%Y%y", "found %Y and %y"),
        ("%Y-%m %H:%M", "expected %d (day of the month, 01 to 31); found none"),
    ],
)
def test_a_form_that_cannot_be_used_is_refused_before_any_record(form, said):
    mapping = {**MAPPING, "event_time": FieldMapping(path="at", format=form)}
    with pytest.raises(ConfigurationError) as caught:
        Decoder(Settings(source=Source(mapping=mapping)))
    assert str(caught.value).startswith("source.mapping.event_time.format: ")
    assert said in str(caught.value)


@given(
    moment=st.datetimes(datetime(1970, 1, 1), datetime(2068, 1, 1)),
    date=st.permutations(["%d", "%m", "%Y"]) | st.permutations(["%d", "%m", "%y"]),
    clock=st.sampled_from([[], ["%H", "%M"], ["%H", "%M", "%S"], ["%H", "%M", "%S", "%f"]]),
    between=st.sampled_from(["", "/", ".", "-", " ", "T", "%%", "(", "\\", "é"]),
)
def test_a_form_reads_what_strftime_writes_as_strptime_does(moment, date, clock, between):
    form = between.join([*date, *clock])
    written = moment.strftime(form)
    assert form_mistake(form) is None
    assert form_parser(form)(written) == datetime.strptime(written, form)


@given(st.text(st.sampled_from("%YymdHMSfz 0/") | st.characters(), max_size=12), st.text(max_size=20))
def test_any_form_is_named_as_a_mistake_or_reads_or_refuses_any_text(form, text):
    if form_mistake(form) is None:
        with suppress(ValueError):
            form_parser(form)(text)


@pytest.mark.parametrize(("written", "year"), [("00", 2000), ("68", 2068), ("69", 1969), ("99", 1999)])
def test_a_year_of_two_digits_is_read_as_posix_reads_it(written, year):
    assert form_parser("%d%m%y")(f"0101{written}").year == year


def test_every_letter_is_said():
    assert set(LETTERS) == {"%Y", "%y", "%m", "%d", "%H", "%M", "%S", "%f", "%z", "%%"}
