"""What intake writes to the log, the worker reads as the same transaction, to the last minor unit."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.currencies import minor_digits
from fraudwatch.config.settings import Limits, Settings, Source
from fraudwatch.decode import Decoder, canonical
from fraudwatch.records import LARGEST_AMOUNT_MINOR, NO_TIMESTAMP, Record, Transaction

CURRENCIES = ("EUR", "JPY", "KWD", "CLF")
MAPPED = Source(mapping={"transaction_id": "a", "account_id": "b", "event_time": "c", "amount": "d"})


def log_of(currency="EUR", **limits):
    """The reader of a log that intake writes; its limits are those of the records of the sources."""
    settings = Settings(currency=currency, sources={"one": MAPPED}, limits=Limits(max_amount=1e10, **limits))
    return Decoder(settings)


LOGS = {currency: log_of(currency) for currency in CURRENCIES}


def read_again(transaction, log):
    return log.decode(Record("log", 0, 0, NO_TIMESTAMP, None, canonical(transaction)))


# What a text reader lets through: anything a screen can show, and not blank.
texts = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=40).filter(
    lambda text: not text.isspace()
) | st.sampled_from(["amount", '"amount":', "\\", '"', "{[", "event_time", "é", "\U0001f600", "null", "1"])
degrees = st.floats(-90, 90)


def transactions(currency):
    largest = min(LARGEST_AMOUNT_MINOR, 10**10 * 10 ** minor_digits(currency))
    return st.builds(
        Transaction,
        transaction_id=texts,
        account_id=texts,
        event_time_ms=st.integers(631_152_000_000, 4_102_444_799_999),
        amount_minor=st.integers(0, largest) | st.integers(largest - 1000, largest),
        currency=st.just(currency),
        direction=st.sampled_from([None, "debit", "credit"]),
        counterparty_id=st.none() | texts,
        counterparty_country=st.none() | texts,
        channel=st.none() | texts,
        country=st.none() | texts,
        latitude=st.none() | degrees,
        longitude=st.none() | degrees,
        device_id=st.none() | texts,
        category=st.none() | texts,
        status=st.sampled_from([None, "approved", "declined", "reversed"]),
    )


@given(st.sampled_from(CURRENCIES).flatmap(transactions))
def test_every_transaction_is_read_again_as_it_was(transaction):
    assert read_again(transaction, LOGS[transaction.currency]) == transaction


def test_the_log_is_json_in_canonical_names():
    transaction = Transaction("t1", "a1", 1_717_156_800_123, 5716, "EUR", direction="debit", latitude=48.85)
    assert json.loads(canonical(transaction)) == {
        "transaction_id": "t1",
        "account_id": "a1",
        "event_time": 1_717_156_800_123,
        "amount": 57.16,
        "currency": "EUR",
        "direction": "debit",
        "latitude": 48.85,
    }


@pytest.mark.parametrize("character", ["x", "\\", "é", "\U0001f600"])
@pytest.mark.parametrize("longest", [16, 4096])
def test_no_transaction_is_too_large_for_the_log(character, longest):
    """A line of CSV of 64 bytes, or a record in a terser encoding, is longer in the log."""
    text = character * longest
    names = ("counterparty_id", "counterparty_country", "channel", "country", "device_id", "category")
    transaction = Transaction(
        text, text, 4_102_444_799_999, LARGEST_AMOUNT_MINOR // 10, "EUR", "credit", status="declined",
        latitude=-1 / 3, longitude=-1 / 7, **dict.fromkeys(names, text),
    )  # fmt: skip
    assert read_again(transaction, log_of(max_record_bytes=64, max_text=longest)) == transaction


def test_a_source_read_directly_keeps_its_limit_of_bytes():
    decoder = Decoder(Settings(source=Source(), limits=Limits(max_record_bytes=64)))
    letter = decoder.decode(Record("t", 0, 0, NO_TIMESTAMP, None, b" " * 65))
    assert letter.reason == "too_large"


def test_every_field_of_a_transaction_is_written():
    """A field added to Transaction and forgotten here would be lost on its way through the log."""
    values = ["t", "a", 1_717_156_800_000, 1, "EUR", *["x"] * 5, 1.0, 2.0, "x", "x", "x"]
    whole = Transaction(*values)
    assert len(json.loads(canonical(whole))) == len(msgspec.structs.fields(Transaction))
