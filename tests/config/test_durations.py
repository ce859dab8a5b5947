"""Durations are a number and a unit, and are written back as they were meant."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.durations import Duration, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("0s", 0),
        ("200ms", 200),
        ("90s", 90_000),
        ("15m", 900_000),
        ("1 h", 3_600_000),
        (" 30d ", 2_592_000_000),
    ],
)
def test_a_duration_is_read_in_milliseconds(text, milliseconds):
    assert parse_duration(text) == milliseconds


@pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1.5h", "1h30m", "1w", "1H", "1" * 10 + "s"])
def test_anything_else_is_refused_with_the_form_expected(text):
    with pytest.raises(ValueError, match="expected a duration such as 90s, 15m, 1h or 30d, found"):
        parse_duration(text)


@given(st.integers(0, 10**9 - 1))
def test_the_spelling_of_a_duration_is_read_back(milliseconds):
    assert parse_duration(str(Duration(milliseconds))) == milliseconds


def test_a_day_is_written_in_hours_and_a_week_in_days():
    assert str(Duration(86_400_000)) == "24h"
    assert str(Duration(604_800_000)) == "7d"
