"""Which transaction is meant: by its id, or the latest of an account."""

import json

import pytest

from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder
from fraudwatch.errors import UnusableInputError
from fraudwatch.explain.finding import Found, OwnRecords, Wanted, chunked, find
from fraudwatch.records import NO_TIMESTAMP, Record


def record(place: tuple[int, int], transaction_id: str, account_id: str, minute: int) -> Record:
    told = {
        "transaction_id": transaction_id,
        "account_id": account_id,
        "event_time": f"2024-03-01T10:{minute:02}:00Z",
        "amount": 10,
        "currency": "EUR",
    }
    return Record("t", *place, NO_TIMESTAMP, None, json.dumps(told).encode())


RECORDS = [
    record((0, 0), "t1", "ada", 1),
    record((1, 0), "t2", "bo", 2),
    Record("t", 0, 1, NO_TIMESTAMP, None, b"{"),
    record((0, 2), "t3", "ada", 9),
    record((0, 3), "t1", "ada", 1),
    record((0, 4), "t4", "ada", 5),
    record((1, 1), "t3", "bo", 3),
]


def found(transaction_id: str | None = None, account_id: str | None = None) -> Found:
    return find(chunked(RECORDS), Decoder(Settings()), Wanted(transaction_id, account_id), "here")


def test_of_an_id_that_was_repeated_the_first_is_meant() -> None:
    assert found("t1").record == RECORDS[0]


def test_of_an_account_the_latest_by_event_time_is_meant() -> None:
    assert found(account_id="ada").record == RECORDS[3]


def test_an_id_of_two_accounts_needs_the_account() -> None:
    assert found("t3", "bo").record == RECORDS[6]
    assert found("t3", "ada").record == RECORDS[3]
    with pytest.raises(UnusableInputError, match="name the one you mean with --account"):
        found("t3")


def test_what_is_not_there_is_said_with_what_could_not_be_read() -> None:
    with pytest.raises(UnusableInputError, match="t9 of account bo in here, found none among 7 records, 1"):
        found("t9", "bo")


def test_the_records_of_its_account_before_it_are_gathered_in_order() -> None:
    meant, decoder = found("t4"), Decoder(Settings())
    own = OwnRecords(meant.account)
    for chunk in chunked(RECORDS):
        own.add(chunk, decoder.decode_chunk(chunk)[0])
    assert own.before(meant.record) == [RECORDS[0], RECORDS[3], RECORDS[4]]
