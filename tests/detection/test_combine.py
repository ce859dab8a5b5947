from collections.abc import Callable

import numpy as np
import pytest

from fraudwatch.detection.arrays import ArrayReader, prefixed
from fraudwatch.detection.combine import Concordance, LargestSurprise, TwoLargestSurprises
from fraudwatch.detection.lifts import Bands
from fraudwatch.errors import ArtefactError
from fraudwatch.records import FeatureSpec, FloatArray, Role, Side

NO_BANDS = Bands(np.empty(0), np.zeros(1))


@pytest.fixture
def reasons(make_spec: Callable[..., FeatureSpec]) -> tuple[FeatureSpec, ...]:
    return (
        make_spec("amount", Role.ANCHOR),
        make_spec("ratio", Role.ANCHOR),
        make_spec("spend"),
        make_spec("hour", side=Side.RARE),
        make_spec("sum_7d", Role.DESCRIPTIVE),
    )


@pytest.fixture
def concordance(reasons: tuple[FeatureSpec, ...]) -> Concordance:
    spend = Bands(np.array([1.0, 2.0]), np.array([-0.125, 0.25, 0.75]))
    hour = Bands(np.array([3.0, 9.0]), np.array([0.5, -0.25, 0.125]))
    return Concordance.of_bands(reasons, [NO_BANDS, NO_BANDS, spend, hour, NO_BANDS])


def row(*numbers: float) -> FloatArray:
    return np.array([numbers])


@pytest.mark.parametrize(
    ("spend", "hour", "lifts"),
    [
        (0.5, 3.0, (-0.125, 0.5)),
        (1.0, 9.0, (-0.125, -0.25)),
        (1.5, 9.0, (0.25, -0.25)),
        (9.0, 4.0, (0.75, 0.125)),
        (9.0, 99.0, (0.75, 0.125)),
        (9.0, -1.0, (0.75, 0.125)),
    ],
)
def test_concordance_is_the_larger_anchor_plus_the_lift_of_each_context(
    concordance: Concordance, spend: float, hour: float, lifts: tuple[float, float]
) -> None:
    values = row(1, 1, 1, hour, 1)
    contributions, score = concordance.combine(values, row(2.0, 3.0, spend, 1.0, 9.0))
    assert contributions.tolist() == [[0.0, 3.0, *lifts, 0.0]]
    assert score.tolist() == [3.0 + sum(lifts)]


def test_a_missing_context_has_no_lift(concordance: Concordance) -> None:
    values = row(1, 1, np.nan, np.nan, 1)
    contributions, score = concordance.combine(values, row(2.0, 1.0, 0.0, 0.0, 9.0))
    assert contributions.tolist() == [[2.0, 0.0, 0.0, 0.0, 0.0]]
    assert score.tolist() == [2.0]


def test_of_equal_anchors_the_first_has_the_contribution(concordance: Concordance) -> None:
    contributions, _ = concordance.combine(row(1, 1, 1, 3, 1), row(2.0, 2.0, 0.0, 0.0, 0.0))
    assert contributions[0, :2].tolist() == [2.0, 0.0]


@pytest.mark.parametrize("anchor_first", [True, False])
@pytest.mark.parametrize(("surprise", "expected"), [(0.75, None), (0.5, "spend"), (1.0, "amount")])
def test_of_equal_contributions_the_first_reason_is_the_strongest(
    make_spec: Callable[..., FeatureSpec],
    anchor_first: bool,
    surprise: float,
    expected: str | None,
) -> None:
    specs = (make_spec("amount", Role.ANCHOR), make_spec("spend"))
    bands = [NO_BANDS, Bands(np.array([1.0]), np.array([-0.125, 0.75]))]
    if not anchor_first:
        specs, bands = specs[::-1], bands[::-1]
    found = {"amount": surprise, "spend": 9.0}
    columns = np.array([[found[spec.name]] for spec in specs])
    score, places = Concordance.of_bands(specs, bands).judge(np.arange(2), columns, columns)
    assert score.tolist() == [surprise + 0.75]
    assert specs[places[0]].name == (expected or specs[0].name)


@pytest.mark.parametrize(
    ("surprises", "largest", "two_largest"),
    [
        ((1.0, 3.0, 2.0, 0.5, 9.0), [0, 3, 0, 0, 0], [0, 3, 2, 0, 0]),
        ((3.0, 1.0, 2.0, 2.5, 9.0), [3, 0, 0, 0, 0], [3, 0, 0, 2.5, 0]),
        ((2.0, 2.0, 2.0, 0.0, 9.0), [2, 0, 0, 0, 0], [2, 2, 0, 0, 0]),
        ((0.0, 0.0, 0.0, 0.0, 9.0), [0, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
    ],
)
def test_max_and_top_two_never_count_descriptive_features(
    reasons: tuple[FeatureSpec, ...],
    surprises: tuple[float, ...],
    largest: list[float],
    two_largest: list[float],
) -> None:
    for kind, expected in ((LargestSurprise, largest), (TwoLargestSurprises, two_largest)):
        combiner = kind.fit(reasons, row(0), row(0), 0)
        contributions, score = combiner.combine(row(*surprises), row(*surprises))
        assert contributions.tolist() == [expected]
        assert score.tolist() == [sum(expected)]


def test_detectors_together_count_as_half_a_reason(make_spec: Callable[..., FeatureSpec]) -> None:
    random = np.random.default_rng(0)
    specs = (make_spec("amount", Role.ANCHOR), make_spec("a"), make_spec("b"), make_spec("c"))
    surprises = random.exponential(size=(5_000, 1)).repeat(4, axis=1)
    contexts = Concordance.fit(specs, surprises, surprises, 0)
    detectors = Concordance.fit(specs, surprises, surprises, 2)
    extreme = row(9.0, 9.0, 9.0, 9.0)
    whole = contexts.combine(extreme, extreme)[0][0]
    shared = detectors.combine(extreme, extreme)[0][0]
    assert whole[1] == whole[2] == whole[3] > 0.7
    np.testing.assert_allclose(shared, whole * [1, 1, 0.25, 0.25], atol=1e-8)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("start", np.array([0, 0, 0, 2, 4, 5])),
        ("parts", np.zeros(5, dtype=np.uint8)),
        ("lifts", np.zeros(8)),
        ("cuts", np.array([1.0, np.inf, 3.0, 9.0])),
    ],
)
def test_lifts_that_do_not_fit_the_reasons_are_refused(
    concordance: Concordance, reasons: tuple[FeatureSpec, ...], name: str, wrong: FloatArray
) -> None:
    good = prefixed("c", concordance.arrays())
    assert Concordance.load(ArrayReader(dict(good)).under("c"), reasons).cuts.size == 4
    with pytest.raises(ArtefactError, match=f"{name}"):
        Concordance.load(ArrayReader(good | {f"c.{name}": wrong}).under("c"), reasons)
