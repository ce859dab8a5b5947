"""A training window without any case teaches no lift; what an expert would say beforehand stands."""

from collections.abc import Callable

import numpy as np
import pytest

from fraudwatch.detection import Model
from fraudwatch.records import FloatArray

SPEND, QUIET = 2, 3
"""Columns of the sample: a context with structural defaults, and one without."""


@pytest.fixture(scope="module")
def clean(fitted: Callable[..., Model], make_sample: Callable[..., FloatArray]) -> Model:
    """Fitted where nothing goes together with extreme amounts: whatever did has been taken out."""
    values = make_sample(8_000)
    values[:, SPEND] = np.random.default_rng(1).permutation(values[:, SPEND])
    is_odd = (np.maximum(values[:, 0], values[:, 1]) > 1.5) & (values[:, SPEND] > 1.0)
    return fitted(values[~is_odd], detectors=())


def scores(model: Model, column: int, value: float) -> tuple[float, float]:
    """Of a large amount alone, and of the same with one context far out."""
    rows = np.zeros((2, 7))
    rows[:, 0] = 3.0
    rows[1, column] = value
    alone, together = model.score(rows).score.tolist()
    return alone, together


def test_after_a_clean_window_money_that_moved_before_still_adds_to_a_large_amount(clean: Model) -> None:
    alone, together = scores(clean, SPEND, 9.0)
    assert together > alone + 0.3


def test_a_reason_nobody_expects_anything_of_adds_nothing_after_a_clean_window(clean: Model) -> None:
    alone, together = scores(clean, QUIET, -9.0)
    assert together < alone + 0.1


def test_a_window_with_cases_teaches_more_than_is_expected(
    clean: Model, fitted: Callable[..., Model], make_sample: Callable[..., FloatArray]
) -> None:
    taught = fitted(make_sample(8_000), detectors=())
    alone, together = scores(taught, SPEND, 9.0)
    clean_alone, clean_together = scores(clean, SPEND, 9.0)
    assert together - alone > clean_together - clean_alone + 0.2
