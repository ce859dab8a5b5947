import numpy as np
import pytest

from fraudwatch.detection.lifts import fit_bands, fit_categories, hits_of


def test_hits_are_the_two_percent_with_the_most_extreme_anchor() -> None:
    hits = hits_of(np.random.default_rng(0).permutation(1_000).astype(np.float64))
    assert hits.sum() == 20


@pytest.mark.parametrize(("anchor", "share"), [([0.0] * 95 + [3.0] * 5, 0.05), ([0.0] * 100, 1.0)])
def test_there_are_hits_even_where_many_share_the_largest_anchor(anchor: list[float], share: float) -> None:
    assert hits_of(np.array(anchor)).mean() == share


def test_a_lift_is_the_shrunk_log_ratio_of_hits_in_its_band() -> None:
    surprises = np.arange(1_000.0)
    hits = np.zeros(1_000)
    hits[-2:] = 1.0
    hits[:18] = 1.0
    bands = fit_bands("anything", surprises, hits, 0.02)
    assert bands.cuts.tolist() == [499, 799, 949, 979, 994, 998]
    counts = np.array([500, 300, 150, 30, 15, 4, 1])
    hit_counts = np.array([18, 0, 0, 0, 0, 1, 1])
    expected = np.log10((hit_counts + 50 * 0.02) / (counts + 50) / 0.02)
    np.testing.assert_allclose(bands.lifts, expected, atol=1e-9)


def test_a_reason_unrelated_to_the_anchor_gets_next_to_no_lift() -> None:
    random = np.random.default_rng(1)
    hits = (random.random(100_000) < 0.02).astype(np.float64)
    bands = fit_bands("anything", random.exponential(size=100_000), hits, float(hits.mean()))
    assert np.abs(bands.lifts).max() < 0.2


def test_values_beyond_the_sample_belong_to_the_highest_band_seen() -> None:
    # 5 % share the largest value: cuts at it would leave bands above that nothing was learned for.
    surprises = np.repeat([0.0, 1.0, 2.0], [700, 250, 50])
    hits = (surprises == 2.0).astype(np.float64)
    bands = fit_bands("anything", surprises, hits, 0.05)
    assert bands.cuts.tolist() == [0.0, 1.0]
    assert bands.lifts[np.searchsorted(bands.cuts, 9.0)] == bands.lifts.max() > 0.9


def test_structural_defaults_stand_where_a_clean_window_taught_nothing() -> None:
    surprises = np.arange(5_000.0)
    clean = np.tile(np.repeat([1.0, 0.0], [1, 49]), 100)
    bands = fit_bands("spend_24h_excess", surprises, clean, 0.02)
    quiet = fit_bands("anything", surprises, clean, 0.02)
    assert bands.lifts[-1] == pytest.approx(np.log10((0 + 200 * 0.02 * 10**0.5) / 205 / 0.02), abs=1e-6)
    assert bands.lifts[-2] > bands.lifts[-4] > 0.05
    assert bands.lifts[:3] == pytest.approx(quiet.lifts[:3], abs=1e-9)
    assert quiet.lifts[-1] < 0.0


def test_categories_are_bands_and_an_unseen_one_has_no_lift() -> None:
    values = np.repeat([3.0, 9.0], [100, 900])
    hits = (values == 3.0).astype(np.float64)
    bands = fit_categories(values, hits, 0.1)
    assert bands.cuts.tolist() == [3.0, 9.0]
    expected = [np.log10((100 + 5) / 150 / 0.1), np.log10(5 / 950 / 0.1), 0.0]
    np.testing.assert_allclose(bands.lifts, expected, atol=1e-9)


def test_a_reason_missing_throughout_has_no_lift() -> None:
    nothing = np.empty(0)
    assert fit_bands("spend_24h_excess", nothing, nothing, 0.02).lifts.tolist() == [0.0]
    assert fit_categories(nothing, nothing, 0.02).lifts.tolist() == [0.0]
