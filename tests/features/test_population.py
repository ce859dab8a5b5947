"""The population and its cohorts: learned from a sample, checked before a kernel divides by them, and looked up."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.errors import ArtefactError
from fraudwatch.features import Catalogue, Column
from fraudwatch.features.population import NAMES, as_array
from fraudwatch.features.values import usual_mean
from fraudwatch.records import FloatArray

USUAL = {**dict.fromkeys(NAMES, 0.1), "mean": 3_000.0, "variance": 1e6, "rate": 2.0}


def test_a_population_that_a_sample_can_have_is_accepted() -> None:
    Catalogue.check_population(USUAL)
    Catalogue.check_population(USUAL | {"mean": 0.0, "variance": 0.0, "rate": 1e-3})
    Catalogue.check_population(USUAL | {"cohort_000000000abcd": 0.0})


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"mean": 1.0, "variance": 1.0},
        USUAL | {"hour_3": 0.0},
        USUAL | {"new_share": 1.01},
        USUAL | {"paid_rate": 0.0},
        USUAL | {"another": 1.0},
        USUAL | {"rate": 0.0},
        USUAL | {"rate": 5e-324},
        USUAL | {"mean": -1.0},
        USUAL | {"mean": 1.7e308},
        USUAL | {"variance": float("nan")},
        USUAL | {"cohort_000000000abcd": -1.0},
        USUAL | {"cohort_000000000abcd": float("inf")},
        USUAL | {"cohort_abcd": 1.0},
        USUAL | {"cohort_000000000ABCD": 1.0},
        USUAL | {f"cohort_{key:013x}": 1.0 for key in range(65)},
    ],
)
def test_any_other_population_is_refused_in_words(wrong: dict[str, float]) -> None:
    with pytest.raises(ArtefactError, match=r"mean, variance, rates .* train it again"):
        Catalogue.check_population(wrong)


def sample(*cohorts: tuple[float, int, float]) -> FloatArray:
    """Of each so many rows: the cohort (NaN: none) and the amount of each of its transactions."""
    columns = np.full((sum(count for _, count, _ in cohorts), len(Column)), np.nan)
    row = 0
    for cohort, count, amount in cohorts:
        columns[row : row + count, [Column.COHORT, Column.MONEY]] = cohort, amount
        row += count
    return columns


def test_a_cohort_has_a_mean_of_its_own_and_counts_beside_fifty_transactions_of_the_population() -> None:
    found = Catalogue.population(sample((7.0, 950, 1_000.0), (11.0, 50, 9_000.0)))
    mean = found["mean"]
    assert mean == pytest.approx(0.95 * 1_000 + 0.05 * 9_000)
    assert found["cohort_0000000000007"] == pytest.approx((950 * 1_000 + 50 * mean) / 1_000)
    assert found["cohort_000000000000b"] == pytest.approx((9_000 + mean) / 2)


def test_one_cohort_that_all_are_of_says_no_more_than_the_population() -> None:
    assert set(Catalogue.population(sample((7.0, 100, 1_000.0)))) == set(NAMES)
    assert set(Catalogue.population(sample((math.nan, 100, 1_000.0)))) == set(NAMES)
    unpaid = sample((7.0, 100, math.nan), (11.0, 100, 1_000.0))
    assert set(Catalogue.population(unpaid)) == set(NAMES)


def test_of_many_cohorts_the_commonest_are_kept() -> None:
    columns = sample(*((float(key), key, 100.0 * key) for key in range(1, 101)), (math.nan, 500, 7.0))
    kept = Catalogue.population(columns).keys() - set(NAMES)
    assert kept == {f"cohort_{key:013x}" for key in range(37, 101)}
    Catalogue.check_population(Catalogue.population(columns))


@given(st.dictionaries(st.integers(1, 2**52 - 1), st.floats(0, 1e9), max_size=64), st.data())
def test_every_cohort_is_found_and_no_other(cohorts: dict[int, float], data: st.DataObject) -> None:
    numbers = as_array(USUAL | {f"cohort_{key:013x}": mean for key, mean in cohorts.items()})
    others = st.one_of(st.just(math.nan), st.integers(1, 2**52 - 1).map(float))
    for key in [*map(float, cohorts), data.draw(others)]:
        row = np.full(len(Column), np.nan)
        row[Column.COHORT] = key
        expected = cohorts.get(int(key), USUAL["mean"]) if key == key else USUAL["mean"]
        assert usual_mean(row, numbers) == expected
