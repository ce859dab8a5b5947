"""The cases: episodes in which somebody else uses the account, each a typology of FACTS §6, each labelled.

A case differs from innocent transactions in what it does and in nothing else: ids, counterparties, places,
devices and prices come from where those of innocent transactions come from.
"""

from collections.abc import Iterator

import numpy as np

from fraudwatch.simulate import counterparties, places
from fraudwatch.simulate.accounts import (
    DAY_MS,
    HOUR_MS,
    Accounts,
    devices,
    hours,
    newcomers,
    strange_devices,
)
from fraudwatch.simulate.block import Block, Kind
from fraudwatch.simulate.draws import Draws
from fraudwatch.simulate.episodes import MINUTE_MS, Builder, Episodes, since_first, unfold
from fraudwatch.simulate.plan import Plan, Typology


def card_testing(episodes: Episodes) -> Block:
    """Five to twelve tiny payments at new online shops, minutes apart, then a large one."""
    tests = episodes.draws.whole("tests", 5, 12)
    steps = unfold(episodes, tests + 1)
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    is_large = steps.step == tests[steps.index]
    gaps = draws.exponential("gap", 3.0 * MINUTE_MS) + np.where(
        is_large, draws.exponential("wait", 60.0 * MINUTE_MS), 0.0
    )
    begin = episodes.day * DAY_MS + (episodes.draws.uniform("begin") * DAY_MS).astype(np.int64)
    counterparty = counterparties.online_shops(draws)
    return steps.block(
        time_ms=begin[steps.index] + since_first(steps.step, gaps.astype(np.int64)),
        amount=np.where(
            is_large,
            accounts.scale[who] * draws.lognormal("times", 5.0, 0.6),
            draws.lognormal("tiny", 1.6, 0.5),
        ),
        counterparty=counterparty,
        # Mostly bought as a guest; else the tester's own device.
        device=np.where(
            draws.happens("as guest", 0.6), np.uint64(0), strange_devices(episodes.draws)[steps.index]
        ),
    )


def burst(episodes: Episodes) -> Block:
    """Five to twelve large payments within 24 to 48 hours, nearly all to new counterparties.

    Two in three follow the account's own hours (its holder is talked into it), the others come at any hour.
    """
    steps = unfold(episodes, episodes.draws.whole("payments", 5, 12))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    counterparty = newcomers(accounts, who, draws, accounts.home[who])
    begin = episodes.day * DAY_MS + hours(accounts, episodes.who, episodes.draws)
    span = episodes.draws.between("span", 24.0, 48.0) * HOUR_MS
    any_time = begin[steps.index] + (span[steps.index] * draws.uniform("when")).astype(np.int64)
    keeps_hours = episodes.draws.happens("keeps hours", 2 / 3)[steps.index]
    return steps.block(
        time_ms=np.where(keeps_hours, steps.own_hours(draws.whole("days later", 0, 1)), any_time),
        amount=accounts.scale[who] * draws.lognormal("times", 4.5, 0.6),
        counterparty=counterparty,
        device=devices(accounts, who, counterparty, draws, episodes.day),
    )


def take_over(episodes: Episodes) -> Block:
    """Two to four larger payments within hours from a new device to new counterparties, mostly at night."""
    steps = unfold(episodes, episodes.draws.whole("payments", 2, 4))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    asleep = accounts.centre[episodes.who] + 12.0 + 2.5 * episodes.draws.normal("night")
    night = episodes.day * DAY_MS + ((asleep % 24.0) * HOUR_MS).astype(np.int64)
    awake = episodes.day * DAY_MS + hours(accounts, episodes.who, episodes.draws)
    begin = np.where(episodes.draws.happens("at night", 0.65), night, awake)
    gaps = draws.exponential("gap", 45.0 * MINUTE_MS).astype(np.int64)
    one_payee = counterparties.payees(episodes.draws)[steps.index]
    shop = counterparties.online_shops(draws)
    elsewhere = episodes.draws.pick("from", places.HOMES + places.VISITS)
    is_abroad = episodes.draws.happens("abroad", 0.4)
    city = np.where(is_abroad, elsewhere, accounts.home[episodes.who])
    return steps.block(
        time_ms=begin[steps.index] + since_first(steps.step, gaps),
        amount=accounts.scale[who] * draws.lognormal("times", 5.0, 0.6),
        counterparty=np.where(draws.happens("by transfer", 0.7), one_payee, shop),
        device=strange_devices(episodes.draws)[steps.index],
        city=city[steps.index],
    )


BUILDERS: dict[Typology, tuple[Kind, Builder]] = {
    Typology.CARD_TESTING: (Kind.CARD_TESTING, card_testing),
    Typology.BURST: (Kind.BURST, burst),
    Typology.TAKE_OVER: (Kind.TAKE_OVER, take_over),
}
TYPOLOGY_OF_KIND = {kind: typology for typology, (kind, _) in BUILDERS.items()}


def cases(plan: Plan, accounts: Accounts, day: int) -> Iterator[Block]:
    """The cases that begin on this day, a block for each typology; none before the plan's first day.

    Case numbers count on from 1970, so that a plan of more days goes on where a shorter one ends. The victim
    is any account, active or not; two cases of one typology never begin in one account on one day.
    """
    if day < plan.first_day:
        return
    numbers = np.arange(int(day * plan.cases_per_day), int((day + 1) * plan.cases_per_day))
    victims = Draws.of(plan.seed, "victim", numbers).whole("account", 0, len(accounts) - 1)
    for place, typology in enumerate(plan.typologies):
        kind, builder = BUILDERS[typology]
        mine = numbers % len(plan.typologies) == place
        who, first = np.unique(victims[mine], return_index=True)
        if len(who):
            draws = Draws.of(plan.seed, "case", numbers[mine][first])
            yield builder(Episodes(accounts, kind, day, who, draws, numbers[mine][first]))
