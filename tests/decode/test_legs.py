"""A record that is several transactions: all of them, or one dead letter that names the leg."""

import msgspec
import pytest

from fraudwatch.config.settings import Accounts, Csv, FieldMapping, Settings, Source
from fraudwatch.decode import Decoder, SourceDecoder
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Record, Refusal, Transaction

NOON = 1_717_156_800_000  # 2024-05-31T12:00:00Z
RECORD = {"ref": "r1", "at": NOON, "sum": 12.5, "from": {"acc": "a1"}, "to": {"acc": "b1"}}
SHARED = {"transaction_id": "ref", "event_time": "at", "amount": "sum"}
LEGS = (
    {"account_id": "from.acc", "counterparty_id": "to.acc", "direction": FieldMapping(constant="debit")},
    {"account_id": "to.acc", "counterparty_id": "from.acc", "direction": FieldMapping(constant="credit")},
)
REMITTANCE = Source(mapping=SHARED, legs=LEGS)


def decode(record, source=REMITTANCE, timestamp_ms=NO_TIMESTAMP, settings=None):
    decoder = SourceDecoder(settings or Settings(), source, "remittances")
    value = record if isinstance(record, bytes) else msgspec.json.encode(record)
    kept = Record("r", 0, 0, timestamp_ms, None, value)
    read = decoder.decode(kept)
    if isinstance(read, DeadLetter):
        assert read.record is kept
    return read


def test_a_remittance_is_a_debit_and_a_credit():
    assert decode(RECORD) == [
        Transaction("r1", "a1", NOON, 1250, "EUR", direction="debit", counterparty_id="b1"),
        Transaction("r1", "b1", NOON, 1250, "EUR", direction="credit", counterparty_id="a1"),
    ]


def test_a_leg_says_over_the_mapping_what_is_different_for_it():
    legs = ({**LEGS[0], "amount": "sent"}, LEGS[1])
    read = decode({**RECORD, "sent": 13}, Source(mapping=SHARED, legs=legs))
    assert [one.amount_minor for one in read] == [1300, 1250]


def test_a_source_without_legs_gives_one_transaction():
    source = Source(mapping={**SHARED, "account_id": "from.acc"})
    assert decode(RECORD, source) == [Transaction("r1", "a1", NOON, 1250, "EUR")]


def test_without_a_mapping_legs_are_laid_over_the_canonical_names():
    row = {"transaction_id": "t", "account_id": "a", "event_time": NOON, "amount": 1, "other": "b"}
    source = Source(legs=({}, {"account_id": "other"}))
    assert [one.account_id for one in decode(row, source)] == ["a", "b"]


def test_the_fields_of_a_source_are_those_of_any_leg():
    legs = ({**LEGS[0], "category": "why"}, LEGS[1])
    decoder = SourceDecoder(Settings(), Source(mapping=SHARED, legs=legs), "remittances")
    assert decoder.fields == {*SHARED, *LEGS[0], "category"}


@pytest.mark.parametrize(
    ("spoilt", "leg", "reason"),
    [
        ({"from": {}}, "legs[0]: account_id (from.acc)", Refusal.MISSING_FIELD),
        ({"to": {}}, "legs[1]: account_id (to.acc)", Refusal.MISSING_FIELD),
        ({"to": 3}, "legs[0]: to: expected an object", Refusal.WRONG_TYPE),
        ({"sum": -1}, "legs[0]: amount (sum)", Refusal.AMOUNT_NEGATIVE),
    ],
)
def test_one_refused_leg_refuses_the_record_by_its_name(spoilt, leg, reason):
    letter = decode({**RECORD, **spoilt})
    assert letter.reason is reason
    assert letter.detail.startswith(leg)


def test_what_is_wrong_with_the_whole_record_names_no_leg():
    assert decode(b"{").detail.startswith("record: expected a JSON object")


def test_no_leg_may_be_ahead_of_its_kafka_timestamp():
    legs = (LEGS[0], {**LEGS[1], "event_time": "arrives"})
    source = Source(mapping=SHARED, legs=legs)
    letter = decode({**RECORD, "arrives": NOON + 90_000_000}, source, timestamp_ms=NOON)
    assert (letter.reason, letter.detail[:8]) == (Refusal.TIME_AHEAD, "legs[1]:")


def test_a_line_of_csv_may_have_legs():
    columns = ("ref", "at", "sum", "from", "to")
    source = Source(
        format="csv",
        csv=Csv(columns=columns),
        mapping=SHARED,
        legs=({"account_id": "from"}, {"account_id": "to"}),
    )
    read = decode(b"r1;2024-05-31T12:00:00Z;12.5;a1;b1", source)
    assert [one.account_id for one in read] == ["a1", "b1"]


@pytest.mark.parametrize(
    ("legs", "said"),
    [
        ((LEGS[0], {}), "sources.remittances.legs[1].account_id: expected a path, because every transaction"),
        ((LEGS[0], {"acount_id": "x"}), "sources.remittances.legs[1].acount_id: expected one of"),
        ((LEGS[0], {"account_id": FieldMapping()}), "legs[1].account_id: expected a path or a constant"),
        (
            (LEGS[0], {**LEGS[1], "direction": FieldMapping(constant="in")}),
            "legs[1].direction.constant: expected",
        ),
        (
            (LEGS[0], {**LEGS[1], "channel": "to"}),
            "expected a value or an object at to; found paths for both",
        ),
    ],
)
def test_a_leg_that_cannot_be_used_is_named(legs, said):
    with pytest.raises(ConfigurationError) as caught:
        SourceDecoder(Settings(), Source(mapping=SHARED, legs=legs), "remittances")
    assert said in str(caught.value)


def test_a_mistake_in_the_mapping_is_told_once_however_many_legs():
    source = Source(mapping={**SHARED, "category": FieldMapping()}, legs=LEGS)
    with pytest.raises(ConfigurationError) as caught:
        SourceDecoder(Settings(), source, "remittances")
    assert str(caught.value).count("category") == 1


def test_the_log_has_no_legs():
    with pytest.raises(ConfigurationError, match=r"source\.legs: expected under sources only"):
        Decoder(Settings(source=REMITTANCE))


def test_both_legs_are_of_clients(tmp_path):
    (tmp_path / "clients.csv").write_text("account_id,client_id\nb1,k9\n")
    settings = Settings(accounts=Accounts(clients_file=str(tmp_path / "clients.csv")))
    assert [one.account_id for one in decode(RECORD, settings=settings)] == ["a1", "k9"]
