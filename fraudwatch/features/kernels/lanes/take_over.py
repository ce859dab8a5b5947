"""Take-over: a device the account never had, and with it large payments to counterparties it never met."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import DAY_MS
from fraudwatch.features.kernels.event import CREDIT, Event
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.own import Own
from fraudwatch.features.kernels.packed import bits_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = DAY_MS

SPEC = LaneSpec(
    name="take_over",
    code="ATO",
    theme=Theme.PLACE_AND_DEVICE,
    sentence=Text(
        en="A device that the account never used before pays counterparties that it never dealt with, far above habit.",
        fr="Un appareil que le compte n’avait jamais utilisé paie des contreparties nouvelles, bien au-delà de "
        "l’habitude.",
    ),
    innocent=Text(
        en="A new telephone, and a purchase with it.", fr="Un nouveau téléphone, et un achat avec."
    ),
    fields=("device_id", "counterparty_id"),
    doc="While the device of the judged transaction has been known to the account for less than 24 h: the sum, over "
    "the payments since its first one, the judged one inside, to counterparties that the account has not known for "
    "longer than the device, of how far each was above the own mean (logarithm); times how rare new devices are for "
    "the account (decimal logarithm).",
)


@borrowing
def composite(state: State, event: Event, own: Own, weight: float) -> float:
    """How rare a new device is, times what is paid since to counterparties as new."""
    account = state.accounts[event.slot]
    if event.device < 0 or own.total == 0:
        return 0.0
    since = state.pairs[event.device].first_time
    if event.time - since >= WINDOW_MS or since < account.whole_from:
        return 0.0
    paid = 0.0
    if event.pair >= 0 and not event.bits & CREDIT and state.pairs[event.pair].first_time >= since:
        paid = weight
    for number in range(wide(account.end) - 1, oldest(account) - 1, -1):
        kept = state.events[place_of(account, number)]
        if time_in(kept) < since:
            break
        is_payment = kept.pair >= 0 and not bits_in(kept) & CREDIT
        if is_payment and state.pairs[wide(kept.pair)].first_time >= since:
            paid += float(kept.weight)
    others = 0 if event.is_new_device else 1
    usual = max(0, wide(account.with_device) - others) + 2
    new = max(0, wide(account.new_devices) - others) + 1
    return paid * max(0.0, math.log10(usual / new))
