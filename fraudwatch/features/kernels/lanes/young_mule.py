"""Young account used as a mule: its first money comes from strangers and is gone within hours, in cash too."""

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

WINDOW_MS = 2 * DAY_MS
YOUNG_MS = 60 * DAY_MS
ROOM = 100.0

SPEC = LaneSpec(
    name="young_mule",
    code="MULE",
    theme=Theme.NETWORK,
    sentence=Text(
        en="A young account: money from counterparties new to it was paid out again within two days.",
        fr="Un compte récent : l’argent reçu de nouvelles contreparties est reparti en deux jours.",
    ),
    innocent=Text(
        en="A student loan, the sale of a car, a first salary.",
        fr="Un prêt étudiant, la vente d’une voiture, un premier salaire.",
    ),
    fields=("direction", "counterparty_id"),
    doc="Of an account first seen less than 60 days ago: of the money that came within 48 h from counterparties new to "
    "it, how much has been paid since, to whomever and the judged transaction inside, against the own mean amount "
    "(logarithm), times the share of it that has gone, times how young the account is (1 at its first transaction, 0 "
    "at 60 days). 0 unless the judged transaction is a debit that moved.",
)


@borrowing
def composite(state: State, event: Event, own: Own) -> float:
    """How much of what strangers paid into a young account has gone."""
    account, since = state.accounts[event.slot], event.time - WINDOW_MS
    age = event.time - account.first
    if not event.bits & DEBIT or event.money == 0 or own.paid == 0 or age >= YOUNG_MS:
        return 0.0
    if event.time < account.whole_from:
        return 0.0
    received, gone, out = 0, 0, event.money
    for number in range(wide(account.end) - 1, oldest(account) - 1, -1):
        kept = state.events[place_of(account, number)]
        if time_in(kept) <= since:
            break
        bits, money = bits_in(kept), money_in(kept)
        if bits & DEBIT:
            out += money
        elif bits & CREDIT and bits & NEW and money > 0:
            received += money
            gone = out
    if received == 0:
        return 0.0
    share = min(1.0, gone / received)
    size = math.log((share * received + ROOM) / (own.sum / own.paid + ROOM))
    return max(0.0, size) * share * (1.0 - age / YOUNG_MS)
