from collections.abc import Callable
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from fraudwatch.detection import DETECTORS, Model, pack, warm_up
from fraudwatch.errors import TrainingError
from fraudwatch.records import FeatureSpec, FloatArray, Role, Scores, Side

Fit = Callable[..., Model]
Specs = tuple[FeatureSpec, ...]

COMBINERS = ("concordance", "max", "top_two")


def awkward(values: FloatArray) -> FloatArray:
    """Rows as in training, rows with every hole, infinities, categories never seen."""
    holes = np.where(np.eye(values.shape[1], dtype=bool), np.nan, values[: values.shape[1]])
    infinite = np.where(np.eye(values.shape[1], dtype=bool), np.inf, values[: values.shape[1]])
    nothing = np.full((1, values.shape[1]), np.nan)
    return np.concatenate([values[:100], holes, infinite, -infinite, nothing, values[:5] * 1e9])


@pytest.mark.parametrize("combiner", COMBINERS)
def test_a_row_is_scored_bit_for_bit_the_same_alone_and_in_any_batch_and_order(
    fitted: Fit, values: FloatArray, combiner: str
) -> None:
    model = fitted(values, combiner=combiner)
    rows = awkward(values)
    together = model.score(rows)
    order = np.random.default_rng(0).permutation(len(rows))
    shuffled = model.score(rows[order])
    for name in ("surprises", "contributions", "score"):
        whole = getattr(together, name)
        alone = np.concatenate([getattr(model.score(rows[i : i + 1]), name) for i in range(len(rows))])
        assert alone.tobytes() == whole.tobytes()
        assert getattr(shuffled, name).tobytes() == np.ascontiguousarray(whole[order]).tobytes()
        assert np.isfinite(whole).all()


@pytest.mark.parametrize("combiner", COMBINERS)
def test_contributions_sum_to_the_score_exactly_in_any_order(
    fitted: Fit, values: FloatArray, combiner: str
) -> None:
    scores = fitted(values, combiner=combiner).score(awkward(values))
    for row, score in zip(scores.contributions, scores.score, strict=True):
        assert sum(row.tolist()) == sum(reversed(row.tolist())) == row.sum() == score


def strongest_of(scores: Scores) -> list[int]:
    first_largest = np.argmax(scores.contributions, axis=1)
    weighs = scores.contributions.max(axis=1) > 0
    return np.where(weighs, first_largest, -1).tolist()


@pytest.mark.parametrize("detectors", [(), ("pca", "isolation_forest", "hbos")], ids=["without", "detectors"])
@pytest.mark.parametrize("combiner", COMBINERS)
def test_judging_gives_the_bits_of_scoring_and_the_first_of_the_largest_contributions(
    fitted: Fit, values: FloatArray, combiner: str, detectors: tuple[str, ...]
) -> None:
    model = fitted(values, combiner=combiner, detectors=detectors)
    rows = awkward(values)
    scores = model.score(rows)
    score, strongest, *_ = model.judge(rows)
    assert score.tobytes() == scores.score.tobytes()
    assert strongest.dtype == np.int16
    assert strongest.tolist() == strongest_of(scores)
    assert len(set(strongest.tolist())) > 3


@pytest.mark.parametrize("combiner", COMBINERS)
def test_a_row_is_judged_the_same_alone_and_in_any_batch(
    fitted: Fit, values: FloatArray, combiner: str
) -> None:
    model = fitted(values, combiner=combiner)
    rows = awkward(values)
    score, strongest, *_ = model.judge(rows)
    for size in (1, 2, 3, 7, 64):
        pieces = [model.judge(rows[i : i + size]) for i in range(0, len(rows), size)]
        assert np.concatenate([piece.score for piece in pieces]).tobytes() == score.tobytes()
        assert np.concatenate([piece.strongest for piece in pieces]).tolist() == strongest.tolist()


@pytest.mark.parametrize("detectors", [(), ("pca", "isolation_forest", "hbos")], ids=["without", "detectors"])
@pytest.mark.parametrize("combiner", COMBINERS)
def test_what_was_judged_in_a_batch_gives_the_scores_of_a_row_to_the_bit(
    fitted: Fit, values: FloatArray, combiner: str, detectors: tuple[str, ...]
) -> None:
    model = fitted(values, combiner=combiner, detectors=detectors)
    rows = awkward(values)
    judged = model.judge(rows)
    counting = [place for place, spec in enumerate(model.reason_specs) if spec.role is not Role.DESCRIPTIVE]
    for place, row in enumerate(rows):
        scores, anew = model.scores_of(judged, place), model.score(row[np.newaxis])
        assert scores.score.tobytes() == anew.score.tobytes()
        assert scores.contributions.tobytes() == anew.contributions.tobytes()
        assert scores.surprises[:, counting].tobytes() == anew.surprises[:, counting].tobytes()


def test_no_rows_are_judged_too(model: Model, specs: Specs) -> None:
    score, strongest, *_ = model.judge(np.empty((0, len(specs))))
    assert score.shape == strongest.shape == (0,)


def test_descriptive_features_do_not_change_a_judgement(model: Model, values: FloatArray) -> None:
    rows = values[:50].copy()
    rows[:, 6] = np.linspace(-1e9, 1e9, 50)
    assert model.judge(rows)[0].tobytes() == model.judge(values[:50])[0].tobytes()
    assert not (model.judge(rows)[1] == 6).any()


def test_descriptive_features_are_surprising_but_never_contribute(model: Model, values: FloatArray) -> None:
    rows = values[:10].copy()
    rows[:, 6] = 1e6
    scores = model.score(rows)
    assert (scores.surprises[:, 6] > 3).all()
    assert (scores.contributions[:, 6] == 0).all()


def test_no_rows_give_no_scores(model: Model, specs: Specs) -> None:
    scores = model.score(np.empty((0, len(specs))))
    assert scores.score.shape == (0,)
    assert scores.surprises.shape == scores.contributions.shape == (0, len(model.reason_specs))


def test_reasons_are_the_features_then_the_detectors_as_configured(fitted: Fit, values: FloatArray) -> None:
    model = fitted(values, detectors=("pca", "hbos"))
    assert [spec.name for spec in model.reason_specs[len(model.specs) :]] == ["pca", "hbos"]
    without = fitted(values, detectors=())
    assert without.reason_specs == without.specs
    assert without.score(values).surprises.shape[1] == len(without.specs)


def test_what_goes_with_extreme_amounts_raises_the_score_and_what_does_not_does_not(
    model: Model, values: FloatArray
) -> None:
    ordinary = np.nanmedian(values, axis=0)
    ordinary[4:6] = (12, 0)
    rows = np.repeat(ordinary.reshape(1, -1), 3, axis=0)
    rows[1, 2] = 3.0
    rows[2, 3] = -3.0
    contributions = model.score(rows).contributions
    assert contributions[1, 2] > 0.4 > contributions[0, 2]
    assert abs(contributions[2, 3] - contributions[0, 3]) < 0.3


@pytest.mark.parametrize("name", DETECTORS)
def test_detectors_see_what_no_single_context_shows(fitted: Fit, values: FloatArray, name: str) -> None:
    model = fitted(values, detectors=(name,))
    ordinary, odd = values[:1].copy(), values[:1].copy()
    ordinary[0, 2:6] = (0.0, 0.0, 12, 0)
    odd[0, 2:6] = (4.0, -4.0, 12, 1)
    surprise = model.score(np.concatenate([ordinary, odd])).surprises[:, -1]
    assert surprise[1] > surprise[0] + 1


def test_with_one_context_the_detectors_look_at_the_anchors_too(
    fitted: Fit, values: FloatArray, specs: Specs
) -> None:
    model = fitted(values[:, [0, 1, 2, 6]], (specs[0], specs[1], specs[2], specs[6]))
    calm, extreme = values[:1, [0, 1, 2, 6]].copy(), values[:1, [0, 1, 2, 6]].copy()
    calm[0, :2], extreme[0, :2] = 0.0, 9.0
    scores = model.score(np.concatenate([calm, extreme]))
    assert (scores.surprises[1, 4:] > scores.surprises[0, 4:]).all()


def test_the_order_of_the_sample_does_not_matter_and_the_seed_does(fitted: Fit, values: FloatArray) -> None:
    model = fitted(values)
    shuffled = fitted(values[np.random.default_rng(1).permutation(len(values))])
    assert pack(shuffled) == pack(model)
    assert fitted(values, seed=21).version != model.version


def test_the_population_is_part_of_the_version(model: Model) -> None:
    assert replace(model, population={"mean": 1.25}).version != model.version


def test_the_reference_holds_each_score_of_the_sample_in_descending_order(
    model: Model, values: FloatArray
) -> None:
    np.testing.assert_array_equal(model.reference, np.sort(model.score(values).score)[::-1])


def test_the_reference_of_a_large_sample_is_exact_at_the_top_and_close_below(
    fitted: Fit, make_sample: Callable[..., FloatArray]
) -> None:
    values = make_sample(60_000)
    model = fitted(values, detectors=())
    exact = np.sort(model.score(values).score)[::-1]
    assert model.kept_scores.size <= 20_000
    assert model.reference.shape == exact.shape
    np.testing.assert_array_equal(model.reference[:2_000], exact[:2_000])
    assert np.abs(model.reference - exact)[2_000:55_000].max() < 0.01


def test_a_model_cannot_be_changed(model: Model) -> None:
    with pytest.raises(AttributeError):
        model.seed = 3  # type: ignore[misc]
    assert not any(array.flags.writeable for array in model.arrays().values())


def missing_anchor(values: FloatArray) -> FloatArray:
    values[:, 1] = np.nan
    return values


def infinite(values: FloatArray) -> FloatArray:
    values[5, 2] = np.inf
    return values


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values[:99], "at least 100 transactions, found 99"),
        (lambda values: values[:, :5], "one column for each of 7"),
        (missing_anchor, "Anchor 'amount_ratio' has no value"),
        (infinite, "'spend_24h_excess' has infinite"),
    ],
)
def test_a_sample_nothing_can_be_learned_from_is_refused(
    fitted: Fit, values: FloatArray, change: Callable[[FloatArray], FloatArray], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        fitted(change(values.copy()))


def test_features_without_an_anchor_are_refused(fitted: Fit, values: FloatArray, specs: Specs) -> None:
    contexts = tuple(msgspec.structs.replace(spec, role=Role.CONTEXT) for spec in specs)
    with pytest.raises(TrainingError, match="needs an anchor"):
        fitted(values, contexts)
    assert fitted(values, contexts, combiner="max").version


def test_a_detector_that_is_not_known_is_refused_with_those_that_are(fitted: Fit, values: FloatArray) -> None:
    with pytest.raises(TrainingError, match=r"No detector cof: expected some of isolation_forest, .*, lof"):
        fitted(values, detectors=("pca", "cof"))


def test_two_features_of_one_name_or_one_named_as_a_detector_are_refused(
    fitted: Fit, values: FloatArray, specs: Specs
) -> None:
    for name in ("amount", "hbos"):
        renamed = (*specs[:-1], msgspec.structs.replace(specs[-1], name=name))
        with pytest.raises(TrainingError, match="names of their own"):
            fitted(values, renamed)


def test_a_poor_sample_is_still_a_sample(fitted: Fit, specs: Specs) -> None:
    constant = np.ones((100, len(specs)))
    model = fitted(constant)
    assert (model.score(constant).contributions[:, :2] == 0).all()
    without_contexts = np.where([spec.role is Role.CONTEXT for spec in specs], np.nan, constant)
    assert np.isfinite(fitted(without_contexts).score(constant).score).all()


def test_rows_of_another_width_are_refused(model: Model, values: FloatArray) -> None:
    with pytest.raises(ValueError, match="7 columns"):
        model.score(values[:, :6])


def test_warming_up_leaves_the_model_as_it_was(model: Model, values: FloatArray) -> None:
    before = model.score(values[:3]).score
    warm_up(model)
    np.testing.assert_array_equal(model.score(values[:3]).score, before)


def test_a_low_feature_alarms_by_small_values(model: Model, specs: Specs, values: FloatArray) -> None:
    rows = np.repeat(values[:1], 2, axis=0)
    assert specs[3].side is Side.LOW
    rows[:, 3] = (-4.0, 4.0)
    surprises = model.score(rows).surprises[:, 3]
    assert surprises[0] > 3
    assert surprises[1] == 0
