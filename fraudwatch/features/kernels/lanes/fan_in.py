"""Fan-in: many counterparties that the account never dealt with pay in, within two days."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import DAY_MS
from fraudwatch.features.kernels.event import CREDIT, NEW, UNPAID, Event
from fraudwatch.features.kernels.lanes.pace import beyond_pace
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.packed import bits_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 2 * DAY_MS
PRIOR_DAYS = 20.0
"""In which the one comes that an account\'s own pace of them is shrunk towards."""

SPEC = LaneSpec(
    name="fan_in",
    code="FANIN",
    theme=Theme.NETWORK,
    sentence=Text(
        en="Money from many counterparties new to the account within two days.",
        fr="De l’argent reçu de nombreuses nouvelles contreparties en deux jours.",
    ),
    innocent=Text(
        en="Club fees, a collection for a gift, sales at a market.",
        fr="Des cotisations, une cagnotte pour un cadeau, des ventes sur un marché.",
    ),
    fields=("direction", "counterparty_id"),
    doc="Where the judged transaction is money from a counterparty new to the account: how improbable as many new "
    "payers are within 48 h, itself inside, given the account's own pace of them before: −log10 of Chernoff's bound of "
    "the Poisson tail. 0 for fewer than three.",
)


@borrowing
def composite(state: State, event: Event) -> float:
    """New payers of two days against the own pace of them."""
    if not _is_new_payer(event.bits):
        return 0.0
    account, since = state.accounts[event.slot], event.time - WINDOW_MS
    inside, before, first = 1, 0, event.time
    for number in range(wide(account.end) - 1, oldest(account) - 1, -1):
        kept = state.events[place_of(account, number)]
        first = time_in(kept)
        if _is_new_payer(bits_in(kept)):
            inside += 1 if first > since else 0
            before += 0 if first > since else 1
    return beyond_pace(inside, before, since - first, PRIOR_DAYS, WINDOW_MS)


@borrowing
def _is_new_payer(bits: int) -> bool:
    return bits & NEW != 0 and bits & CREDIT != 0 and bits & UNPAID == 0
