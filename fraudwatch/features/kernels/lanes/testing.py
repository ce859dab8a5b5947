"""Card testing: small payments to many new counterparties, minutes apart."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import HOUR_MS
from fraudwatch.features.kernels.event import CREDIT, DECLINED, NEW, Event
from fraudwatch.features.kernels.exact import MIN_OWN_HISTORY
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.own import Own
from fraudwatch.features.kernels.packed import asked_in, bits_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 2 * HOUR_MS
PART = 4.0
ROOM = 100.0
"""A payment is small up to a quarter of the own mean, and one major unit more."""
OF_DECLINED, OF_SMALLNESS = 0.5, 0.3
"""What a declined payment counts beside another new counterparty, and what smaller amounts do (logarithm)."""

SPEC = LaneSpec(
    name="testing",
    code="CTEST",
    theme=Theme.RHYTHM,
    sentence=Text(
        en="Several very small payments to counterparties new to the account within two hours: a card may be tested.",
        fr="Plusieurs paiements minimes à de nouvelles contreparties en deux heures : une carte est peut-être testée.",
    ),
    innocent=Text(en="Purchases in an app store.", fr="Des achats dans un magasin d’applications."),
    fields=("counterparty_id",),
    doc="Of the small payments of 2 h, the judged one inside: how many were to counterparties new to the account,"
    " less one, half of the number declined, and three tenths of the logarithm of how small the judged one "
    "is. Small is up to a quarter of the own mean and one unit. 0 unless the judged one is small and to a new"
    " counterparty, and for the first of them.",
)


@borrowing
def composite(state: State, event: Event, own: Own) -> float:
    """New counterparties that were paid little, declined ones and smallness counting beside."""
    if not event.bits & NEW or event.bits & CREDIT or own.paid < MIN_OWN_HISTORY:
        return 0.0
    largest = own.sum / own.paid / PART + ROOM
    if event.asked > largest:
        return 0.0
    account = state.accounts[event.slot]
    met, declined = 0, 1 if event.bits & DECLINED else 0
    for number in range(wide(account.end) - 1, oldest(account) - 1, -1):
        kept = state.events[place_of(account, number)]
        if time_in(kept) <= event.time - WINDOW_MS:
            break
        bits = bits_in(kept)
        if not bits & CREDIT and asked_in(kept) <= largest:
            met += 1 if bits & NEW else 0
            declined += 1 if bits & DECLINED else 0
    if met == 0:
        return 0.0
    smallness = math.log(largest * PART / (event.asked + 1.0))
    return met + OF_DECLINED * declined + OF_SMALLNESS * max(0.0, smallness)
