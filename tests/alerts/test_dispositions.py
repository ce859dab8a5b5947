"""The message on the dispositions topic and its schema."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fraudwatch.alerts import dispositions
from fraudwatch.alerts.dispositions import (
    Disposition,
    JudgedTransaction,
    Position,
    Verdict,
    encode,
    give,
    read,
    schema,
    standing,
    undo,
)
from fraudwatch.errors import UnusableInputError

VALIDATOR = Draft202012Validator(schema())
NOON_MS = 1_533_729_600_000  # 2018-08-08T12:00:00Z
LISTED = (JudgedTransaction("t1", Position("transactions", 3, 41)), JudgedTransaction("t2", None))


def verdict(word: Verdict = Verdict.CONFIRMED, *, note: str = "called the customer", at_ms: int = NOON_MS):
    return give(
        "verdict",
        word,
        alert_id="0123456789abcdef0123",
        account_id="596",
        transactions=LISTED,
        note=note,
        who="ines",
        given_at_ms=at_ms,
    )


def report(**changed: Any) -> Disposition:
    given = {
        "account_id": "596",
        "transactions": LISTED[:1],
        "note": "complaint 17",
        "who": "desk",
        "given_at_ms": NOON_MS,
    }
    return give("report", Verdict.CONFIRMED, **given | changed)


def undone() -> Disposition:
    return undo(verdict(), note="wrong customer", who="ines", given_at_ms=NOON_MS + 1)


EVERY_KIND = [verdict(), report(), undone(), undo(report(), note="n", who="w", given_at_ms=0)]


@pytest.mark.parametrize("disposition", EVERY_KIND, ids=lambda each: each.kind)
def test_every_kind_validates_and_reads_back_the_same(disposition: Disposition) -> None:
    VALIDATOR.validate(json.loads(encode(disposition)))
    assert read(encode(disposition)) == disposition


def test_a_disposition_says_who_concluded_what_when_and_on_which_transactions() -> None:
    assert json.loads(encode(verdict())) == {
        "schema_version": 1,
        "disposition_id": verdict().disposition_id,
        "kind": "verdict",
        "alert_id": "0123456789abcdef0123",
        "account_id": "596",
        "verdict": "confirmed",
        "transactions": [
            {
                "transaction_id": "t1",
                "position": {"topic": "transactions", "partition": 3, "offset": 41},
            },
            {"transaction_id": "t2", "position": None},
        ],
        "undoes": None,
        "note": "called the customer",
        "who": "ines",
        "given_at": "2018-08-08T12:00:00.000Z",
    }


def test_the_same_act_has_the_same_id_and_any_other_another() -> None:
    acts = [verdict(), verdict(Verdict.LEGITIMATE), verdict(note="n"), verdict(at_ms=NOON_MS + 1), report()]
    assert len({act.disposition_id for act in acts}) == len(acts)
    assert verdict().disposition_id == verdict().disposition_id


def test_an_undo_names_what_it_takes_back_and_goes_the_same_way() -> None:
    assert undone().undoes == verdict().disposition_id
    assert (undone().verdict, undone().transactions) == (None, LISTED)
    assert undone().key == verdict().key == b"0123456789abcdef0123"
    assert report().key == b"596"


def test_an_undo_cannot_be_undone() -> None:
    with pytest.raises(UnusableInputError, match="give the verdict again"):
        undo(undone(), note="n", who="w", given_at_ms=NOON_MS)


def test_what_was_taken_back_stands_no_longer_whatever_the_order() -> None:
    later = verdict(Verdict.LEGITIMATE)
    for order in ([verdict(), undone(), later], [undone(), verdict(), later, later]):
        assert standing([*order, report()]) == [later, report()]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"note": ""}, "note"),
        ({"note": "x" * 4_001}, "note"),
        ({"who": ""}, "who"),
        ({"account_id": ""}, "account_id"),
        ({"transactions": ()}, "transactions"),
        ({"transactions": LISTED * 501}, "transactions"),
        ({"note": "half a pair \udc80"}, "surrogates"),
        ({"alert_id": "0123456789abcdef0123"}, "a report has none"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_breaks_a_limit_is_refused_before_it_is_written(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(UnusableInputError, match=named):
        report(**changed)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("schema_version", 2),
        ("disposition_id", "xyz"),
        ("disposition_id", "0123456789abcdef0123\n"),
        ("kind", "opinion"),
        ("kind", "report"),
        ("kind", "undo"),
        ("alert_id", None),
        ("account_id", ""),
        ("verdict", "fraud"),
        ("verdict", None),
        ("undoes", "0123456789abcdef0123"),
        ("transactions", []),
        ("transactions", [{"transaction_id": "t1"}]),
        ("note", ""),
        ("who", 7),
        ("given_at", "yesterday"),
        ("given_at", 1_533_729_600_000),
        ("severity", "high"),
    ],
)
def test_the_schema_and_the_reader_refuse_the_same(field: str, wrong: object) -> None:
    changed = json.loads(encode(verdict())) | {field: wrong}
    assert not VALIDATOR.is_valid(changed)
    with pytest.raises(UnusableInputError, match="expected a disposition"):
        read(json.dumps(changed).encode())


def test_a_day_that_does_not_exist_is_refused() -> None:
    changed = json.loads(encode(verdict())) | {"given_at": "2018-02-30T12:00:00.000Z"}
    with pytest.raises(UnusableInputError, match="day is out of range"):
        read(json.dumps(changed).encode())


def test_removing_any_field_breaks_validation_and_reading() -> None:
    for field in msgspec.structs.fields(Disposition):
        message = json.loads(encode(verdict()))
        del message[field.name]
        assert not VALIDATOR.is_valid(message), field.name
        with pytest.raises(UnusableInputError):
            read(json.dumps(message).encode())


def test_the_schema_is_itself_valid_and_describes_every_field() -> None:
    Draft202012Validator.check_schema(schema())
    assert list(schema()["properties"]) == [field.name for field in msgspec.structs.fields(Disposition)]
    assert schema()["properties"]["verdict"]["enum"] == [*map(str, Verdict), None]
    assert schema()["properties"]["transactions"]["maxItems"] == dispositions.MOST_TRANSACTIONS


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text(), st.lists).map(msgspec.json.encode))
@example_settings(max_examples=400)
def test_any_bytes_are_refused_in_a_short_message(junk: bytes) -> None:
    with pytest.raises(UnusableInputError, match="expected a disposition") as refused:
        read(junk)
    assert len(str(refused.value)) < 700


def near_misses() -> st.SearchStrategy[bytes]:
    """Messages of ours with a few bytes changed or some fields replaced by anything."""
    anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none())
    messages = st.sampled_from([encode(each) for each in EVERY_KIND])
    names = st.sampled_from([field.name for field in msgspec.structs.fields(Disposition)])
    replaced = st.builds(
        lambda message, changes: msgspec.json.encode(json.loads(message) | changes),
        messages,
        st.dictionaries(names, anything, max_size=3),
    )
    flipped = st.builds(
        lambda message, at, byte: (
            message[: at % len(message)] + bytes([byte]) + message[at % len(message) + 1 :]
        ),
        messages,
        st.integers(0, 2_000),
        st.integers(0, 255),
    )
    return replaced | flipped


@given(near_misses())
@example_settings(max_examples=600)
def test_what_is_read_is_valid_and_writes_back_the_same(message: bytes) -> None:
    try:
        disposition = read(message)
    except UnusableInputError:
        return
    VALIDATOR.validate(json.loads(message))
    assert read(encode(disposition)) == disposition


@given(
    word=st.sampled_from(Verdict),
    account_id=st.text(min_size=1, max_size=50),
    ids=st.lists(st.text(min_size=1, max_size=50), min_size=1, max_size=5),
    note=st.text(min_size=1, max_size=200),
)
@example_settings(max_examples=200)
def test_whatever_text_is_given_is_written_whole_or_refused(
    word: Verdict, account_id: str, ids: list[str], note: str
) -> None:
    try:
        made = give(
            "report",
            word,
            account_id=account_id,
            transactions=[JudgedTransaction(each, None) for each in ids],
            note=note,
            who="w",
            given_at_ms=NOON_MS,
        )
    except UnusableInputError:
        assert any("\ud800" <= char <= "\udfff" for char in "".join([account_id, note, *ids]))
        return
    message = json.loads(encode(made))
    VALIDATOR.validate(message)
    assert (message["account_id"], message["note"]) == (account_id, note)
    assert [each["transaction_id"] for each in message["transactions"]] == ids
