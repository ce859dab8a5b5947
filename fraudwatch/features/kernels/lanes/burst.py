"""Burst: not one payment above habit to somebody new but several, within a day and a half.

A journey is full of new counterparties, too, and what is paid to them is as usual: it takes away what the others add.
"""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import HOUR_MS
from fraudwatch.features.kernels.event import CREDIT, NEW, Event
from fraudwatch.features.kernels.lanes.habit import habit, size
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.packed import asked_in, bits_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 36 * HOUR_MS
LEAST_PAYMENTS = 3
LEAST_WEIGHT = 0.5
"""Two thirds above the own mean: that much is known without asking what the habit is, which costs more."""
GOOD_DAY = 0.75
"""Up to twice the habit, in logarithms, is no more than that."""
LEAST, MOST = -0.5, 1.0
"""What one payment takes away or adds at most, in the same logarithms."""

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
    doc="Over the outgoing payments of 36 h to counterparties new to the account, the judged one inside: the sum of "
    "how far each was above twice the habit (in logarithms, from −0.5 to 1), the habit being the geometric mean of the "
    "outgoing payments before those 36 h, of the latest 64 transactions. Amounts are as asked for. 0 unless three of "
    "them, the judged one inside, are above, three moved two thirds more than the own mean when they came, the judged "
    "one inside, and there were three before.",
)


@borrowing
def composite(state: State, event: Event, weight: float) -> float:
    """How far above habit the payments to new counterparties are, together."""
    if weight <= LEAST_WEIGHT or event.bits & CREDIT or not event.bits & NEW:
        return 0.0
    return _above_habit(state, event)


@borrowing
def _above_habit(state: State, event: Event) -> float:
    """Apart, so that what is asked of every transaction stays small: a call hands over the whole state."""
    account = state.accounts[event.slot]
    first, begin, met = oldest(account), wide(account.end), 1
    while begin > first:
        kept = state.events[place_of(account, begin - 1)]
        if time_in(kept) <= event.time - WINDOW_MS:
            break
        bits = bits_in(kept)
        met += 1 if bits & NEW and not bits & CREDIT and kept.weight > LEAST_WEIGHT else 0
        begin -= 1
    if met < LEAST_PAYMENTS:
        return 0.0
    usual = habit(state, account, first, begin) + GOOD_DAY
    above = size(event.asked) - usual
    if not above > 0.0:
        return 0.0
    high, found = 1, min(above, MOST)
    for number in range(begin, wide(account.end)):
        kept = state.events[place_of(account, number)]
        bits = bits_in(kept)
        if bits & NEW and not bits & CREDIT:
            above = size(asked_in(kept)) - usual
            high += 1 if above > 0.0 else 0
            found += min(max(above, LEAST), MOST)
    return max(0.0, found) if high >= LEAST_PAYMENTS else 0.0
