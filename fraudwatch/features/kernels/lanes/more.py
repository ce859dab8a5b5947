"""Lanes that are on where `features.more_lanes` names them: each costs time and takes its share from the others.

A new one is a file like its neighbours, a line in `MORE_LANES` and a line in `write_more_composites`.
"""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.event import Event, Rules
from fraudwatch.features.kernels.lanes import (
    LANES,
    fan_in,
    impossible_travel,
    round_amounts,
    structuring,
    unusual_hours,
    young_mule,
)
from fraudwatch.features.kernels.own import Own
from fraudwatch.records import FloatArray, LaneSpec

MORE_LANES: tuple[LaneSpec, ...] = (
    structuring.SPEC,
    young_mule.SPEC,
    fan_in.SPEC,
    round_amounts.SPEC,
    impossible_travel.SPEC,
    unusual_hours.SPEC,
)
FIRST = len(LANES)


@borrowing
def write_more_composites(
    state: State, rules: Rules, event: Event, own: Own, row: FloatArray, composites: FloatArray
) -> None:
    """By `LANES` and then `MORE_LANES`, before the transaction is remembered; `row` has its place and hour."""
    composites[FIRST] = structuring.composite(state, rules, event)
    composites[FIRST + 1] = young_mule.composite(state, event, own)
    composites[FIRST + 2] = fan_in.composite(state, event)
    composites[FIRST + 3] = round_amounts.composite(state, event)
    composites[FIRST + 4] = impossible_travel.composite(state, event, row)
    composites[FIRST + 5] = unusual_hours.composite(state, event)
