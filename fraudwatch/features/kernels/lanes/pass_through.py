"""Pass-through: what strangers pay in goes on to other strangers within a day."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import DAY_MS
from fraudwatch.features.kernels.event import CREDIT, DEBIT, NEW, Event
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.own import Own
from fraudwatch.features.kernels.packed import bits_in, money_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = DAY_MS
LEAST_DAYS = 7.0
"""Of a life that a day's usual money is told from."""
ROOM = 100.0
"""Minor units added inside logarithms: below one major unit, differences of amounts say nothing."""

SPEC = LaneSpec(
    name="pass_through",
    code="PASS",
    theme=Theme.NETWORK,
    sentence=Text(
        en="Money received from counterparties new to the account went to others, new as well, within a day.",
        fr="L’argent reçu de nouvelles contreparties est reparti vers d’autres, nouvelles aussi, en un jour.",
    ),
    innocent=Text(
        en="A first salary, a sale, a collection for a common purchase.",
        fr="Un premier salaire, une vente, une cagnotte commune.",
    ),
    fields=("direction", "counterparty_id"),
    doc="Of the money that came within 24 h from counterparties new to the account: how much has gone since to "
    "counterparties met in the same 24 h, against the geometric mean of the own mean amount and of what moved"
    " on a usual day (logarithm), times the share of it that has gone. 0 unless the judged transaction is a "
    "debit that moved.",
)


@borrowing
def composite(state: State, event: Event, own: Own) -> float:
    """How much of what strangers paid in has gone to others."""
    if not event.bits & DEBIT or event.money == 0 or own.paid == 0:
        return 0.0
    account, since = state.accounts[event.slot], event.time - WINDOW_MS
    received, gone, out = 0, 0, 0
    if event.pair >= 0 and state.pairs[event.pair].first_time > since:
        out = event.money
    for number in range(wide(account.end) - 1, oldest(account) - 1, -1):
        kept = state.events[place_of(account, number)]
        if time_in(kept) <= since:
            break
        bits, money = bits_in(kept), money_in(kept)
        if bits & DEBIT:
            if kept.pair >= 0 and state.pairs[wide(kept.pair)].first_time > since:
                out += money
        elif bits & CREDIT and bits & NEW and money > 0:
            received += money
            gone = out
    if gone == 0:
        return 0.0
    share = min(1.0, gone / received)
    days = max(LEAST_DAYS, (event.time - account.first) / DAY_MS)
    usual = math.sqrt((own.sum / own.paid + ROOM) * (own.sum / days + ROOM))
    return max(0.0, math.log((share * received + ROOM) / usual)) * share
