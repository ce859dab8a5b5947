"""Take-over: a device the account never had, and with it large payments to counterparties it never met."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element, State
from fraudwatch.features.kernels.clock import DAY_MS
from fraudwatch.features.kernels.event import CREDIT, Event
from fraudwatch.features.kernels.lanes.habit import habit, size
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.packed import asked_in, bits_in, time_in
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
    "longer than the device, of how far each was above habit (logarithm, amounts as asked for), the habit being the "
    "geometric mean of the outgoing payments before, of the latest 64 transactions, three at least; times how rare new "
    "devices are for the account (decimal logarithm).",
)


@borrowing
def composite(state: State, event: Event) -> float:
    """How rare a new device is, times what is paid since to counterparties as new."""
    account = state.accounts[event.slot]
    if event.device < 0 or event.bits & CREDIT:
        return 0.0
    since = state.pairs[event.device].first_time
    if event.time - since >= WINDOW_MS or since < account.whole_from:
        return 0.0
    return _paid_from(state, account, event, since)


@borrowing
def _paid_from(state: State, account: Element, event: Event, since: int) -> float:
    """Apart, so that what is asked of every transaction stays small: a call hands over the whole state."""
    first, begin = oldest(account), wide(account.end)
    while begin > first and time_in(state.events[place_of(account, begin - 1)]) >= since:
        begin -= 1
    usual = habit(state, account, first, begin)
    if math.isnan(usual):
        return 0.0
    paid = 0.0
    if event.pair >= 0 and state.pairs[event.pair].first_time >= since:
        paid = max(0.0, size(event.asked) - usual)
    for number in range(begin, wide(account.end)):
        kept = state.events[place_of(account, number)]
        is_payment = kept.pair >= 0 and not bits_in(kept) & CREDIT
        if is_payment and state.pairs[wide(kept.pair)].first_time >= since:
            paid += max(0.0, size(asked_in(kept)) - usual)
    others = 0 if event.is_new_device else 1
    usual_devices = max(0, wide(account.with_device) - others) + 2
    new_devices = max(0, wide(account.new_devices) - others) + 1
    return paid * max(0.0, math.log10(usual_devices / new_devices))
