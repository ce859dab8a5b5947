"""The lanes of the typology queue: patterns of fraud that amounts do not show, one file each (DESIGN D4).

A lane's *composite* is one number of one account's history up to and with the judged transaction, the larger the more
that looks like the pattern; 0 where it does not at all. Nothing else enters it, so it is the same in any batch and in
any partition. How unusual a composite is, a model knows from the account-days of its training sample.

A new lane is a file like its neighbours, a line in `LANES` and a line in `write_composites`.

Only transactions in order are judged: a late one has no composites, and counts in those of what comes after it.
"""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.event import Event, Rules
from fraudwatch.features.kernels.lanes import (
    burst,
    dormant,
    fan_out,
    pass_through,
    slow_ramp,
    take_over,
    testing,
)
from fraudwatch.features.kernels.own import Own
from fraudwatch.records import FloatArray, LaneSpec

LANES: tuple[LaneSpec, ...] = (
    testing.SPEC,
    take_over.SPEC,
    dormant.SPEC,
    pass_through.SPEC,
    fan_out.SPEC,
    burst.SPEC,
    slow_ramp.SPEC,
)


@borrowing
def write_composites(
    state: State, rules: Rules, event: Event, own: Own, weight: float, composites: FloatArray
) -> None:
    """The composites of a transaction, by `LANES`, before it is remembered; `weight` is its pressure weight."""
    composites[0] = testing.composite(state, event, own)
    composites[1] = take_over.composite(state, event)
    composites[2] = dormant.composite(state, event, own, weight)
    composites[3] = pass_through.composite(state, event, own)
    composites[4] = fan_out.composite(state, rules, event, own)
    composites[5] = burst.composite(state, event, weight)
    composites[6] = slow_ramp.composite(state, event)
