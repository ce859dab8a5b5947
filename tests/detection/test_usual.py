"""The spread of a training sample, and how far a later one is from it."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from numpy.typing import NDArray

from fraudwatch.detection.usual import BANDS, FLOOR, TENTHS, Usual, by_theme
from fraudwatch.records import Role, Theme

VALUES = st.lists(st.sampled_from([0.0, 1.0, 2.5, 7.0, math.nan]), min_size=1, max_size=60)


def column(*values: float) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)[:, np.newaxis]


def plain_psi(before: list[float], after: list[float]) -> float:
    """Bands told by which tenths a value is above and on, one at a time."""
    there = sorted(value for value in before if not math.isnan(value))
    cuts = [there[math.ceil(round(tenth * len(there), 6)) - 1] for tenth in TENTHS] if there else [0.0] * 9

    def shares(values: list[float]) -> Counter[object]:
        bands = Counter(
            "missing" if math.isnan(value) else tuple((value > cut, value == cut) for cut in cuts)
            for value in values
        )
        return Counter({band: count / len(values) for band, count in bands.items()})  # type: ignore[misc]

    seen, expected = shares(after), shares(before)
    index = 0.0
    for band in seen | expected:
        a, e = max(seen[band], FLOOR), max(expected[band], FLOOR)
        index += (a - e) * math.log(a / e)
    return index


@given(VALUES, VALUES)
@trials(max_examples=200)
def test_the_index_is_that_of_the_definition(before: list[float], after: list[float]) -> None:
    usual = Usual.fit(column(*before))
    assert usual.psi(usual.counts(column(*after)))[0] == pytest.approx(plain_psi(before, after), abs=1e-12)


@given(VALUES)
def test_a_sample_is_not_far_from_itself(values: list[float]) -> None:
    usual = Usual.fit(column(*values))
    assert usual.psi(usual.counts(column(*values))).tolist() == [0.0]


@given(VALUES, st.integers(0, 60))
def test_counts_of_parts_add_up(values: list[float], at: int) -> None:
    whole = column(*values)
    usual = Usual.fit(whole)
    parts = usual.counts(whole[:at]) + usual.counts(whole[at:])
    assert parts.tolist() == usual.counts(whole).tolist()
    assert parts.shape == (1, BANDS)


def test_chance_alone_is_no_change_and_a_shift_or_a_field_gone_missing_is() -> None:
    drawn = np.random.default_rng(4)
    usual = Usual.fit(drawn.normal(size=(50_000, 1)))

    def psi(values: NDArray[np.float64]) -> float:
        return float(usual.psi(usual.counts(values))[0])

    assert psi(drawn.normal(size=(3_000, 1))) < 0.02
    assert psi(drawn.normal(loc=0.7, size=(3_000, 1))) > 0.25
    half_gone = drawn.normal(size=(3_000, 1))
    half_gone[::2] = np.nan
    assert psi(half_gone) > 1.0


def test_a_theme_is_as_far_as_its_farthest_feature_and_what_only_describes_does_not_count(make_spec) -> None:
    specs = [make_spec("a"), make_spec("b", Role.ANCHOR), make_spec("c", Role.DESCRIPTIVE)]
    found = by_theme(specs, np.array([0.1, 0.3, 9.0, 0.2]))
    assert found == {"score": 0.2, Theme.AMOUNT.value: 0.3}
