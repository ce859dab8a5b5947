"""Round amounts: round sums, again and again, to counterparties that the account has only just met."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import DAY_MS
from fraudwatch.features.kernels.event import CREDIT, HAS_PLACE, Event
from fraudwatch.features.kernels.lanes.pace import beyond_pace
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.packed import bits_in, money_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 15 * DAY_MS
COIN = 5_000
"""Minor units of which a round sum is a multiple: fives and tens are everybody's."""
PRIOR_DAYS = 10.0
"""In which the one comes that an account\'s own pace of them is shrunk towards."""

SPEC = LaneSpec(
    name="round_amounts",
    code="ROUND",
    theme=Theme.AMOUNT,
    sentence=Text(
        en="Several payments of round sums within fifteen days to counterparties the account has only just met.",
        fr="Plusieurs paiements de sommes rondes en quinze jours à des contreparties rencontrées depuis peu.",
    ),
    innocent=Text(en="Pocket money, lessons, a rent.", fr="De l’argent de poche, des cours, un loyer."),
    fields=("counterparty_id",),
    doc="Payments without a place (not in a shop) of a multiple of 50.00, to counterparties that the account met "
    "within the last 15 days: how improbable as many are within these days, the judged one inside, given the "
    "account's own pace of such sums before, whoever got them: −log10 of Chernoff's bound of the Poisson tail. 0 for "
    "fewer than three, and unless the judged transaction is one.",
)


@borrowing
def composite(state: State, event: Event) -> float:
    """Round sums to new counterparties against the own pace of round sums."""
    since = event.time - WINDOW_MS
    if not _is_round(event.bits, event.money) or not _is_recent(state, event.pair, since):
        return 0.0
    account = state.accounts[event.slot]
    inside, before, first = 1, 0, event.time
    for number in range(wide(account.end) - 1, oldest(account) - 1, -1):
        kept = state.events[place_of(account, number)]
        first = time_in(kept)
        if _is_round(bits_in(kept), money_in(kept)):
            if first <= since:
                before += 1
            elif _is_recent(state, wide(kept.pair), since):
                inside += 1
    return beyond_pace(inside, before, since - first, PRIOR_DAYS, WINDOW_MS)


@borrowing
def _is_round(bits: int, money: int) -> bool:
    return bits & (CREDIT | HAS_PLACE) == 0 and money > 0 and money % COIN == 0


@borrowing
def _is_recent(state: State, pair: int, since: int) -> bool:
    """Whether there is a counterparty, met since then."""
    return pair >= 0 and state.pairs[pair].first_time > since
