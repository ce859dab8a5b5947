"""Metrics are read back from their text."""

import pytest

from fraudwatch.metrics import read_sample

TEXT = """\
# HELP fraudwatch_records_total Transactions assessed, by outcome.
# TYPE fraudwatch_records_total counter
fraudwatch_records_total{outcome="scored"} 5.0
fraudwatch_records_total{outcome="late"} 1.0
# TYPE fraudwatch_lag_records gauge
fraudwatch_lag_records{partition="0"} 2
"""


def test_series_are_found_by_the_name_they_are_exposed_under():
    assert read_sample(TEXT) == {
        "fraudwatch_records_total": [({"outcome": "scored"}, 5.0), ({"outcome": "late"}, 1.0)],
        "fraudwatch_lag_records": [({"partition": "0"}, 2.0)],
    }


def test_no_text_has_no_series():
    assert read_sample("") == {}


def test_what_is_no_exposition_is_refused():
    with pytest.raises(ValueError, match=r"."):
        read_sample("<html>not found</html>")
