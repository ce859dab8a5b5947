"""One state currency, others by a dated table, in exact arithmetic."""

from datetime import UTC, datetime
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.currencies import minor_digits
from fraudwatch.config.settings import FieldMapping, Limits, Settings, Source
from fraudwatch.decode import Decoder, SourceDecoder
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Record, Refusal, Transaction

MAPPING = {name: name for name in ("transaction_id", "account_id", "event_time", "amount", "currency")}
RATES = {
    "USD": {"2024-07-01": 0.93, "2024-01-01": 0.92},  # in any order
    "JPY": {"2024-01-01": 0.0061},
    "KWD": {"2024-01-01": 2.95},
}


def decoder(rates=RATES, currency="EUR", unit=None, limits=None):
    rules = {**MAPPING, "amount": FieldMapping(path="amount", unit=unit)}
    source = Source(mapping=rules)
    settings = Settings(currency=currency, rates=rates, source=source, limits=limits or Limits())
    return Decoder(settings)


def decode(amount, currency="USD", at="2024-05-31T12:00:00Z", using=None, **settings):
    """The transaction of a record in which `amount` stands as it is: a JSON number, or a text if quoted."""
    value = (
        f'{{"transaction_id":"t","account_id":"a","event_time":"{at}","amount":{amount},'
        f'"currency":{msgspec.json.encode(currency).decode()}}}'
    ).encode()
    return (using or decoder(**settings)).decode(Record("t", 0, 0, NO_TIMESTAMP, None, value))


def test_an_amount_is_converted_and_the_transaction_is_in_the_state_s_currency():
    read = decode("100")
    assert isinstance(read, Transaction)
    assert (read.amount_minor, read.currency) == (9200, "EUR")


@pytest.mark.parametrize("currency", ["EUR", None, ""])
def test_the_state_s_own_currency_stays_as_it_is(currency):
    assert decode("100", currency).amount_minor == 10_000


@pytest.mark.parametrize(
    ("at", "minor"),
    [
        ("2024-01-01T00:00:00Z", 9200),
        ("2024-06-30T23:59:59.999Z", 9200),
        ("2024-07-01T00:00:00Z", 9300),
        ("2024-07-01T01:59:59+02:00", 9200),  # dates begin at midnight UTC
        ("2099-01-01T00:00:00Z", 9300),
    ],
)
def test_the_newest_rate_not_after_the_event_time_counts(at, minor):
    assert decode("100", at=at).amount_minor == minor


def test_before_the_first_rate_there_is_none():
    letter = decode("100", at="2023-12-31T23:59:59Z")
    assert letter.reason is Refusal.CURRENCY
    assert "a rate for USD, of which the first is from 2024-01-01 00:00:00Z" in letter.detail


@pytest.mark.parametrize("currency", ["GBP", "usd", "XXX", "x" * 300])
def test_a_currency_without_a_rate_is_refused(currency):
    assert decode("100", currency).reason in (Refusal.CURRENCY, Refusal.BAD_TEXT)
    assert "expected EUR or JPY or KWD or USD" in decode("100", "GBP").detail


def test_words_of_the_source_are_translated_to_currencies():
    rule = FieldMapping(path="currency", values={"840": "USD", "978": "EUR"})
    assert decode("100", "840").reason is Refusal.CURRENCY
    using = Decoder(Settings(rates=RATES, source=Source(mapping={**MAPPING, "currency": rule})))
    assert decode("100", "840", using=using).amount_minor == 9200


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("1000", "JPY", 610),  # 1000 yen are 6.10 euros
        ("1000", "KWD", 295),  # 1.000 dinar is 2.95 euros
        ("1000", "USD", 920),  # 10.00 dollars are 9.20 euros
        ("1000", "EUR", 1000),
    ],
)
def test_minor_units_are_those_of_the_source_s_currency(amount, currency, minor):
    assert decode(amount, currency, unit="minor").amount_minor == minor


@pytest.mark.parametrize(
    ("amount", "minor"),
    [
        ("0.125", 12),  # exactly half a cent: to the even one
        ("0.375", 38),
        ("0.1250000000000000000000000000000000001", 13),
        ("0.12499999999999999999999999999999999999", 12),
        ("1e-2", 1),
    ],
)
def test_one_rounding_half_to_even_on_the_digits_as_written(amount, minor):
    rates = {"USD": {"2024-01-01": 1.0}}
    assert decode(amount, rates=rates).amount_minor == minor
    assert decode(f'"{amount}"', rates=rates).amount_minor == minor


@given(
    amount=st.decimals(0, 10**6, allow_nan=False, places=6) | st.decimals(0, 10**6, allow_nan=False),
    rate=st.decimals("0.0001", 1000, places=4).map(float) | st.floats(1e-4, 1000),
    currencies=st.permutations(["EUR", "USD", "JPY", "KWD", "CLF"]),
    unit=st.sampled_from([None, "minor"]),
    quote=st.sampled_from(["", '"']),
)
def test_every_conversion_equals_the_exact_fraction(amount, rate, currencies, unit, quote):
    own, other, *_ = currencies
    using = decoder({other: {"2024-01-01": rate}}, own, unit, Limits(max_amount=1e10))
    written = f"{amount:f}"
    exact = Fraction(written) * Fraction(repr(rate)) * Fraction(10) ** minor_digits(own)
    if unit == "minor":
        exact /= 10 ** minor_digits(other)
    read = decode(f"{quote}{written}{quote}", other, using=using)
    if round(exact) > min(2**40 - 1, 10**10 * 10 ** minor_digits(own)):
        assert read.reason is Refusal.AMOUNT_OUT_OF_RANGE
    else:
        assert read.amount_minor == round(exact)


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("-1", Refusal.AMOUNT_NEGATIVE),
        ('"x"', Refusal.NOT_A_NUMBER),
        ('" "', Refusal.MISSING_FIELD),
        ("null", Refusal.MISSING_FIELD),
        ("true", Refusal.WRONG_TYPE),
        ("[1]", Refusal.WRONG_TYPE),
        ("1e300", Refusal.AMOUNT_OUT_OF_RANGE),
        ("1e999", Refusal.NOT_A_NUMBER),
        ("NaN", Refusal.NOT_A_NUMBER),
        ("9" * 300, Refusal.AMOUNT_OUT_OF_RANGE),
    ],
)
def test_an_amount_in_another_currency_is_judged_as_any(amount, reason):
    assert decode(amount).reason is reason


def test_the_limit_is_on_what_the_amount_is_worth():
    limits = Limits(max_amount=92)
    assert decode("100", limits=limits).amount_minor == 9200
    letter = decode("100.01", limits=limits)
    assert letter.reason is Refusal.AMOUNT_OUT_OF_RANGE
    assert "at most 92 EUR" in letter.detail
    assert decode("15000", "JPY", limits=limits).amount_minor == 9150


def test_a_source_may_be_in_another_currency_throughout():
    source = Source(mapping={**MAPPING, "currency": FieldMapping(constant="USD")})
    using = SourceDecoder(Settings(rates=RATES), source, "us")
    read = decode("100", "EUR", using=using)
    assert [one.amount_minor for one in read] == [9200]


def test_a_constant_amount_is_converted():
    fee = FieldMapping(constant=0.125)
    source = Source(mapping={**MAPPING, "amount": fee})
    assert decode("7", using=Decoder(Settings(rates=RATES, source=source))).amount_minor == 12  # 11.5
    assert decode("7", "EUR", using=Decoder(Settings(source=source))).amount_minor == 12  # 12.5


def test_without_a_mapped_currency_all_is_in_the_state_s():
    mapping = {name: name for name in MAPPING if name != "currency"}
    using = Decoder(Settings(rates=RATES, source=Source(mapping=mapping)))
    assert decode("100", "USD", using=using).amount_minor == 10_000


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ({"USD": {"soon": 1.0}}, 'rates.USD: expected a date such as 2024-01-01; found "soon"'),
        ({"USD": {"20240101": 1.0}}, "rates.USD: expected a date such as 2024-01-01"),
        ({"USD": {"2024-02-30": 1.0}}, "rates.USD: expected a date such as 2024-01-01"),
        ({"USD": {"2024-01-01": 0.0}}, "rates.USD.2024-01-01: expected a finite number above 0; found 0"),
        ({"USD": {"2024-01-01": -1.0}}, "found -1"),
        ({"USD": {"2024-01-01": float("inf")}}, "found inf"),
        ({"USD": {"2024-01-01": float("nan")}}, "found nan"),
        ({"USD": {}}, "rates.USD: expected dates with a rate each"),
        ({"EUR": {"2024-01-01": 1.0}}, "rates.EUR: expected another currency than that of the state"),
        ({"Dollar": {"2024-01-01": 1.0}}, "rates.Dollar: expected a currency of three capital letters"),
    ],
)
def test_rates_that_cannot_be_used(rates, said):
    with pytest.raises(ConfigurationError) as caught:
        decoder(rates)
    assert said in str(caught.value)


def test_every_mistake_in_the_rates_is_listed():
    with pytest.raises(ConfigurationError) as caught:
        decoder({"USD": {"soon": -1.0}, "EUR": {}})
    assert len(str(caught.value).splitlines()) == 4


def test_a_constant_currency_without_a_rate_is_a_mistake():
    source = Source(mapping={**MAPPING, "currency": FieldMapping(constant="GBP")})
    with pytest.raises(ConfigurationError, match="expected EUR or JPY or KWD or USD, found 'GBP'"):
        Decoder(Settings(rates=RATES, source=source))


def test_the_day_of_a_rate_is_that_of_the_event_and_not_of_the_record():
    now_ms = int(datetime(2024, 7, 15, tzinfo=UTC).timestamp() * 1000)
    value = msgspec.json.encode(
        {
            "transaction_id": "t",
            "account_id": "a",
            "event_time": "2024-06-01",
            "amount": 100,
            "currency": "USD",
        }
    )
    read = decoder().decode(Record("t", 0, 0, now_ms, None, value))
    assert not isinstance(read, DeadLetter)
    assert read.amount_minor == 9200
