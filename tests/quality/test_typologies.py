"""The gates on typologies count cases, not transactions, and each alert once."""

import numpy as np
import pytest
from gates import Gate
from prepared import chunks, simulated_settings, stream
from typologies import LANE_OF, Case, Found, Labels, cases_of, cost_of_useless_lanes, gates_of
from useless_lanes import useless_lanes

from fraudwatch.detection.earned import LEAST
from fraudwatch.pipeline import Pipeline, train
from fraudwatch.simulate import Plan
from fraudwatch.simulate.stream import days_of

HOUR = 3_600_000


def case(typology: str, *alerts: str | None) -> Case:
    """One transaction an hour."""
    return Case(typology, list(alerts), [hour * HOUR for hour in range(len(alerts))])


def values_of(*runs: Found) -> dict[str, float | None]:
    return {gate.name: gate.value for gate in gates_of(list(runs))}


ONE_OF_EACH = [case(typology, None, f"alert of {typology}") for typology in LANE_OF]
LANES = {f"alert of {typology}": lane for typology, lane in LANE_OF.items()}


def test_a_case_is_found_where_one_of_its_transactions_is_in_an_alert() -> None:
    missed = [case("ATO", None, None, None), case("RAMP", None)]
    found = values_of(Found([*ONE_OF_EACH, *missed], dict(LANES), 10, 0.1))
    assert found["recall_take_over"] == found["recall_slow_ramp"] == 0.5
    assert found["recall_burst"] == 1.0
    assert found["typologies_mean"] == pytest.approx((5 + 0.5) / 6)
    assert found["detected_at_transaction"] == 2
    assert found["detected_after_hours"] == 1


def test_an_alert_of_another_lane_or_of_the_amount_queue_names_no_typology() -> None:
    twice = case("VEL", "alert of VEL", "alert of VEL")
    others = [case("VEL", "of amounts"), case("ATO", "alert of VEL", "of amounts")]
    lanes = LANES | {"of amounts": None}
    found = values_of(Found([twice, *others], lanes, 10, 0.1))
    assert found["first_reason"] == pytest.approx(1 / 4)


def test_the_busiest_lane_is_held_against_its_share() -> None:
    lanes = {f"{number}": "burst" for number in range(9)} | {"a": "testing", "b": None}
    assert values_of(Found([], lanes, 10, 0.5), Found([], {}, 10, 0.5))["lane_alerts"] == pytest.approx(0.9)


def test_a_typology_without_any_case_leaves_the_mean_unknown() -> None:
    found = values_of(Found(ONE_OF_EACH[:-2], LANES, 10, 0.1))
    assert found["typologies_mean"] is None
    assert found["recall_burst"] is None


def test_the_cases_of_a_stream_are_those_that_begin_on_a_tested_day_with_their_alerts() -> None:
    plan, labels = Plan(accounts=60, days=6, seed=3, cases_per_day=4.0), Labels()
    days = list(days_of(plan))
    for day in days:
        labels.add(day)
    times, case = (np.concatenate([getattr(day, name) for day in days]) for name in ("time_ms", "case"))
    alerts = [f"alert at {place}" if place % 2 else None for place in range(len(times))]
    begun = len(days[0]) + len(days[1])
    found = cases_of(labels, alerts, times, first_tested=2)
    expected = {
        tuple(np.flatnonzero(case == number).tolist())
        for number in set(case.tolist()) - {-1, *case[:begun].tolist()}
    }
    assert {tuple(times[list(places)].tolist()) for places in expected} == {
        tuple(each.times_ms) for each in found
    }
    for each in found:
        assert [alert is not None for alert in each.alerts].count(True) == sum(
            alerts[int(np.flatnonzero((times == time) & (case >= 0))[0])] is not None
            for time in each.times_ms
        )
    assert len(found) == len(expected) > 5


def test_useless_lanes_are_watched_like_any_and_only_where_they_are_asked_for() -> None:
    settings = simulated_settings()
    values = list(stream(Plan(accounts=40, days=8, seed=4), 600))

    def composites() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        pipeline = Pipeline(settings)
        for chunk in chunks(values):
            pipeline.fold(chunk)
        assert len(pipeline.catalogue.lanes) == pipeline.training.maxima().shape[1]
        return pipeline.training.maxima()

    before = composites()
    with useless_lanes(2):
        more = composites()
    assert composites().tobytes() == before.tobytes()
    assert more.shape[1] == before.shape[1] + 2
    assert more[:, :-2].tobytes() == before.tobytes()
    assert (more[:, -2:] > 0).all()
    assert (more[:, -2] != more[:, -1]).all()


def test_a_lane_that_knows_nothing_earns_the_least_and_the_policy_spends_by_it() -> None:
    settings = simulated_settings({"detection.detectors": "[]"})
    with useless_lanes(2):
        pipeline = Pipeline(settings)
        for chunk in chunks(stream(Plan(accounts=300, days=24, seed=5, cases_per_day=3.0))):
            pipeline.fold(chunk)
        model = train(settings, pipeline.training)
        pipeline.use(model)
    assert model.lane_weights is not None
    assert model.lane_weights[-2:].tolist() == [LEAST, LEAST]
    assert (model.lane_weights[:-2] > 2 * LEAST).all()
    assert pipeline.policy.lanes.weights.tobytes() == model.lane_weights.tobytes()


def test_what_useless_lanes_cost_is_what_the_mean_loses() -> None:
    def cost(*lost: str) -> Gate:
        left = [case(one, None if one in lost else f"alert of {one}") for one in LANE_OF]
        return cost_of_useless_lanes([Found(ONE_OF_EACH, LANES, 10, 0.1)], [Found(left, LANES, 10, 0.1)])

    assert cost("VEL").value == pytest.approx(1 / 6)
    assert not cost("VEL").is_reached
    assert cost("RAMP").value == 0.0
    assert cost_of_useless_lanes([], []).value is None
