"""Labels are read beside the decoder, to measure, and are never part of a transaction."""

import pytest

from fraudwatch.config.settings import Label
from fraudwatch.decode import LabelReader
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import Transaction


@pytest.mark.parametrize("value", [b'{"case":1}', b'{"case":"1"}', b'{"x":2,"case":1}'])
def test_a_case_is_marked_by_the_positive_value_as_text_or_number(value):
    assert LabelReader(Label(path="case")).read(value) == (True, None)


@pytest.mark.parametrize(
    "value", [b'{"case":0}', b'{"case":"01"}', b'{"case":null}', b"{}", b"[]", b"", b"{", b"\xff"]
)
def test_anything_else_is_no_case(value):
    assert LabelReader(Label(path="case")).read(value) == (False, None)


@pytest.mark.parametrize(
    ("positive", "value"),
    [("true", b'{"l":{"case":true}}'), ("yes", b'{"l":{"case":"yes"}}'), ("1.5", b'{"l":{"case":1.50}}')],
)
def test_the_positive_value_and_the_path_are_configured(positive, value):
    assert LabelReader(Label(path="l.case", positive=positive)).read(value)[0]


@pytest.mark.parametrize(
    ("value", "detail"),
    [(b'{"c":"1","d":2}', "2"), (b'{"c":"1","d":"x"}', "x"), (b'{"c":1,"d":""}', None), (b'{"c":1}', None)],
)
def test_the_finer_label_comes_as_text(value, detail):
    assert LabelReader(Label(path="c", detail="d")).read(value) == (True, detail)


@pytest.mark.parametrize(
    ("value", "case"),
    [
        (b'{"c":1,"of":{"id":"k-7"}}', "k-7"),
        (b'{"c":1,"of":{"id":7}}', "7"),
        (b'{"c":1,"of":{"id":null}}', None),
        (b'{"c":1}', None),
        (b"{", None),
    ],
)
def test_the_id_of_the_case_comes_as_text(value, case):
    assert LabelReader(Label(path="c", case="of.id")).case(value) == case


def test_without_a_path_there_is_no_id_of_a_case():
    assert LabelReader(Label(path="c")).case(b'{"c":1,"case":"k-7"}') is None


@pytest.mark.parametrize("label", [Label(path="a..b"), Label(path="a", case="a..b")])
def test_a_path_that_cannot_be_used_is_named(label):
    with pytest.raises(ConfigurationError, match=r"source\.label: expected names separated by dots"):
        LabelReader(label)


def test_a_transaction_has_no_place_for_a_label():
    assert not any("label" in name or "case" in name for name in Transaction.__struct_fields__)
