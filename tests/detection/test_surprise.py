import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.detection.arrays import ArrayReader
from fraudwatch.detection.surprise import CAP, CATEGORIES, EXACT, STEP, TailTables
from fraudwatch.errors import ArtefactError
from fraudwatch.records import FloatArray, Side

numbers = st.one_of(st.integers(-3, 3).map(float), st.floats(-1e12, 1e12), st.just(np.nan))
columns = st.lists(numbers, min_size=1, max_size=80)


def table(values: list[float] | FloatArray, side: Side = Side.HIGH) -> TailTables:
    return TailTables.fit(np.array(values, dtype=np.float64).reshape(-1, 1), [side])


def surprises(of: TailTables, values: list[float] | FloatArray) -> FloatArray:
    return of.surprises(np.array(values, dtype=np.float64).reshape(-1, 1))[:, 0]


def from_the_definition(column: FloatArray, side: Side) -> FloatArray:
    turned = -column if side is Side.LOW else column
    at_least = (turned[None, :] >= turned[:, None]).sum(axis=1)
    return -np.log10((1 + at_least) / (column.size + 1))


@pytest.mark.parametrize("side", [Side.HIGH, Side.LOW])
@given(columns)
def test_a_training_value_has_the_surprise_of_the_definition(side: Side, column: list[float]) -> None:
    seen = np.array([x for x in column if not np.isnan(x)])
    found = surprises(table(column, side), seen)
    np.testing.assert_allclose(found, from_the_definition(seen, side), atol=1e-9)


@pytest.mark.parametrize("side", [Side.HIGH, Side.LOW])
@given(columns, st.lists(st.floats(allow_nan=False), min_size=2, max_size=30))
def test_more_alarming_is_never_less_surprising(side: Side, column: list[float], asked: list[float]) -> None:
    ascending = np.sort(asked) if side is Side.HIGH else np.sort(asked)[::-1]
    found = surprises(table(column, side), ascending)
    assert (np.diff(found) >= 0).all()
    assert (found >= 0).all()
    assert (found <= CAP).all()


@given(columns, st.lists(numbers, min_size=1, max_size=20), st.sampled_from(Side))
def test_a_row_alone_has_the_same_bits_as_in_a_batch(
    column: list[float], asked: list[float], side: Side
) -> None:
    tables = table(column, side)
    alone = np.concatenate([surprises(tables, [x]) for x in asked])
    assert alone.tobytes() == surprises(tables, asked).tobytes()


def test_missing_values_have_surprise_zero_and_do_not_count_in_training() -> None:
    with_holes = table([1.0, np.nan, 2.0, np.nan, 3.0])
    assert surprises(with_holes, [np.nan]) == [0.0]
    np.testing.assert_array_equal(surprises(with_holes, [2.0]), surprises(table([1.0, 2.0, 3.0]), [2.0]))


@pytest.mark.parametrize("side", list(Side))
def test_a_column_without_any_value_never_surprises(side: Side) -> None:
    assert surprises(table([np.nan, np.nan], side), [0.0, np.nan, np.inf]).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("side", list(Side))
def test_the_value_of_a_constant_column_has_surprise_zero_and_any_alarming_other_one_the_rarest(
    side: Side,
) -> None:
    constant = table([5.0] * 999, side)
    other = 4.0 if side is Side.LOW else 6.0
    assert surprises(constant, [5.0]) == [0.0]
    np.testing.assert_allclose(surprises(constant, [other]), [3.0])


def test_infinities_are_as_alarming_as_can_be_on_one_side_and_not_at_all_on_the_other() -> None:
    values = np.random.default_rng(0).normal(size=500)
    assert surprises(table(values), [np.inf, -np.inf]).tolist() == [CAP, 0.0]
    assert surprises(table(values, Side.LOW), [np.inf, -np.inf]).tolist() == [0.0, CAP]
    np.testing.assert_allclose(surprises(table(values, Side.RARE), [np.inf]), [np.log10(501)])


def test_past_the_largest_value_the_tail_is_exponential() -> None:
    values = np.random.default_rng(0).exponential(2.0, 50_000)
    largest = values.max()
    tables = table(values)
    steps = surprises(tables, largest + np.array([0.0, 2.0, 4.0]))
    # An exponential of mean 2 loses a factor e, 0.434 of surprise, each 2.
    np.testing.assert_allclose(np.diff(steps), 1 / np.log(10), rtol=0.1)
    assert surprises(tables, [largest + 1e6]) == [CAP]


def test_an_unseen_category_is_as_rare_as_any() -> None:
    hours = table([9.0] * 60 + [10.0] * 30 + [3.0] * 9, Side.RARE)
    common, middle, rare, unseen, between = surprises(hours, [9.0, 10.0, 3.0, 4.0, 9.5])
    assert common < middle < rare < unseen == between == 2.0
    np.testing.assert_allclose(common, -np.log10(61 / 100), atol=1e-9)


def test_of_many_categories_the_commonest_are_remembered() -> None:
    values = np.concatenate([np.arange(3_000.0), np.arange(100.0)])
    tables = table(values, Side.RARE)
    assert tables.knots.size == CATEGORIES
    assert set(np.arange(100.0)) <= set(tables.knots)


def test_tables_stay_small_and_within_a_step_of_the_definition() -> None:
    random = np.random.default_rng(3)
    # Half of the mass on one value, the rest spread out: the hard case for interpolation.
    values = np.where(random.random(200_000) < 0.5, 0.25, random.lognormal(0, 2, 200_000))
    tables = table(values)
    assert tables.knots.size < EXACT + 2 * 3 / STEP
    asked = np.sort(values)[::97]
    at_least = values.size - np.searchsorted(np.sort(values), asked, side="left")
    exact = -np.log10((1 + at_least) / (values.size + 1))
    found = surprises(tables, asked)
    assert np.abs(found - exact).max() <= STEP
    top = np.sort(values)[-EXACT:]
    exact_top = -np.log10((1 + np.arange(EXACT, 0, -1)) / (values.size + 1))
    np.testing.assert_allclose(surprises(tables, top), exact_top, atol=1e-9)


def test_sums_of_surprises_are_exact_in_any_order() -> None:
    found = surprises(table(np.random.default_rng(0).normal(size=999)), np.linspace(-3, 9, 1_000))
    assert sum(found.tolist()) == sum(reversed(found.tolist())) == found.sum()


def test_read_only_and_strided_values_are_scored_like_any() -> None:
    tables = table(np.arange(50.0))
    wide = np.zeros((50, 2))
    wide[:, 0] = np.arange(50.0)
    read_only = np.arange(50.0).reshape(-1, 1)
    read_only.setflags(write=False)
    expected = surprises(tables, np.arange(50.0)).reshape(-1, 1)
    np.testing.assert_array_equal(tables.surprises(wide[:, :1]), expected)
    np.testing.assert_array_equal(tables.surprises(read_only), expected)


def test_another_number_of_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="1 columns"):
        table([1.0, 2.0]).surprises(np.zeros((3, 2)))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("start", [0, 9]),
        ("start", [1, 3]),
        ("knots", [3.0, 2.0, 1.0]),
        ("knots", [1.0, np.nan, 2.0]),
        ("levels", [0.0, 0.1]),
        ("sides", np.array([1], dtype=np.uint8)),
        ("slopes", [1.0, 2.0]),
    ],
)
def test_tables_that_a_kernel_could_not_read_are_refused(name: str, wrong: object) -> None:
    arrays = table([1.0, 2.0, 3.0]).arrays()
    assert TailTables.load(ArrayReader(dict(arrays)), [Side.HIGH]).width == 1
    with pytest.raises(ArtefactError, match=name):
        TailTables.load(ArrayReader(arrays | {name: np.asarray(wrong)}), [Side.HIGH])


def test_past_a_constant_column_values_can_still_be_told_apart_where_asked() -> None:
    tables = TailTables.fit(np.zeros((999, 1)), [Side.HIGH], past_constant=0.05)
    found = tables.surprises(np.array([[0.0], [1e-9], [10.0], [20.0], [1e6], [np.nan]]))[:, 0]
    np.testing.assert_allclose(found, [0.0, 3.0, 3.5, 4.0, 20.0, 0.0], rtol=0, atol=1e-6)
