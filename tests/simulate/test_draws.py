"""Random numbers that are looked up: their distributions, and that they depend on nothing else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.simulate.draws import Draws

NUMBERS = np.arange(40_000)


@pytest.fixture(name="draws", scope="module")
def _draws() -> Draws:
    return Draws.of(3, "thing", NUMBERS)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**40), st.text(max_size=20))
def test_a_uniform_number_is_at_least_zero_and_below_one(seed: int, number: int, purpose: str) -> None:
    value = Draws.of(seed, "thing", np.array([number])).uniform(purpose)[0]
    assert 0.0 <= value < 1.0


def test_uniform_numbers_fill_their_interval_evenly(draws: Draws) -> None:
    tenths = np.histogram(draws.uniform("u"), bins=10, range=(0, 1))[0]
    assert np.all(np.abs(tenths - 4_000) < 5 * 60)  # standard deviation of a tenth: 60


def test_normal_numbers_have_mean_zero_and_deviation_one(draws: Draws) -> None:
    normal = draws.normal("n")
    assert abs(normal.mean()) < 0.025
    assert abs(normal.std() - 1.0) < 0.02
    assert 0.03 < np.mean(np.abs(normal) > 2.0) < 0.06  # 0.0455


def test_poisson_counts_have_their_mean_and_variance(draws: Draws) -> None:
    for mean in (0.1, 1.7, 12.0):
        counts = draws.poisson(f"p{mean}", np.full(len(draws), mean))
        assert counts.mean() == pytest.approx(mean, rel=0.05)
        assert counts.var() == pytest.approx(mean, rel=0.06)


def test_picks_follow_their_weights(draws: Draws) -> None:
    counts = np.bincount(draws.pick("weights", np.array([1.0, 0.0, 3.0])), minlength=3)
    assert counts[1] == 0
    assert counts[2] / counts[0] == pytest.approx(3.0, rel=0.08)


def test_whole_numbers_include_both_ends(draws: Draws) -> None:
    assert set(draws.whole("w", 2, 4).tolist()) == {2, 3, 4}


def test_two_purposes_and_two_parts_give_unrelated_numbers(draws: Draws) -> None:
    first = draws.uniform("a")
    for other in (draws.uniform("b"), draws.at("day", 1).uniform("a"), draws.at("day", 2).uniform("a")):
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.025


def test_a_number_does_not_depend_on_how_many_others_there_are() -> None:
    few, many = Draws.of(3, "thing", NUMBERS[:5]), Draws.of(3, "thing", NUMBERS)
    assert np.array_equal(few.at("day", 7).normal("n"), many.at("day", 7).normal("n")[:5])
