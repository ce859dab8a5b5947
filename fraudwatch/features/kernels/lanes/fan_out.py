"""Fan-out: transfers to many counterparties that the account never dealt with, within hours.

A payment at a place, in a shop, is none: a journey is full of new ones. Nor is one that only tests a card.
"""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import DAY_MS, HOUR_MS
from fraudwatch.features.kernels.event import CREDIT, HAS_PLACE, NEW, Event, Rules
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.own import Own
from fraudwatch.features.kernels.packed import asked_in, bits_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 12 * HOUR_MS
PART = 4.0
"""Payments under a quarter of the own mean are left out."""
LEAST_OWN = 10
"""Earlier transactions before it says anything of an account that somebody is new to it."""
PRIOR_NEW, PRIOR_DAYS = 2.0, 4.0
"""New counterparties, and the days they took, that an account's own pace of them is shrunk towards."""
LN_10 = math.log(10.0)

SPEC = LaneSpec(
    name="fan_out",
    code="FANOUT",
    theme=Theme.NETWORK,
    sentence=Text(
        en="Payments to many counterparties new to the account within half a day.",
        fr="Des paiements à de nombreuses nouvelles contreparties en une demi-journée.",
    ),
    innocent=Text(en="A payroll, club fees, a journey.", fr="Des salaires, des cotisations, un voyage."),
    fields=("counterparty_id",),
    doc="How improbable so many payments to new counterparties are within 12 h, the judged one inside, those with"
    " a place (in a shop) and those under a quarter of the own mean left out, given the account's own pace of"
    " new counterparties over the longest window: −log10 of Chernoff's bound of the Poisson tail, k·ln(k/λ) −"
    " (k − λ). 0 unless the judged transaction is such a payment, and for the account's first ten.",
)


@borrowing
def composite(state: State, rules: Rules, event: Event, own: Own) -> float:
    """New counterparties of half a day against the own pace of them."""
    if not event.bits & NEW or event.bits & (CREDIT | HAS_PLACE) or own.total < LEAST_OWN:
        return 0.0
    least = own.sum / max(1, own.paid) / PART
    if event.asked < least:
        return 0.0
    account = state.accounts[event.slot]
    met = 1
    for number in range(wide(account.end) - 1, oldest(account) - 1, -1):
        kept = state.events[place_of(account, number)]
        if time_in(kept) <= event.time - WINDOW_MS:
            break
        bits = bits_in(kept)
        if bits & NEW and not bits & (CREDIT | HAS_PLACE) and asked_in(kept) >= least:
            met += 1
    if met < 2:
        return 0.0
    longest = len(rules.lengths) - 1
    days = max(0, min(event.time - account.first, rules.lengths[longest])) / DAY_MS
    before = max(0, wide(state.windows[event.slot, longest].new) - (met - 1))
    expected = (before + PRIOR_NEW) / (days + PRIOR_DAYS) * (WINDOW_MS / DAY_MS)
    if met <= expected:
        return 0.0
    return (met * math.log(met / expected) - (met - expected)) / LN_10
