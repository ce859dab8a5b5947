"""The catalogue: what each feature says of itself, and values that equal their written definition."""

import math
import re
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Features, Settings
from fraudwatch.features import Catalogue
from fraudwatch.features.columns import Aggregate, Column, width, window_column
from fraudwatch.records import FloatArray, Role, Unit

DAY = 86_400_000
EVERY_FIELD = frozenset({"counterparty_id", "direction", "status", "latitude", "longitude"})
POPULATION = (
    {"mean": 5_000.0, "variance": 4_000_000.0, "rate": 1.5, "paid_rate": 1.2, "new_share": 0.2}
    | {f"hour_{hour}": (hour + 1) / 300 for hour in range(24)}
    | {f"weekday_{day}": (day + 1) / 28 for day in range(7)}
)
WINDOWS = 5  # the four configured ones and the 48 h of money passing through


@cache
def catalogue() -> Catalogue:
    return Catalogue(Settings(), EVERY_FIELD)


def row(**columns: float) -> FloatArray:
    """One row of history columns; an aggregate of a window is named with it, as `inflow_24h`."""
    values = np.full((1, width(WINDOWS)), np.nan)
    for name, value in columns.items():
        if name.upper() in Column.__members__:
            values[0, Column[name.upper()]] = value
        else:
            aggregate, _, window = name.rpartition("_")
            values[
                0, window_column(("1h", "24h", "2d", "7d", "30d").index(window), Aggregate[aggregate.upper()])
            ] = value
    return values


def value(name: str, columns: FloatArray) -> float:
    names = [spec.name for spec in catalogue().specs]
    return float(catalogue().described(columns, POPULATION)[0, names.index(name)])


def test_judged_are_all_but_the_descriptive_features_and_need_no_windows() -> None:
    judged = catalogue().judged
    assert judged == tuple(spec for spec in catalogue().specs if spec.role is not Role.DESCRIPTIVE)
    random = np.random.default_rng(3).uniform(0, 20, (50, width(WINDOWS)))
    random[:, Column.WEEKDAY] //= 3
    everything = catalogue().described(random, POPULATION)
    places = [catalogue().specs.index(spec) for spec in judged]
    narrow = catalogue().values(random[:, : len(Column)], POPULATION)
    assert narrow.tobytes() == everything[:, places].tobytes()
    shown = catalogue().shown(random[0], POPULATION)
    without = catalogue().shown(random[0, : len(Column)], POPULATION)
    assert without.items() <= shown.items()
    assert {spec.name for spec in judged} | {"own_max_ratio"} <= without.keys() < shown.keys()


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
    if young := spec.young_sentence:
        wanted = re.findall(r"{\w+}", spec.sentence.en)
        assert re.findall(r"{\w+}", young.en) == re.findall(r"{\w+}", young.fr) == wanted
    assert "judged" in spec.doc or "earlier" in spec.doc


@pytest.mark.parametrize("spec", catalogue().specs, ids=lambda spec: spec.name)
def test_a_sentence_is_right_for_one_as_for_many(spec) -> None:
    """1, or in French also 1.5, takes the singular: what follows a value must not agree with it."""
    agreeing = r"(were|have|are|\w+ent|ont|sont|\w+[éiu]s)"
    after = r"(?!of its|de ses)\w" if spec.unit is Unit.COUNT else rf"{agreeing}\b"
    for text in (spec.sentence.en, spec.sentence.fr):
        assert not re.search(rf"{{value}} {after}", text)


def test_each_configured_window_has_all_its_aggregates() -> None:
    windows = (Duration(900_000), Duration(3 * DAY))
    specs = Catalogue(Settings(features=Features(windows=windows)), EVERY_FIELD).specs
    names = {spec.name for spec in specs if spec.window_ms in windows}
    assert names == {
        f"{aggregate.name.lower()}_{window}" for aggregate in Aggregate for window in ("15m", "3d")
    }


def test_money_passing_through_is_seen_whatever_windows_are_configured() -> None:
    names = {
        spec.name
        for spec in Catalogue(Settings(features=Features(windows=(Duration(1),))), EVERY_FIELD).specs
    }
    assert {"out_in_ratio_24h", "out_in_ratio_48h", "out_in_ratio_7d"} < names


numbers = st.tuples(
    st.integers(0, 500),  # own count of what moved money
    st.integers(0, 50),  # own count of what moved none
    st.floats(0, 1e6),  # own mean
    st.floats(0, 1e5),  # own deviation
    st.integers(1, 400 * DAY),  # age
    st.integers(0, 40),  # prior count
    st.floats(0, 1e7),  # prior sum
    st.integers(0, 10**8),  # amount
    st.integers(0, 10**8),  # money of the month
)


@settings(max_examples=200)
@given(numbers)
def test_values_equal_their_definition(
    drawn: tuple[int, int, float, float, int, int, float, int, int],
) -> None:
    paid, unpaid, mean, deviation, age, prior_count, prior_sum, amount, month_sum = drawn
    count = paid + unpaid
    columns = row(
        amount=amount,
        own_count=count,
        own_paid=paid,
        own_sum=paid * mean,
        own_std=deviation if paid else math.nan,
        own_max=2 * mean,
        age=age if count else math.nan,
        gap=age / 2,
        pressure=1.25,
        prior_count_24h=prior_count,
        prior_sum_24h=prior_sum,
        prior_known_24h=prior_count,
        prior_new_24h=prior_count // 2,
        hour=3,
        weekday=6,
        own_hour=count // 3,
        own_weekday=count // 2,
        new_counterparty=1,
        month_count=12,
        month_sum=month_sum,
        place_distance=amount / 1e5,
        place_gap=age,
    )
    days = age / DAY if count else 0
    own_mean = (paid * mean + 3 * 5_000) / (paid + 3)
    own_rate, paid_rate = (count + 3) / (days + 3 / 1.5), (paid + 3) / (days + 3 / 1.2)
    variance = ((paid * deviation**2 if paid else 0) + 3 * 4_000_000) / (paid + 3)
    day, spread = paid_rate * own_mean, paid_rate * (variance + own_mean**2)
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
        "new_24h_excess": (prior_count // 2 - 0.2 * prior_count) / math.sqrt(prior_count * 0.2 * 0.8 + 0.25),
        "own_hour": -math.log10((count // 3 + 10 * 4 / 300) / (count + 10)),
        "own_weekday": -math.log10((count // 2 + 10 * 7 / 28) / (count + 10)),
        "month_count": 12,
        "month_sum": math.log(month_sum + 100),
        "distance": math.log(1 + amount / 1e5),
        "speed": math.log(1 + amount / 1e5 / (max(age, 60_000) / 3_600_000)),
        "gap": math.log(age / 2 / DAY * own_rate + 0.001),
    }
    for name, wanted in expected.items():
        assert value(name, columns) == pytest.approx(wanted, rel=1e-9, abs=1e-9), name


@settings(max_examples=50)
@given(st.integers(0, 200), st.floats(0, 1e6), st.floats(0, 1e6), st.sampled_from([7.0, 8.0, math.nan]))
def test_the_usual_amount_begins_with_the_cohort_which_gives_way_to_the_population_and_both_to_the_account(
    paid: int, mean: float, of_cohort: float, cohort: float
) -> None:
    population = POPULATION | {"cohort_0000000000007": of_cohort}
    columns = row(amount=1_000, own_count=paid, own_paid=paid, own_sum=paid * mean, cohort=cohort)
    prior = 3 / (paid + 3)
    weight = prior if cohort == 7.0 else 0.0
    usual = (1 - prior) * mean + prior * (weight * of_cohort + (1 - weight) * 5_000)
    shown = catalogue().shown(columns[0], population)
    assert shown["amount"].usual == shown["amount_ratio"].usual == pytest.approx(usual)
    assert shown["amount"].is_own == shown["amount_ratio"].is_own == (paid >= 3)
    values = catalogue().described(columns, population)[0]
    names = [spec.name for spec in catalogue().specs]
    assert values[names.index("amount_ratio")] == pytest.approx(math.log(1_100 / (usual + 100)))
    # The money of 24 h is of all kinds of transactions: what is usual of it is not this one's cohort's.
    without = catalogue().described(columns, POPULATION)[0]
    differing = np.flatnonzero(~np.isclose(values, without, rtol=0, atol=0, equal_nan=True))
    assert {names[place] for place in differing} <= {"amount_ratio"}


def test_what_came_in_and_left_again_is_a_share_and_at_most_all_of_it() -> None:
    assert value("out_in_ratio_48h", row(inflow_2d=1_000, outflow_2d=970)) == 0.97
    assert value("out_in_ratio_24h", row(inflow_24h=1_000, outflow_24h=9_000)) == 1.0
    assert value("out_in_ratio_7d", row(inflow_7d=1_000, outflow_7d=0)) == 0.0
    assert math.isnan(value("out_in_ratio_7d", row(inflow_7d=0, outflow_7d=500)))


def test_an_hour_the_account_never_used_is_more_improbable_the_longer_it_is_known() -> None:
    young, old = (value("own_hour", row(hour=3, own_hour=0, own_count=count)) for count in (5, 500))
    assert 0 < young < old
    assert value("own_hour", row(hour=3, own_hour=400, own_count=500)) < young


def test_without_a_history_an_hour_is_as_improbable_as_for_the_population() -> None:
    assert value("own_hour", row(hour=2, own_hour=0, own_count=0)) == pytest.approx(2)


def test_values_of_a_row_are_the_same_alone_and_in_any_batch() -> None:
    random = np.random.default_rng(1)
    columns = random.uniform(0, 1e6, (257, width(WINDOWS)))
    columns[:, Column.HOUR] = random.integers(0, 24, 257)
    columns[:, Column.WEEKDAY] = random.integers(0, 7, 257)
    columns[random.random(columns.shape) < 0.2] = np.nan
    together = catalogue().described(columns, POPULATION)
    for index in range(0, 257, 16):
        alone = catalogue().described(columns[index : index + 1], POPULATION)
        assert alone.tobytes() == together[index : index + 1].tobytes()


def test_what_is_missing_stays_missing() -> None:
    values = catalogue().described(np.full((1, width(WINDOWS)), np.nan), POPULATION)
    assert np.isnan(values).all()


def test_a_person_is_shown_the_value_and_what_is_usual() -> None:
    columns = row(
        amount=81_240,
        own_count=97,
        own_paid=97,
        own_sum=97 * 4_000.0,
        age=97 * DAY,
        prior_count_24h=9,
        hour=4,
        weekday=0,
        own_hour=2,
        inflow_2d=200,
        outflow_2d=50,
        place_distance=90.0,
        place_gap=3_600_000 / 2,
    )
    shown = catalogue().shown(columns[0], POPULATION)
    assert shown["amount_ratio"].value == 81_240
    assert shown["amount_ratio"].usual == pytest.approx((97 * 4_000 + 15_000) / 100)
    assert shown["count_24h_excess"].value == 9
    assert shown["count_24h_excess"].usual == pytest.approx(100 / 99)
    assert shown["hour"].usual is None
    assert (shown["own_hour"].value, shown["own_hour"].usual) == (2, pytest.approx(97 * 5 / 300))
    assert shown["out_in_ratio_48h"].value == 0.25
    assert (shown["distance"].value, shown["speed"].value) == (90, 180)
    assert shown["new_counterparty"].value is None


def test_the_population_cuts_giants_and_pools_rates_over_account_days() -> None:
    columns = np.full((1_000, width(WINDOWS)), np.nan)
    columns[:, Column.MONEY] = 1_000
    columns[0, Column.MONEY] = 10**12
    columns[:, Column.OWN_COUNT], columns[:, Column.OWN_PAID], columns[:, Column.AGE] = 20, 15, 10 * DAY
    of_population = Catalogue.population(columns)
    assert of_population["mean"] == pytest.approx(1_000)
    assert (of_population["rate"], of_population["paid_rate"]) == (pytest.approx(2.0), pytest.approx(1.5))


def test_the_population_has_a_clock_a_calendar_and_a_share_of_new_counterparties() -> None:
    columns = np.full((97, width(WINDOWS)), np.nan)
    columns[:, Column.HOUR], columns[:, Column.WEEKDAY] = 8, 2
    columns[:, Column.NEW_COUNTERPARTY] = np.arange(97) < 10
    of_population = Catalogue.population(columns)
    assert of_population["hour_8"] == 98 / (97 + 24)
    assert of_population["hour_9"] == 1 / (97 + 24)
    assert of_population["weekday_2"] == 98 / (97 + 7)
    assert of_population["new_share"] == 11 / 99


def test_the_population_of_a_sample_in_which_no_money_moved_is_finite() -> None:
    of_population = Catalogue.population(np.full((5, width(WINDOWS)), np.nan))
    assert all(math.isfinite(number) for number in of_population.values())
