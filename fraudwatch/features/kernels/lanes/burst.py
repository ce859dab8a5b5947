"""Burst: not one payment above habit to somebody new but several, within a day and a half."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import DAY_MS, HOUR_MS
from fraudwatch.features.kernels.event import CREDIT, NEW, Event
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.own import Own
from fraudwatch.features.kernels.packed import bits_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 36 * HOUR_MS
LEAST = 0.5
"""Of a payment that counts, in the logarithm of its ratio to the own mean: two thirds above it."""
LEAST_PAYMENTS = 3
LEAST_DAYS = 7.0
"""Of a life that a pace is told from."""

SPEC = LaneSpec(
    name="burst",
    code="VEL",
    theme=Theme.RHYTHM,
    sentence=Text(
        en="Several payments to new counterparties within a day and a half, each far above the account’s habit.",
        fr="Plusieurs paiements à de nouvelles contreparties en un jour et demi, chacun bien au-delà de "
        "l’habitude du compte.",
    ),
    innocent=Text(
        en="Travel, holiday shopping, a move.", fr="Un voyage, les achats de fêtes, un déménagement."
    ),
    fields=("counterparty_id",),
    doc="Over the payments of 36 h and the judged one inside that were to counterparties new to the account and two "
    "thirds or more above the own mean when they came: the sum of the fourth roots of how far above (logarithm, less a "
    "half), over the root of one more than the account usually does in 36 h. 0 for fewer than three, and unless the "
    "judged one is above by as much.",
)


@borrowing
def composite(state: State, event: Event, own: Own, weight: float) -> float:
    """How many payments far above habit, the larger ones counting a little more."""
    if weight <= LEAST or event.bits & CREDIT:
        return 0.0
    account = state.accounts[event.slot]
    count, total = 0, 0.0
    if event.bits & NEW:
        count, total = 1, math.sqrt(math.sqrt(weight - LEAST))
    for number in range(wide(account.end) - 1, oldest(account) - 1, -1):
        kept = state.events[place_of(account, number)]
        if time_in(kept) <= event.time - WINDOW_MS:
            break
        bits, one = bits_in(kept), float(kept.weight)
        if bits & NEW and not bits & CREDIT and one > LEAST:
            count += 1
            total += math.sqrt(math.sqrt(one - LEAST))
    if count < LEAST_PAYMENTS:
        return 0.0
    days = max(LEAST_DAYS, (event.time - account.first) / DAY_MS)
    return total / math.sqrt(own.total / days * (WINDOW_MS / DAY_MS) + 1.0)
