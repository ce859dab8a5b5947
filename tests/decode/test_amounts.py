"""Amounts become whole minor units, exactly; held against decimal.Decimal."""

from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.currencies import minor_digits
from fraudwatch.config.settings import FieldMapping, Settings, Source
from fraudwatch.decode import Decoder
from fraudwatch.records import NO_TIMESTAMP, Record, Transaction

MAJOR = {"transaction_id": "id", "account_id": "id", "event_time": "at", "amount": "sum"}
MINOR = {**MAJOR, "amount": FieldMapping(path="sum", unit="minor")}

DECODERS = {
    (currency, unit): Decoder(Settings(currency=currency, source=Source(mapping=mapping)))
    for currency in ("EUR", "JPY", "KWD", "CLF")
    for unit, mapping in (("major", MAJOR), ("minor", MINOR))
}


def minor_units(written: str, currency: str = "EUR", unit: str = "major") -> int:
    """The amount of a record in which `written` stands as it is: a JSON number, or a text if quoted."""
    value = f'{{"id":1,"at":1717156800000,"sum":{written}}}'.encode()
    read = DECODERS[currency, unit].decode(Record("t", 0, 0, NO_TIMESTAMP, None, value))
    assert isinstance(read, Transaction), read
    return read.amount_minor


def expected(written: str, digits: int) -> int:
    """Rounded half to even, from the exact fraction that the decimal digits stand for."""
    return round(Fraction(Decimal(written)) * 10**digits)


@pytest.mark.parametrize(
    "written", ["57.16", '"57.16"', '" 57.160 "', '"+57.16"', "5716e-2", "0.5716E2", '"57.16000"']
)
def test_numbers_and_texts_give_the_same_cents(written):
    assert minor_units(written) == 5716


@pytest.mark.parametrize(
    "written", ["0", "-0", "-0.0", '"-0"', "0.00", '".0"', '"0."', "0e5", "1e-400", '"1e-999999"']
)
def test_zero_in_every_spelling_is_valid(written):
    assert minor_units(written) == 0


@pytest.mark.parametrize(
    ("currency", "major", "minor"),
    [("EUR", 1234, 12), ("JPY", 12, 12), ("KWD", 12340, 12), ("CLF", 123400, 12)],
)
def test_each_currency_has_its_own_minor_unit(currency, major, minor):
    assert minor_units("12.34", currency) == major
    assert minor_units("12.34", currency, "minor") == minor


@pytest.mark.parametrize(
    ("currency", "digits"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("XOF", 0), ("TND", 3), ("ZZZ", 2)]
)
def test_decimals_of_currencies(currency, digits):
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("written", "cents"),
    [
        ("0.125", 12),
        ("0.135", 14),
        ("1.005", 100),  # as a binary fraction it is below the half, times 100 it is above
        ("1.015", 102),
        ("2.675", 268),
        ("0.1250000000000000000000000000000000001", 13),
        ("0.12499999999999999999999999999999999999", 12),
        ("999999999.995", 100_000_000_000),
        ("999999999.985", 99_999_999_998),
    ],
)
def test_more_decimals_than_the_currency_has_are_rounded_half_to_even(written, cents):
    assert minor_units(written) == minor_units(f'"{written}"') == cents


@given(
    whole=st.integers(0, 999_999_999),
    decimals=st.text("0123456789", max_size=6),
    tail=st.sampled_from(["0", "5", "50", "4999999999999999999999", "5000000000000000000001"]),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "CLF"]),
    unit=st.sampled_from(["major", "minor"]),
)
def test_every_amount_equals_the_decimal_computation(whole, decimals, tail, currency, unit):
    if currency == "CLF" and unit == "major":
        whole %= 109_951_162  # the largest amount of a currency with four decimals
    written = f"{whole}.{decimals}{tail}"
    wanted = expected(written, 0 if unit == "minor" else minor_digits(currency))
    assert minor_units(written, currency, unit) == wanted
    assert minor_units(f'"{written}"', currency, unit) == wanted


@given(st.floats(0, 1e9))
def test_every_double_is_read_as_the_shortest_text_that_names_it(number):
    written = msgspec.json.encode(number).decode()
    assert minor_units(written) == minor_units(f'"{written}"') == expected(repr(number), 2)
