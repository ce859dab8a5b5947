"""The four feeds of configs/several-sources.yaml: what they give, and that nothing they hold is an exception."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as often
from hypothesis import strategies as st

from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings, Source
from fraudwatch.decode import Decoder, SourceDecoder, canonical, explain, read_records
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Record, Refusal, Stage, Transaction

CONFIGURATION = Path(__file__).parents[2] / "configs" / "several-sources.yaml"
EXAMPLES = Path(__file__).parent / "examples"
SETTINGS = load(CONFIGURATION, {})
FILES = {
    "cards": "cards.jsonl",
    "transfers": "transfers.jsonl",
    "cash": "cash.csv",
    "remittances": "remittances.jsonl",
}
DECODERS = {name: SourceDecoder(SETTINGS, source, name) for name, source in SETTINGS.sources.items()}
LOG = Decoder(SETTINGS)
RECORDS = {name: list(read_records(EXAMPLES / FILES[name], SETTINGS.sources[name])) for name in FILES}


def decoded(name, value, timestamp_ms=NO_TIMESTAMP):
    """What a feed makes of bytes; checked for what holds of any bytes."""
    record = Record(SETTINGS.sources[name].topic, 0, 0, timestamp_ms, None, value)
    read = DECODERS[name].decode(record)
    if isinstance(read, DeadLetter):
        assert read.record is record
        assert read.stage is Stage.DECODE
        assert read.detail.isprintable()
        assert len(read.detail.encode()) < 1000
        return read
    assert len(read) == (2 if name == "remittances" else 1)
    for transaction in read:
        assert LOG.decode(Record("log", 0, 0, NO_TIMESTAMP, None, canonical(transaction))) == transaction
        assert transaction.currency == "EUR"
    return read


def test_the_four_feeds_have_an_example_each():
    assert set(SETTINGS.sources) == set(FILES)


def test_the_log_can_fill_what_any_feed_fills():
    assert LOG.fields == frozenset().union(*(decoder.fields for decoder in DECODERS.values()))
    assert "latitude" in LOG.fields - DECODERS["cash"].fields


def test_the_log_can_fill_what_only_a_second_leg_fills():
    shared = {name: name for name in ("transaction_id", "event_time", "amount")}
    source = Source(mapping=shared, legs=({"account_id": "a"}, {"account_id": "b", "category": "c"}))
    assert Decoder(Settings(sources={"one": source})).fields == {*shared, "account_id", "category"}


def test_the_log_is_not_read_while_a_source_has_a_mistake():
    wrong = {"cards": Source(), "cash": Source(mapping={"amount": "a.b", "category": "a"})}
    with pytest.raises(ConfigurationError, match=r"sources\.cash\.mapping\.account_id: expected a path"):
        Decoder(Settings(sources=wrong))


def test_cards():
    paid, declined, foreign, unknown = (decoded("cards", value) for value in RECORDS["cards"])
    assert paid == [
        Transaction(
            "A-1", "FR76-0001", 1_735_682_710_250, 4999, "EUR", "debit", "M-7", "FR", "card", "FR", 48.85, 2.35,
            "D-3", "5812", "approved",
        )
    ]  # fmt: skip
    assert (declined[0].status, declined[0].amount_minor) == ("declined", 2328)  # 25.00 USD at 0.9312: 23.28
    assert foreign.reason is Refusal.CURRENCY
    assert unknown.reason is Refusal.WRONG_TYPE


def test_transfers():
    euros, dollars, none = (decoded("transfers", value) for value in RECORDS["transfers"])
    assert euros == [
        Transaction(
            "T-1", "FR76-0001", 1_735_682_700_000, 125_000, "EUR", "debit", "DE89-0044", "DE", "transfer"
        )
    ]
    assert dollars[0].amount_minor == 93_143  # 1000.25 × 0.9312 = 931.4328, at the rate of that very day
    assert dollars[0].event_time_ms == 1_719_817_200_000  # 09:00 in Paris
    assert none.reason is Refusal.MISSING_FIELD


def test_cash():
    withdrawn, paid_in, *refused = (decoded("cash", value) for value in RECORDS["cash"])
    assert withdrawn == [
        Transaction(
            "C-1", "FR76-0001", 1_735_682_700_000, 125_050, "EUR", "debit", "Orléans", None, "cash",
            category="Retrait",
        )
    ]  # fmt: skip
    assert (paid_in[0].direction, paid_in[0].category) == ("credit", "Remise; étrennes")
    assert [letter.reason for letter in refused] == [Refusal.NOT_A_NUMBER, Refusal.BAD_TIME, Refusal.NOT_CSV]


def test_remittances():
    (sent, received), refused = (decoded("remittances", value) for value in RECORDS["remittances"])
    assert (sent.account_id, sent.direction, sent.counterparty_id) == ("FR76-0001", "debit", "SN08-0007")
    assert (received.account_id, received.direction, received.country) == ("SN08-0007", "credit", "SN")
    assert refused.detail.startswith("legs[1]: account_id (beneficiary.account)")


names = st.sampled_from(sorted(FILES))
timestamps = st.sampled_from([NO_TIMESTAMP, 0, 1_735_686_300_000])
odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=12),
    st.sampled_from(["", " ", "-1", "1,5", "1e400", "EUR", "USD", "31/12/2024 23:05", 10**400, [], {}, [[]]]),
)


@given(names, st.binary(max_size=200), timestamps)
def test_any_bytes_become_transactions_or_one_dead_letter(name, value, timestamp_ms):
    decoded(name, value, timestamp_ms)


@given(names, st.data(), timestamps)
@often(max_examples=300)
def test_a_real_record_damaged_anywhere(name, data, timestamp_ms):
    whole = bytearray(data.draw(st.sampled_from(RECORDS[name])))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(whole)))
        whole[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    decoded(name, bytes(whole), timestamp_ms)
    explain(DECODERS[name], Record("t", 0, 0, timestamp_ms, None, bytes(whole)))


@given(st.sampled_from(["cards", "transfers", "remittances"]), st.data())
@often(max_examples=300)
def test_a_real_record_with_odd_values(name, data):
    document = json.loads(data.draw(st.sampled_from(RECORDS[name])))
    for _ in range(data.draw(st.integers(1, 3))):
        replace_one(document, data)
    decoded(name, json.dumps(document).encode("utf-8", "surrogatepass"))


def replace_one(node, data):
    """Puts an odd value, or none, somewhere in a document."""
    while True:
        places = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not places:
            return
        place = data.draw(st.sampled_from(places))
        if not isinstance(node[place], dict | list) or data.draw(st.integers(0, 5)) == 0:
            node[place] = data.draw(odd)
            return
        node = node[place]


@given(st.lists(st.text(max_size=8) | st.sampled_from(["31/12/2024 23:05", "1,50", "D", '"a"']), max_size=8))
@often(max_examples=300)
def test_any_line_of_columns(columns):
    decoded("cash", ";".join(columns).encode("iso-8859-1", "replace"))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "value",
    [b";" * 65_000, b'"' * 65_000, b'"a' * 30_000, b"\n" * 65_000 + b"x", b"{" * 65_000, b"\xff" * 65_536],
)
@pytest.mark.timeout(2)
def test_hostile_bytes_are_refused_in_no_time(name, value):
    assert isinstance(decoded(name, value), DeadLetter)
