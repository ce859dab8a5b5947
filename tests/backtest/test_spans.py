"""Dates are days in UTC, both ends inside."""

from datetime import date

import numpy as np
import pytest

from fraudwatch.backtest import span
from fraudwatch.errors import ConfigurationError


def test_both_dates_are_inside() -> None:
    days = span(date(1970, 1, 2), date(1970, 1, 3), "score")
    assert (days.since_ms, days.until_ms) == (86_400_000, 3 * 86_400_000)
    times = np.array([86_399_999, 86_400_000, 3 * 86_400_000 - 1, 3 * 86_400_000])
    assert days.holds(times).tolist() == [False, True, True, False]


def test_an_open_span_holds_everything() -> None:
    assert span(None, None, "score").holds(np.array([-(10**15)])).all()


def test_dates_the_wrong_way_round_are_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="--train-to on or after --train-from"):
        span(date(2020, 1, 2), date(2020, 1, 1), "train")
