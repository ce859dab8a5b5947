"""Impossible travel: the account pays in places too far apart for the time between."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import DAY_MS, HOUR_MS
from fraudwatch.features.kernels.event import HAS_PLACE, Event
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.packed import bits_in, time_in
from fraudwatch.features.kernels.places import PLACE_DISTANCE, PLACE_GAP, kilometres
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import FloatArray, LaneSpec, Text, Theme

WINDOW_MS = DAY_MS
LEAST_KM, LEAST_SPEED = 100.0, 500.0
"""Of a journey nobody makes: an aeroplane is no faster from door to door."""
SHORTEST_MS = 60_000.0
"""Many sources round event times to the minute."""
OF_EACH, MOST_OF_SPEED = 0.5, 2.0
"""What a journey counts whatever its speed, and the most its speed does: several count more than a fast one."""

SPEC = LaneSpec(
    name="impossible_travel",
    code="GEO",
    theme=Theme.PLACE_AND_DEVICE,
    sentence=Text(
        en="Payments in places too far apart for the time between them, within a day.",
        fr="Des paiements en des lieux trop éloignés pour le temps écoulé, en une journée.",
    ),
    innocent=Text(
        en="A shop that books at its head office, a purchase through a VPN, a card shared in the family.",
        fr="Un commerce qui encaisse à son siège, un achat par VPN, une carte partagée en famille.",
    ),
    fields=("latitude", "longitude"),
    doc="Over the transactions of 24 h with a place, the judged one inside: for each that is 100 km or more from the "
    "one before, and would have been reached at over 500 km/h, a half and how far above that speed (logarithm, at most "
    "2). 0 unless the judged transaction is one; shorter times than a minute count as one.",
)


@borrowing
def composite(state: State, event: Event, row: FloatArray) -> float:
    """Journeys of a day that nobody makes; `row` has the distance and the time from the previous place."""
    total = _impossible(row[PLACE_DISTANCE], row[PLACE_GAP])
    if total == 0.0:
        return 0.0
    account, since = state.accounts[event.slot], event.time - WINDOW_MS
    later = wide(account.place)
    if later < oldest(account):
        return total
    for number in range(later - 1, oldest(account) - 1, -1):
        at, at_later = place_of(account, number), place_of(account, later)
        later_time = time_in(state.events[at_later])
        if later_time <= since:
            break
        if bits_in(state.events[at]) & HAS_PLACE:
            here, there = state.places[at], state.places[at_later]
            way = kilometres(
                wide(here.latitude), wide(here.longitude), wide(there.latitude), wide(there.longitude)
            )
            total += _impossible(way, float(later_time - time_in(state.events[at])))
            later = number
    return total


@borrowing
def _impossible(way: float, time: float) -> float:
    """What a journey counts; 0 of one that can be made, or that is not known."""
    speed = way / (max(time, SHORTEST_MS) / HOUR_MS)
    if not (way >= LEAST_KM and speed > LEAST_SPEED):
        return 0.0
    return OF_EACH + min(MOST_OF_SPEED, math.log(speed / LEAST_SPEED))
