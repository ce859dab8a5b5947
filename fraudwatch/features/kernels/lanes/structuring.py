"""Structuring: operation after operation that stays just under a sum from which it would be reported."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import DAY_MS
from fraudwatch.features.kernels.event import CREDIT, Event, Rules
from fraudwatch.features.kernels.lanes.pace import beyond_pace
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.packed import bits_in, money_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 10 * DAY_MS
PRIOR_DAYS = 20.0
"""In which the one comes that an account\'s own pace of them is shrunk towards."""

SPEC = LaneSpec(
    name="structuring",
    code="FRAC",
    theme=Theme.AMOUNT,
    sentence=Text(
        en="Several operations within ten days, each a little below a reporting threshold.",
        fr="Plusieurs opérations en dix jours, chacune un peu en dessous d’un seuil de déclaration.",
    ),
    innocent=Text(
        en="A salary, a rent or a day's takings near the threshold.",
        fr="Un salaire, un loyer ou une recette proche du seuil.",
    ),
    doc="Where the judged transaction moved 80 % or more of one of `features.thresholds`, and less than it: how "
    "improbable as many operations of the same direction between these bounds are within 10 days, itself inside, given "
    "the account's own pace of them before: −log10 of Chernoff's bound of the Poisson tail. 0 for fewer than three.",
)


@borrowing
def composite(state: State, rules: Rules, event: Event) -> float:
    """Operations just under a threshold against the own pace of them."""
    threshold = 0
    for index in range(len(rules.thresholds)):
        if _is_just_under(event.money, rules.thresholds[index]):
            threshold = rules.thresholds[index]
    if threshold == 0:
        return 0.0
    account, since = state.accounts[event.slot], event.time - WINDOW_MS
    inside, before, first = 1, 0, event.time
    for number in range(wide(account.end) - 1, oldest(account) - 1, -1):
        kept = state.events[place_of(account, number)]
        first = time_in(kept)
        is_same_way = (bits_in(kept) ^ event.bits) & CREDIT == 0
        if is_same_way and _is_just_under(money_in(kept), threshold):
            inside += 1 if first > since else 0
            before += 0 if first > since else 1
    return beyond_pace(inside, before, since - first, PRIOR_DAYS, WINDOW_MS)


@borrowing
def _is_just_under(money: int, threshold: int) -> bool:
    return 5 * money >= 4 * threshold and money < threshold
