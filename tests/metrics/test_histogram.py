"""The histogram fed in bulk says the same as prometheus_client's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from fraudwatch.metrics.histogram import BulkHistogram

BOUNDS = (0.0005, 0.5, 1.0, 2.5, 10_000.0, 604_800.0)
batches = st.lists(
    npst.arrays(np.float64, st.integers(0, 20), elements=st.floats(0, 1e6) | st.sampled_from(BOUNDS)),
    max_size=4,
)


@given(batches)
def test_it_is_exposed_as_the_librarys_own_is(values):
    own, theirs = CollectorRegistry(), CollectorRegistry()
    bulk = BulkHistogram("h", "What.", BOUNDS, own)
    single = Histogram("h", "What.", buckets=BOUNDS, registry=theirs)
    for batch in values:
        bulk.observe(batch)
        for value in batch.tolist():
            single.observe(value)
    exposed, expected = (generate_latest(registry).decode().splitlines() for registry in (own, theirs))
    is_sum = [line.startswith("h_sum") for line in expected]
    assert [line for line, skip in zip(exposed, is_sum, strict=True) if not skip] == [
        line for line, skip in zip(expected, is_sum, strict=True) if not skip
    ]
    # The order of additions differs, and with it the last digits.
    assert own.get_sample_value("h_sum") == pytest.approx(theirs.get_sample_value("h_sum"))


def test_each_label_value_has_its_own_row():
    registry = CollectorRegistry()
    histogram = BulkHistogram("h", "What.", (1.0,), registry, label="stage", label_values=("a", "b"))
    histogram.observe([0.5, 3.0], "b")
    assert registry.get_sample_value("h_count", {"stage": "a"}) == 0
    assert registry.get_sample_value("h_bucket", {"stage": "b", "le": "1.0"}) == 1
    assert registry.get_sample_value("h_sum", {"stage": "b"}) == 3.5


def test_a_negative_value_counts_and_the_sum_never_goes_down():
    registry = CollectorRegistry()
    histogram = BulkHistogram("h", "What.", (0.0, 1.0), registry)
    histogram.observe([2.0])
    histogram.observe([-5.0, np.nan])
    assert registry.get_sample_value("h_bucket", {"le": "0.0"}) == 1
    assert registry.get_sample_value("h_count") == 2
    assert registry.get_sample_value("h_sum") == 2.0


def test_a_name_taken_twice_is_refused():
    registry = CollectorRegistry()
    BulkHistogram("h", "What.", (1.0,), registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        Histogram("h", "What.", registry=registry)
