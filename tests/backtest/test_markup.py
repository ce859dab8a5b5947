"""Nothing that is put into the page can break out of its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup_seen import HOSTILE, seen

from fraudwatch.backtest.page.markup import LONGEST, Html, clipped, element, joined, table, text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_is_shown_as_it_is_written(hostile: str) -> None:
    found = seen(element("p", hostile, aria_label=hostile))
    assert found.tags == ["p"]
    assert found.said == hostile
    assert found.attributes == [("aria-label", hostile)]


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_stays_text(child: str, attribute: str) -> None:
    found = seen(element("td", child, title=attribute))
    assert found.tags == ["td"]
    assert [name for name, _ in found.attributes] == ["title"]
    assert len(found.said) == len(child)


def test_what_turns_text_around_or_cannot_be_printed_is_a_dot() -> None:
    assert text("a\u202eb\x00c\u200fd\x1b[31m\ne") == "a·b·c·d·[31m e"
    assert text("812.40\u00a0€") == "812.40\u00a0€"


def test_long_texts_are_clipped() -> None:
    assert len(text("x" * 10_000)) == LONGEST
    assert clipped("account-" + "9" * 100) == "account-" + "9" * 39 + "…"
    assert clipped("short") == "short"


def test_markup_is_not_escaped_twice_and_nothing_is_left_out_of_nothing() -> None:
    assert element("p", Html("<b>x</b>"), None, "y") == "<p><b>x</b>y</p>"
    assert joined("a", None, Html("<i>b</i>")) == "a<i>b</i>"


def test_a_table_has_a_caption_and_heads_of_columns_and_rows() -> None:
    made = table(("Name", "#Count"), [("<b>", "1")], caption="Counts")
    found = seen(made)
    assert found.tags == ["div", "table", "caption", "thead", "tr", "th", "th", "tbody", "tr", "th", "td"]
    assert ("scope", "row") in found.attributes
    assert found.attributes.count(("scope", "col")) == 2
    assert found.attributes.count(("class", "number")) == 2
    assert "<b>" in found.said
