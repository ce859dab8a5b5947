"""A chunk becomes transactions by column and dead letters, and every record is one of them."""

import json
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from fraudwatch.config.loading import load
from fraudwatch.config.settings import Csv, FieldMapping, Limits, Settings, Source
from fraudwatch.decode import Decoder, canonical
from fraudwatch.decode.chunks import ChunkReader
from fraudwatch.decode.plan import NotPlannedError, plan
from fraudwatch.records import (
    NO_TIMESTAMP,
    Chunk,
    DeadLetter,
    Record,
    Spans,
    TextField,
    Trait,
    Transaction,
    Transactions,
)
from fraudwatch.simulate import Plan, messages

CONFIGS = Path(__file__).parents[2] / "configs"

WHOLE = {
    "transaction_id": "t1",
    "account_id": "a1",
    "event_time": "2024-05-31T12:00:00.250Z",
    "amount": 57.16,
    "currency": "EUR",
    "direction": "credit",
    "counterparty_id": "Müller & Söhne",
    "counterparty_country": "DE",
    "channel": "card",
    "country": "FR",
    "latitude": 48.8566,
    "longitude": -2.3522004,
    "device_id": "d1",
    "category": "food",
    "status": "declined",
}
SHORT = {"transaction_id": 7, "account_id": "a2", "event_time": 1_717_243_200_000, "amount": "0.12"}
REFUSED = b'{"transaction_id":"t3"}'
HANDBOOK = (
    b'{"TRANSACTION_ID":"0","TX_DATETIME":"2018-04-01 00:00:31","CUSTOMER_ID":"596","TERMINAL_ID":"3156",'
    b'"TX_AMOUNT":"57.16","TX_FRAUD":"1","TX_FRAUD_SCENARIO":"2"}'
)
SPARKOV = (
    b'{"trans_id":"7","trans_dt":"2019-01-01 00:03:02","acct_num":"423556250187","merchant":"Marks Inc",'
    b'"category":"gas_transport","amt":"65.35","is_fraud":"1","lat":"42.08","long":"-75.89",'
    b'"merch_lat":"42.747","merch_long":"-75.8196","state":"NY"}'
)


def mapped(**mapping: str | FieldMapping) -> Settings:
    names = ("transaction_id", "account_id", "event_time", "amount")
    return Settings(source=Source(mapping={name: name for name in names} | mapping))


def chunk_of(*values: bytes | dict[str, object] | None) -> Chunk:
    count = len(values)
    return Chunk(
        "transactions",
        3,
        np.arange(100, 100 + 2 * count, 2),
        np.full(count, NO_TIMESTAMP, dtype=np.int64),
        [f"k{row}".encode() for row in range(count)],
        [msgspec.json.encode(value) if isinstance(value, dict) else value for value in values],
    )


@pytest.fixture(scope="module")
def decoder() -> Decoder:
    return Decoder(Settings())


def one(decoder: Decoder, value: dict[str, object]) -> Transactions:
    transactions, letters = decoder.decode_chunk(chunk_of(value))
    assert not letters
    return transactions


def test_every_record_is_a_transaction_or_a_dead_letter_in_the_order_of_the_chunk(decoder: Decoder) -> None:
    chunk = chunk_of(None, WHOLE, REFUSED, SHORT, b"", b"not json", WHOLE | {"transaction_id": "t9"})
    transactions, letters = decoder.decode_chunk(chunk)
    assert transactions.rows.tolist() == [1, 3, 6]
    assert transactions.offsets.tolist() == [102, 106, 112]
    assert [letter.record for letter in letters] == [chunk.record(row) for row in (0, 2, 4, 5)]
    assert letters == [decoder.decode(chunk.record(row)) for row in (0, 2, 4, 5)]
    assert [transactions.text_of(row, TextField.TRANSACTION_ID) for row in range(3)] == ["t1", "7", "t9"]


def test_values_in_a_buffer_are_decoded_as_those_of_a_list_and_left_as_they_are(decoder: Decoder) -> None:
    escaped = json.dumps(WHOLE).replace("credit", "cr\\u0065dit").encode()
    chunk = chunk_of(WHOLE, None, REFUSED, SHORT, b"", b"{", escaped, WHOLE | {"transaction_id": "t9"}, None)
    # Between two values lies what may follow one in a record batch: the number of its headers, and another key.
    lengths = np.array([-1 if value is None else len(value) for value in chunk.values])
    steps = np.maximum(lengths, 0) + 3
    buffer = b"[{" + b'"4}'.join(value or b"" for value in chunk.values) + b'"4}'
    spans = Spans((buffer[:90], buffer[90:]), 2 + np.cumsum(steps) - steps, lengths)
    assert list(spans) == list(chunk.values)
    for rows in (slice(None), slice(3, 8), slice(1, 2), slice(0, 0)):
        listed = chunk.part(rows.start or 0, rows.stop)
        columns, letters = decoder.decode_chunk(replace(listed, values=spans[rows]))
        expected, expected_letters = decoder.decode_chunk(listed)
        assert letters == expected_letters
        assert columns.rows.tolist() == expected.rows.tolist()
        assert columns.contents.tolist() == expected.contents.tolist()
        texts = [columns.text_of(row, TextField.TRANSACTION_ID) for row in range(len(columns))]
        assert texts == [expected.text_of(row, TextField.TRANSACTION_ID) for row in range(len(expected))]
    assert b"".join(spans.buffers) == buffer


def test_columns_say_what_the_transaction_says(decoder: Decoder) -> None:
    transactions = one(decoder, WHOLE)
    transaction = decoder.decode(chunk_of(WHOLE).record(0))
    assert isinstance(transaction, Transaction)
    assert transactions.event_time_ms.tolist() == [transaction.event_time_ms]
    assert transactions.amount_minor.tolist() == [5_716]
    assert (transactions.latitude.tolist(), transactions.longitude.tolist()) == ([48_856_600], [-2_352_200])
    for field in TextField:
        assert transactions.text_of(0, field) == getattr(transaction, field.name.lower())
    expected = Trait.HAS_COUNTERPARTY | Trait.HAS_PLACE | Trait.CREDIT | Trait.DECLINED
    assert transactions.traits.tolist() == [expected]


def test_what_is_absent_is_empty(decoder: Decoder) -> None:
    transactions = one(decoder, SHORT)
    assert transactions.traits.tolist() == [0]
    assert transactions.counterparties.tolist() == [0]
    assert transactions.text_of(0, TextField.COUNTERPARTY_ID) is None
    assert transactions.text_of(0, TextField.TRANSACTION_ID) == "7"


def test_half_a_place_is_none(decoder: Decoder) -> None:
    transactions = one(decoder, SHORT | {"latitude": 48.5})
    assert (transactions.traits.tolist(), transactions.latitude.tolist()) == ([0], [0])


def test_a_chunk_without_a_transaction_has_columns_of_no_rows(decoder: Decoder) -> None:
    transactions, letters = decoder.decode_chunk(chunk_of(REFUSED, None))
    assert len(transactions) == 0
    assert transactions.spans.shape == (0, len(TextField), 2)
    assert all(isinstance(letter, DeadLetter) for letter in letters)
    assert len(decoder.decode_chunk(chunk_of())[0]) == 0


@pytest.mark.parametrize("name", [name for name in WHOLE if name != "currency"])
def test_whatever_differs_between_two_transactions_their_contents_differ(decoder: Decoder, name: str) -> None:
    others: dict[str, object] = {
        "event_time": "2024-05-31T12:00:00.251Z",
        "amount": 57.17,
        "direction": "debit",
        "status": "reversed",
        "latitude": 48.856601,
        "longitude": 2.3522,
    }
    same, other = one(decoder, WHOLE), one(decoder, WHOLE | {name: others.get(name, "x")})
    assert same.contents.tolist() != other.contents.tolist()
    assert same.contents.tolist() == one(decoder, dict(reversed(WHOLE.items()))).contents.tolist()
    assert (same.ids != other.ids).all() == (name == "transaction_id")
    assert (same.accounts != other.accounts).all() == (name == "account_id")
    assert (same.counterparties != other.counterparties).all() == (name == "counterparty_id")


def test_ordinary_records_are_read_by_the_kernel_and_never_one_by_one() -> None:
    several = load(CONFIGS / "several-sources.yaml", {})
    fold_of = {
        "simulated": [message.value for message in islice(messages(Plan(accounts=50, days=3)), 400)],
        "handbook": [HANDBOOK],
        "sparkov": [SPARKOV],
    }
    for name, values in fold_of.items():
        read_by_kernel(load(CONFIGS / f"{name}.yaml", {}), values)
    read_by_kernel(Settings(), [msgspec.json.encode(record) for record in (WHOLE, SHORT)])
    names = {"counterparty_id": 'Müller / "支払" \U0001f600', "category": "é", "direction": "debit"}
    read_by_kernel(Settings(), [json.dumps(WHOLE | names).replace("debit", "d\\u0065bit").encode()])
    decoder = Decoder(several)
    transaction = decoder.decode(chunk_of(WHOLE).record(0))
    assert isinstance(transaction, Transaction)
    read_by_kernel(several, [canonical(transaction)])


def read_by_kernel(settings: Settings, values: list[bytes]) -> None:
    def refuse(record: Record) -> Transaction:
        raise AssertionError(f"one by one: {record.value!r}")

    reader = ChunkReader(refuse, plan(settings, Decoder(settings).legs[0].fields, False, 65_536))
    chunk = chunk_of(*values)
    assert len(reader.read(chunk)[0]) == len(values)
    # In a record batch five headers begin with what JSON takes for a blank.
    spans = Spans.of(values)
    spans = Spans((spans.buffers[0].replace(b"\0", b"\n"),), spans.begins, spans.lengths)
    assert len(reader.read(replace(chunk, values=spans))[0]) == len(values)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (Settings(source=Source(format="csv", csv=Csv(columns=tuple(SHORT)))), "CSV"),
        (mapped(account_id="ids.0"), "list"),
        (mapped(event_time=FieldMapping(path="at", format="%d/%m/%Y")), "form"),
        (
            Settings(
                rates={"USD": {"2024-01-01": 0.9}},
                source=mapped(amount=FieldMapping(constant=5), currency="ccy").source,
            ),
            "rates",
        ),
        (
            Settings(
                source=mapped(event_time=FieldMapping(path="at", zone="Europe/Paris")).source,
                limits=Limits(earliest="1600-01-01"),
            ),
            "zone",
        ),
    ],
)
def test_what_no_kernel_reads_is_decoded_one_by_one(settings: Settings, why: str) -> None:
    decoder = Decoder(settings)
    with pytest.raises(NotPlannedError, match=why):
        plan(settings, decoder.legs[0].fields, False, 65_536)
    chunk = chunk_of(WHOLE, None)
    transactions, letters = decoder.decode_chunk(chunk)
    assert len(transactions) + len(letters) == 2
