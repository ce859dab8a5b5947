"""The message on the review topic and its schema."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from fraudwatch.alerts import Alert, Decision, Kind, compose, encode, encode_shorter, read, schema
from fraudwatch.alerts.episodes import Severity, join, single
from fraudwatch.config.settings import Alerts, Settings
from fraudwatch.errors import UnusableInputError
from fraudwatch.records import (
    Evidence,
    FeatureSpec,
    Reason,
    Role,
    Side,
    Text,
    Theme,
    Transaction,
    Unit,
)

Payment = Callable[..., Transaction]
MakeReason = Callable[..., Reason]
MakePolicy = Callable[..., Any]
"""Of a policy with `decide`, of conftest.py."""

VALIDATOR = Draft202012Validator(schema())
EVIDENCE = [
    Evidence("t0", 1_533_600_000_000, 900, "shop", 3, 40),
    Evidence("t1", 1_533_686_400_000, 1_250, None, 3, 41),
]


def validated(alert: Alert) -> dict[str, Any]:
    """The alert as a consumer sees it, after the schema has accepted it."""
    message: dict[str, Any] = json.loads(encode(alert))
    VALIDATOR.validate(message)
    return message


@pytest.fixture
def alerts(policy: MakePolicy, payment: Payment, reason: MakeReason) -> list[Alert]:
    """An alert, two updates of it, and a sample."""
    judged = policy(alerts_per_day=100.0, explore=0.5, partition=3)
    decisions = [
        judged.decide(payment(f"t{index + 1}", hours=index), 41 + index, 5.0 + index, lambda: (reason(),))
        for index in range(3)
    ]
    more = (reason(), reason("VEL", theme=Theme.RHYTHM, unit=Unit.COUNT, value=9.0, usual=None))
    decisions.append(judged.decide(payment("t4", hours=3), 44, 50.0, lambda: more))
    decisions += [
        judged.decide(payment(f"s{index}", f"a{index}", hours=3), 45 + index, -1.0, tuple)
        for index in range(200)
    ]
    published = [decision for decision in decisions if decision is not None and decision.is_published]
    return [made(decision) for decision in published[:4]]


def made(decision: Decision, evidence: list[Evidence] = EVIDENCE) -> Alert:
    return compose(decision, evidence, topic="transactions", currency="EUR", configuration="c0ffee")


def test_every_alert_validates(alerts: list[Alert]) -> None:
    messages = [validated(alert) for alert in alerts]
    assert [(message["kind"], message["sequence"], message["sample"]) for message in messages] == [
        ("alert", 0, False),
        ("update", 1, False),
        ("update", 2, False),
        ("alert", 0, True),
    ]


def test_an_alert_carries_what_an_investigator_needs(alerts: list[Alert]) -> None:
    message = validated(alerts[2])
    assert message["entity"] == {"account_id": "596"}
    assert message["severity"] == "high"
    assert message["distance"] == message["score"] - message["edge"] > 0
    assert message["episode"] | {"transactions": []} == {
        "opened_at": "2018-08-08T00:00:00.000Z",
        "last_at": "2018-08-08T03:00:00.000Z",
        "open_until": "2018-08-09T03:00:00.000Z",
        "count": 4,
        "amount": "50.00",
        "amount_minor": 5_000,
        "currency": "EUR",
        "transactions": [],
        "transactions_cut": 0,
    }
    assert message["episode"]["transactions"][1] == {
        "transaction_id": "t2",
        "event_time": "2018-08-08T01:00:00.000Z",
        "amount": "12.50",
        "amount_minor": 1_250,
        "position": {"topic": "transactions", "partition": 3, "offset": 42},
    }
    assert [reason["code"] for reason in message["reasons"]] == ["AMT", "VEL"]
    assert message["reasons"][1]["usual"] is None
    assert message["reasons"][0]["innocent"]["fr"] == "Un achat important prévu."
    assert (message["model_version"], message["configuration"], message["partition"]) == (
        "model-1",
        "c0ffee",
        3,
    )


def test_evidence_is_listed_oldest_first_with_its_positions(alerts: list[Alert]) -> None:
    evidence = validated(alerts[0])["evidence"]
    assert [seen["transaction_id"] for seen in evidence] == ["t0", "t1"]
    assert evidence[0]["counterparty_id"] == "shop"
    assert evidence[0]["position"] == {"topic": "transactions", "partition": 3, "offset": 40}


def test_a_low_edge_is_said(policy: MakePolicy, payment: Payment, reason: MakeReason) -> None:
    decision = policy().decide(payment(), 0, 5.0, lambda: (reason(),))
    assert decision is not None
    low, other = (made(msgspec.structs.replace(decision, edge_is_low=is_low)) for is_low in (True, False))
    assert (validated(low)["edge_is_low"], validated(other)["edge_is_low"]) == (True, False)
    assert "This edge is low" in low.edge_note.en
    assert "Ce seuil est bas" in low.edge_note.fr
    assert "low" not in other.edge_note.en


def test_evidence_that_is_not_at_hand_any_more_is_named_by_its_position(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    decision = policy().decide(payment(), 0, 5.0, lambda: (reason(),))
    assert decision is not None
    alert = made(decision, [Evidence(None, 1_533_600_000_000, 900, None, 3, 40)])
    (seen,) = validated(alert)["evidence"]
    assert (seen["transaction_id"], seen["amount"], seen["position"]["offset"]) == (None, "9.00", 40)
    assert read(encode(alert)) == alert


def test_the_order_in_which_evidence_is_handed_over_does_not_matter(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    decision = policy().decide(payment(), 0, 5.0, lambda: (reason(),))
    assert decision is not None
    assert encode(made(decision, EVIDENCE)) == encode(made(decision, EVIDENCE[::-1]))


def test_an_update_repeats_the_whole_alert(alerts: list[Alert]) -> None:
    alert, _, update, _ = alerts
    assert update.alert_id == alert.alert_id
    assert {reason.code for reason in alert.reasons} <= {reason.code for reason in update.reasons}
    assert update.episode.transactions[: alert.episode.count] == alert.episode.transactions


def test_what_was_written_reads_back_the_same(alerts: list[Alert]) -> None:
    for alert in alerts:
        assert read(encode(alert)) == alert


def test_what_is_not_published_is_no_message(
    policy: MakePolicy, payment: Payment, reason: MakeReason
) -> None:
    judged = policy()
    for index in range(3):
        decision = judged.decide(payment(f"t{index}"), index, 5.0, lambda: (reason(),))
    assert decision is not None
    with pytest.raises(ValueError, match="found one that is joined"):
        made(decision)


@pytest.mark.parametrize(
    "junk", [b"", b"\xff\xfe", b"null", b"[]", b"{}", b'{"schema_version": 2}', b"x" * 10_000, b"\x00"]
)
def test_junk_on_the_review_topic_is_refused_with_what_was_expected(junk: bytes) -> None:
    with pytest.raises(UnusableInputError, match="expected an alert of schema version 1") as refused:
        read(junk)
    assert len(str(refused.value)) < 600


def test_another_schema_version_is_refused(alerts: list[Alert]) -> None:
    changed = json.loads(encode(alerts[0])) | {"schema_version": 2}
    with pytest.raises(UnusableInputError):
        read(json.dumps(changed).encode())


def objects(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every object inside a message, with the path to it."""
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from objects(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from objects(inner, (*path, index))


def test_removing_or_renaming_any_field_breaks_validation(alerts: list[Alert]) -> None:
    text = encode(alerts[2])
    fields = [(path, key) for path, found in objects(json.loads(text)) for key in found]
    assert len(fields) > 60
    for path, key in fields:
        for renamed in (None, f"{key}_", key.upper()):
            message = json.loads(text)
            target = message
            for step in path:
                target = target[step]
            value = target.pop(key)
            if renamed is not None:
                target[renamed] = value
            assert not VALIDATOR.is_valid(message), (path, key, renamed)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("alert_id", "xyz"),
        ("kind", "opened"),
        ("severity", "critical"),
        ("sequence", 1),
        ("sequence", -1),
        ("score", "5"),
        ("score", None),
        ("rank", -1.0),
        ("distance", -0.5),
        ("sample", True),
        ("reasons", []),
        ("partition", -1),
        ("headline", "only English"),
        ("schema_version", 2),
    ],
)
def test_the_schema_refuses_what_an_alert_never_says(alerts: list[Alert], field: str, wrong: object) -> None:
    message = validated(alerts[0])
    assert not VALIDATOR.is_valid(message | {field: wrong})


def test_the_schema_is_itself_valid_and_describes_every_field(alerts: list[Alert]) -> None:
    Draft202012Validator.check_schema(schema())
    assert list(schema()["properties"]) == [field.name for field in msgspec.structs.fields(Alert)]
    for _, found in objects(schema()):
        if found.get("type") == "object":
            assert found["additionalProperties"] is False
            assert set(found["required"]) == set(found["properties"])


def test_no_text_of_ours_accuses_anybody(alerts: list[Alert]) -> None:
    texts = [json.dumps({key: value for key, value in schema().items() if key != "$id"})]
    texts += [encode(alert).decode() for alert in alerts]
    texts += [name for alert in alerts for name in alert.__struct_fields__]
    assert not [text for text in texts if "fraud" in text.lower()]


def test_full_lists_of_hostile_ids_stay_well_below_a_mebibyte(reason: MakeReason) -> None:
    """Also where the longest text is set to its limit, 4096 characters, each escaped to six bytes."""
    for longest in (256, 4_096):
        hostile = "\x01" * longest
        payments = [
            Transaction((f"{index:04}" + hostile)[:longest], hostile, index, 2**40, "EUR")
            for index in range(300)
        ]
        episode = single(payments[0], 0, 50.0, Severity.HIGH, ())
        reasons = tuple(reason(f"R{index}", value=1e300, usual=-1e300) for index in range(8))
        for offset, payment in enumerate(payments[1:], start=1):
            join(episode, payment, offset, 50.0, Severity.HIGH, reasons, 0)
        evidence = [Evidence(hostile, index, 2**40, hostile, 2**31, 2**62) for index in range(200)]
        decision = Decision(
            Kind.UPDATED,
            episode.alert_id,
            episode,
            50.0,
            Severity.HIGH,
            0.0,
            5.0,
            False,
            45.0,
            reasons,
            7,
            9.0,
            3,
            "m",
        )
        alert = compose(decision, evidence, topic="t" * 249, currency="EUR", configuration="c")
        assert len(encode(alert)) < 700_000
        validated(alert)
        assert len(alert.episode.transactions) + alert.episode.transactions_cut == alert.episode.count == 300
        assert len(alert.evidence) + alert.evidence_cut == 200
        assert alert.episode.transactions[0].transaction_id.startswith("0000")
        assert alert.episode.transactions[-1].transaction_id.startswith("0299")


ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=256)
numbers = st.none() | st.floats()
times = st.integers(min_value=631_152_000_000, max_value=4_102_444_799_999)
amounts = st.integers(min_value=-(2**40), max_value=2**40)


@st.composite
def hostile_reasons(draw: st.DrawFn) -> tuple[Reason, ...]:
    return tuple(
        Reason(
            FeatureSpec(
                name=f"feature_{index}",
                code=f"F{index}",
                theme=draw(st.sampled_from(Theme)),
                side=Side.HIGH,
                role=Role.CONTEXT,
                unit=draw(st.sampled_from(Unit)),
                sentence=Text("{value} in {window}[, usual {usual}].", "{value} en {window}[ ({usual})]."),
                innocent=Text("None known.", "Aucune connue."),
                window_ms=draw(st.none() | st.integers(1, 2**45)),
            ),
            surprise=draw(st.floats(0, 400)),
            contribution=draw(st.floats(-400, 400)),
            value=draw(numbers),
            usual=draw(numbers),
        )
        for index in range(draw(st.integers(0, 12)))
    )


@given(
    rows=st.lists(
        st.tuples(ids, st.integers(0, 10**8), amounts, st.floats(-1e300, 1e300)), min_size=1, max_size=6
    ),
    account_id=ids,
    start_ms=times,
    reasons=hostile_reasons(),
    evidence=st.lists(
        st.builds(
            Evidence,
            st.none() | ids,
            times,
            amounts,
            st.none() | ids,
            st.integers(0, 2**31),
            st.integers(0, 2**62),
        ),
        max_size=5,
    ),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "USD", "XXX"]),
    budget=st.sampled_from([0.01, 40.0, 1e9]),
)
@example_settings(max_examples=150)
def test_whatever_comes_in_an_alert_validates(
    one_by_one: type[Any],
    rows: list[tuple[str, int, int, float]],
    account_id: str,
    start_ms: int,
    reasons: tuple[Reason, ...],
    evidence: list[Evidence],
    currency: str,
    budget: float,
) -> None:
    judged = one_by_one(
        Settings(alerts=Alerts(alerts_per_day=budget, explore=0.5)), partition=0, partitions=1
    )
    judged.use(np.array([0.0, 1.0, 2.0]), 10.0, "m")
    for offset, (transaction_id, later_ms, amount, score) in enumerate(rows):
        transaction = Transaction(transaction_id, account_id, start_ms + later_ms, amount, currency)
        decision = judged.decide(transaction, offset, score, lambda: reasons)
        if decision is not None and decision.is_published:
            alert = compose(decision, evidence, topic="t", currency=currency, configuration="c")
            validated(alert)
            assert read(encode(alert)) == alert


def test_the_shorter_message_is_the_same_alert_without_its_lists_and_says_what_was_cut(
    alerts: list[Alert],
) -> None:
    whole = validated(alerts[2])
    shorter = json.loads(encode_shorter(alerts[2]))
    VALIDATOR.validate(shorter)
    listed = whole["episode"]["transactions"]
    assert len(listed) > 1 < len(whole["evidence"])
    assert shorter == whole | {
        "episode": whole["episode"] | {"transactions": listed[:1], "transactions_cut": len(listed) - 1},
        "evidence": [],
        "evidence_cut": len(EVIDENCE),
    }
    assert len(encode_shorter(alerts[2])) < len(encode(alerts[2]))
