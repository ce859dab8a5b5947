"""The catalogue: what each feature says of itself, and values that equal their written definition."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Features, Settings
from fraudwatch.features import Catalogue
from fraudwatch.features.columns import Column, width
from fraudwatch.records import FloatArray, Role

DAY = 86_400_000
EVERY_FIELD = frozenset({"counterparty_id"})
POPULATION = {"mean": 5_000.0, "variance": 4_000_000.0, "rate": 1.5}


def catalogue() -> Catalogue:
    return Catalogue(Settings(), EVERY_FIELD)


def row(**columns: float) -> FloatArray:
    values = np.full((1, width(4)), np.nan)
    for name, value in columns.items():
        values[0, Column[name.upper()]] = value
    return values


def value(name: str, columns: FloatArray) -> float:
    names = [spec.name for spec in catalogue().specs]
    return float(catalogue().values(columns, POPULATION)[0, names.index(name)])


def test_names_and_codes_are_unique_and_the_anchors_are_amounts() -> None:
    specs = catalogue().specs
    assert len({spec.name for spec in specs}) == len({spec.code for spec in specs}) == len(specs)
    assert {spec.name for spec in specs if spec.role is Role.ANCHOR} == {"amount", "amount_ratio"}


@pytest.mark.parametrize("spec", catalogue().specs, ids=lambda spec: spec.name)
def test_a_feature_speaks_both_languages_and_says_whether_the_judged_transaction_is_inside(spec) -> None:
    for text in (spec.sentence.en, spec.sentence.fr, spec.innocent.en, spec.innocent.fr, spec.doc):
        assert text
        assert "fraud" not in text.lower()
    for text in (spec.sentence.en, spec.sentence.fr):
        assert set(re.findall(r"{(\w+)}", text)) <= {"value", "usual", "window"}
    assert re.findall(r"{\w+}", spec.sentence.en) == re.findall(r"{\w+}", spec.sentence.fr)
    assert "judged" in spec.doc or "earlier" in spec.doc


def test_each_configured_window_has_its_five_aggregates() -> None:
    windows = (Duration(900_000), Duration(3 * DAY))
    specs = Catalogue(Settings(features=Features(windows=windows)), EVERY_FIELD).specs
    names = {spec.name for spec in specs if spec.window_ms in windows}
    assert names == {f"{what}_{w}" for what in ("count", "sum", "mean", "std", "max") for w in ("15m", "3d")}


def test_a_feature_whose_field_the_source_lacks_is_switched_off_and_named() -> None:
    without = Catalogue(Settings(), frozenset())
    assert without.unfed == ("new_counterparty",)
    assert "new_counterparty" not in {spec.name for spec in without.specs}


numbers = st.tuples(
    st.integers(0, 500),  # own count
    st.floats(0, 1e6),  # own mean
    st.floats(0, 1e5),  # own deviation
    st.integers(1, 400 * DAY),  # age
    st.integers(0, 40),  # prior count
    st.floats(0, 1e7),  # prior sum
    st.integers(0, 10**8),  # amount
)


@settings(max_examples=200, deadline=None)
@given(numbers)
def test_values_equal_their_definition(drawn: tuple[int, float, float, int, int, float, int]) -> None:
    count, mean, deviation, age, prior_count, prior_sum, amount = drawn
    columns = row(
        amount=amount,
        own_count=count,
        own_sum=count * mean,
        own_std=deviation if count else math.nan,
        own_max=2 * mean,
        age=age if count else math.nan,
        gap=age / 2,
        pressure=1.25,
        prior_count_24h=prior_count,
        prior_sum_24h=prior_sum,
        hour=3,
        new_counterparty=1,
    )
    own_mean = (count * mean + 3 * 5_000) / (count + 3)
    own_rate = (count + 3) / ((age / DAY if count else 0) + 3 / 1.5)
    variance = ((count * deviation**2 if count else 0) + 3 * 4_000_000) / (count + 3)
    day, spread = own_rate * own_mean, own_rate * (variance + own_mean**2)
    k = day**2 / spread
    expected = {
        "amount": math.log(amount + 100),
        "amount_ratio": math.log((amount + 100) / (own_mean + 100)),
        "own_max_ratio": math.log((amount + 100) / (2 * mean + 100)),
        "spend_24h_excess": ((prior_sum / day) ** (1 / 3) - (1 - 1 / (9 * k))) * math.sqrt(9 * k),
        "count_24h_excess": 2 * (math.sqrt(prior_count + 3 / 8) - math.sqrt(own_rate + 3 / 8)),
        "pressure_2d": 1.25,
        "hour": 3,
        "new_counterparty": 1,
        "gap": math.log(age / 2 / DAY * own_rate + 0.001),
    }
    for name, wanted in expected.items():
        assert value(name, columns) == pytest.approx(wanted, rel=1e-9, abs=1e-9), name


def test_values_of_a_row_are_the_same_alone_and_in_any_batch() -> None:
    random = np.random.default_rng(1)
    columns = random.uniform(0, 1e6, (257, width(4)))
    columns[random.random(columns.shape) < 0.2] = np.nan
    together = catalogue().values(columns, POPULATION)
    for index in range(0, 257, 16):
        alone = catalogue().values(columns[index : index + 1], POPULATION)
        assert alone.tobytes() == together[index : index + 1].tobytes()


def test_what_is_missing_stays_missing() -> None:
    values = catalogue().values(np.full((1, width(4)), np.nan), POPULATION)
    assert np.isnan(values).all()


def test_a_person_is_shown_the_value_and_what_is_usual() -> None:
    columns = row(amount=81_240, own_count=97, own_sum=97 * 4_000.0, age=97 * DAY, prior_count_24h=9, hour=4)
    shown = catalogue().shown(columns[0], POPULATION)
    assert shown["amount_ratio"].value == 81_240
    assert shown["amount_ratio"].usual == pytest.approx((97 * 4_000 + 15_000) / 100)
    assert shown["count_24h_excess"].value == 9
    assert shown["count_24h_excess"].usual == pytest.approx(100 / 99)
    assert shown["hour"].usual is None
    assert shown["new_counterparty"].value is None


def test_the_population_cuts_giants_and_pools_rates_over_account_days() -> None:
    columns = np.full((1_000, width(4)), np.nan)
    columns[:, Column.AMOUNT] = 1_000
    columns[0, Column.AMOUNT] = 10**12
    columns[:, Column.OWN_COUNT], columns[:, Column.AGE] = 20, 10 * DAY
    of_population = Catalogue.population(columns)
    assert of_population["mean"] == pytest.approx(1_000)
    assert of_population["rate"] == pytest.approx(2.0)
