"""The gates on typologies count cases, not transactions, and each alert once."""

import pytest
from typologies import LANE_OF, Case, Found, gates_of

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
