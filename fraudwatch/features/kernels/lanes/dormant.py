"""Dormant account: after a long silence it pays counterparties that it never met."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import NEVER, State
from fraudwatch.features.kernels.clock import DAY_MS
from fraudwatch.features.kernels.event import CREDIT, NEW, Event
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.own import Own
from fraudwatch.features.kernels.packed import bits_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 3 * DAY_MS
SILENCE_MS = 7 * DAY_MS
PLAIN = 0.5
"""What a payment is worth that is not above the own mean."""

SPEC = LaneSpec(
    name="dormant",
    code="DORM",
    theme=Theme.RHYTHM,
    sentence=Text(
        en="After a long silence the account pays counterparties that it never dealt with.",
        fr="Après un long silence, le compte paie de nouvelles contreparties.",
    ),
    innocent=Text(
        en="A seldom used account; an inheritance, a house sale.",
        fr="Un compte peu utilisé ; un héritage, une vente immobilière.",
    ),
    fields=("counterparty_id",),
    doc="The square of the logarithm of the days of a silence of 7 or more, times the sum over the payments since, of "
    "the last three days and the judged one inside, to counterparties new to the account, of a half and how far each "
    "was above the own mean (logarithm). 0 where three days passed since the silence.",
)


@borrowing
def composite(state: State, event: Event, own: Own, weight: float) -> float:
    """How long the silence was, and what was paid since to counterparties never met."""
    account = state.accounts[event.slot]
    if event.bits & CREDIT or own.total == 0 or event.time < account.whole_from:
        return 0.0
    paid = PLAIN + weight if event.bits & NEW else 0.0
    woken, number = event.time, wide(account.end) - 1
    while number >= oldest(account):
        kept = state.events[place_of(account, number)]
        if time_in(kept) <= event.time - WINDOW_MS:
            break
        woken, bits = time_in(kept), bits_in(kept)
        if bits & NEW and not bits & CREDIT:
            paid += PLAIN + float(kept.weight)
        number -= 1
    last = account.expired_time
    if number >= account.begin:
        last = time_in(state.events[place_of(account, number)])
    if last == NEVER or woken - last < SILENCE_MS:
        return 0.0
    silence = math.log((woken - last) / DAY_MS)
    return silence * silence * paid
