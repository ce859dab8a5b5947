"""A mapping that cannot be used is refused before any record is read, and the message helps."""

import pytest

from fraudwatch.config.settings import FieldMapping, Label, Limits, Settings, Source
from fraudwatch.decode import Decoder
from fraudwatch.errors import ConfigurationError

GOOD = {"transaction_id": "id", "account_id": "who", "event_time": "at", "amount": "sum"}


def message(mapping=GOOD, **settings):
    with pytest.raises(ConfigurationError) as caught:
        Decoder(Settings(source=Source(mapping=mapping, label=settings.pop("label", None)), **settings))
    return str(caught.value)


def test_the_mapping_these_tests_spoil_is_good():
    assert Decoder(Settings(source=Source(mapping=GOOD))).fields == set(GOOD)


@pytest.mark.parametrize(("wrong", "right"), [("counterparty", "counterparty_id"), ("Latitude", "latitude")])
def test_an_unknown_field_is_named_with_the_nearest_one(wrong, right):
    said = message({**GOOD, wrong: "x"})
    assert said.startswith(f"source.mapping.{wrong}: expected one of transaction_id, account_id")
    assert said.endswith(f"did you mean {right}?")


@pytest.mark.parametrize("field", GOOD)
def test_a_required_field_that_is_not_mapped_is_named(field):
    said = message({name: path for name, path in GOOD.items() if name != field})
    assert (
        said == f"source.mapping.{field}: expected a path, because every transaction needs it; found nothing"
    )


def test_every_mistake_is_listed():
    said = message(
        {"acount_id": "who", "amount": FieldMapping(), "event_time": FieldMapping(path="t", zone="Pariss")}
    )
    lines = said.splitlines()
    keys = ["acount_id", "transaction_id", "account_id", "amount", "event_time.zone"]
    assert [line.split(":")[0] for line in lines] == [f"source.mapping.{key}" for key in keys]


@pytest.mark.parametrize(
    ("field", "rule", "said"),
    [
        ("category", FieldMapping(path="a", constant="b"), 'found both, path "a" and constant "b"'),
        ("category", FieldMapping(), "source.mapping.category: expected a path or a constant; found neither"),
        ("category", "", "source.mapping.category.path: expected names separated by dots; found ''"),
        ("category", "a..b", "expected names separated by dots; found 'a..b'"),
        ("category", FieldMapping(path="a", zone="UTC"), "category.zone: expected for event_time only"),
        (
            "category",
            FieldMapping(path="a", format="epoch_s"),
            "category.format: expected for event_time only",
        ),
        ("event_time", FieldMapping(path="a", unit="minor"), "event_time.unit: expected for amount only"),
        ("amount", FieldMapping(path="a", values={"1": "2"}), "amount.values: expected for texts only"),
        ("event_time", FieldMapping(path="a", zone="Europe/Pariss"), "did you mean Europe/Paris?"),
        (
            "event_time",
            FieldMapping(path="a", zone="../etc/passwd"),
            "expected a time zone such as Europe/Paris",
        ),
        ("event_time", FieldMapping(path="a", zone="Europe"), "expected a time zone such as Europe/Paris"),
        ("event_time", FieldMapping(path="a", zone=""), "expected a time zone such as Europe/Paris"),
        ("event_time", FieldMapping(path="a", zone="UTC", format="epoch_s"), "counts in UTC"),
        ("event_time", FieldMapping(constant="2024-05-31"), "differs from one transaction to the next"),
        ("transaction_id", FieldMapping(constant="x"), "differs from one transaction to the next"),
        (
            "currency",
            FieldMapping(constant="USD"),
            "source.mapping.currency.constant: expected EUR, found 'USD'",
        ),
        (
            "amount",
            FieldMapping(constant="many"),
            "source.mapping.amount.constant: expected a number, found 'many'",
        ),
        ("amount", FieldMapping(constant=-1), "expected an amount of 0 or more"),
        ("direction", FieldMapping(constant="in"), "expected debit or credit, found 'in'"),
        ("latitude", FieldMapping(constant=91), "expected degrees from -90 to 90, found 91"),
    ],
)
def test_a_rule_that_cannot_be_used(field, rule, said):
    assert said in message({**GOOD, field: rule})


def test_paths_that_contradict_one_another():
    said = "source.mapping: expected a value or an object at shop; found paths for both"
    assert message({**GOOD, "channel": "shop.name", "category": "shop"}) == said
    assert message({**GOOD, "channel": "shop", "category": "shop.name"}) == said


@pytest.mark.parametrize(
    "label", [Label(path="sum"), Label(path="x", detail="sum"), Label(path="x", case="sum")]
)
def test_the_label_may_not_be_mapped(label):
    assert "source.mapping.amount: expected another path than source.label's" in message(label=label)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (
            Limits(earliest="long ago"),
            "limits.earliest: expected a date such as 1990-01-01; found 'long ago'",
        ),
        (
            Limits(earliest="2024-01-01", latest="2024-01-01"),
            "limits.earliest: expected before limits.latest",
        ),
    ],
)
def test_limits_that_cannot_be_used(limits, said):
    assert said in message(limits=limits)
