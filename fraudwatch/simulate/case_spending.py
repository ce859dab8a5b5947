"""Cases of spending: somebody else, or somebody talked into it, pays with the account.

Amounts are in multiples of the account's usual one. A case differs from innocent transactions in what it does
and in nothing else: ids, counterparties, places, devices and prices come from where those of others come from.
"""

import numpy as np

from fraudwatch.records import IntArray
from fraudwatch.simulate import counterparties, places
from fraudwatch.simulate.accounts import DAY_MS, HOUR_MS
from fraudwatch.simulate.block import Block, Status
from fraudwatch.simulate.draws import Draws
from fraudwatch.simulate.episodes import MINUTE_MS, Episodes, unfold
from fraudwatch.simulate.habits import (
    NO_DEVICE,
    amounts,
    at_hour,
    devices,
    familiar,
    newcomers,
    strange_devices,
)

RING_DAYS = 21
RING = 12
IN_RING = 0.3


def takers(episodes: Episodes, draws: Draws) -> IntArray:
    """Who receives the transfers of cases: any payee, three in ten times one of a ring of twelve.

    A ring is used by many cases for three weeks: what verdicts on counterparties can learn from.
    """
    member = Draws.of(episodes.accounts.seed, "ring", draws.whole("member", 0, RING - 1))
    ring = counterparties.payees(member.at("weeks", episodes.day // RING_DAYS))
    return np.where(draws.happens("ring", IN_RING), ring, counterparties.payees(draws))


def large_amount(episodes: Episodes) -> Block:
    """AMT: one or two payments far out of habit, at the account's hours, from its own device."""
    steps = unfold(episodes, episodes.draws.whole("payments", 1, 2))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    payee = takers(episodes, episodes.draws)[steps.index]
    shop = newcomers(accounts, who, draws, accounts.home[who])
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index] + steps.since_first(draws.exponential("gap", 3.0 * HOUR_MS)),
        amount=episodes.usual()[steps.index] * draws.lognormal("times", 45.0, 0.35),
        counterparty=np.where(episodes.draws.happens("by transfer", 0.6)[steps.index], payee, shop),
        status=steps.declines(0.06),
    )


def burst(episodes: Episodes) -> Block:
    """VEL: seven to thirteen large payments within 24 to 48 hours, nearly all to new counterparties.

    Two in three follow the account's own hours (its holder is talked into it), the others come at any hour.
    """
    steps = unfold(episodes, episodes.draws.whole("payments", 7, 13))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    span = episodes.draws.between("span", 24.0, 48.0) * HOUR_MS
    any_time = episodes.begin_ms()[steps.index] + (span[steps.index] * draws.uniform("when")).astype(np.int64)
    keeps_hours = episodes.draws.happens("keeps hours", 2 / 3)[steps.index]
    return steps.block(
        time_ms=np.where(keeps_hours, steps.own_hours(draws.whole("days later", 0, 1)), any_time),
        amount=episodes.usual()[steps.index] * draws.lognormal("times", 6.5, 0.5),
        counterparty=newcomers(accounts, who, draws, accounts.home[who]),
        status=steps.declines(0.08),
    )


def card_testing(episodes: Episodes) -> Block:
    """CTEST: five to twelve tiny payments at new online shops, minutes apart, many declined; then a large one.

    One tester in six is patient: half an hour between the tests.
    """
    tests = episodes.draws.whole("tests", 5, 12)
    steps = unfold(episodes, tests + 1)
    draws = steps.draws
    is_large = steps.step == tests[steps.index]
    minutes = np.where(episodes.draws.happens("patient", 1 / 6), 30.0, 3.0)[steps.index]
    gaps = draws.exponential("gap", MINUTE_MS) * minutes
    gaps += np.where(is_large, draws.exponential("wait", 60.0 * MINUTE_MS), 0.0)
    begin = episodes.day * DAY_MS + (episodes.draws.uniform("begin") * DAY_MS).astype(np.int64)
    large = episodes.usual()[steps.index] * draws.lognormal("times", 5.0, 0.6)
    # Mostly bought as a guest; else the tester's own device.
    device = strange_devices(episodes.draws)[steps.index]
    return steps.block(
        time_ms=begin[steps.index] + steps.since_first(gaps),
        amount=np.where(is_large, large, draws.lognormal("tiny", 1.9, 0.6)),
        counterparty=counterparties.online_shops(draws),
        device=np.where(draws.happens("as guest", 0.6), NO_DEVICE, device),
        status=steps.declines(0.35),
    )


def take_over(episodes: Episodes) -> Block:
    """ATO: two to five larger payments within hours from a new device to new counterparties, mostly at night."""
    steps = unfold(episodes, episodes.draws.whole("payments", 2, 5))
    accounts, draws = episodes.accounts, steps.draws
    home = accounts.home[episodes.who]
    asleep = accounts.centre[episodes.who] + 12.0 + 2.5 * episodes.draws.normal("night")
    night = episodes.day * DAY_MS + at_hour(asleep, home)
    begin = np.where(episodes.draws.happens("at night", 0.6), night, episodes.begin_ms())
    one_payee = takers(episodes, episodes.draws)[steps.index]
    elsewhere = episodes.draws.pick("from", places.HOMES + places.VISITS)
    city = np.where(episodes.draws.happens("abroad", 0.35), elsewhere, home)
    return steps.block(
        time_ms=begin[steps.index] + steps.since_first(draws.exponential("gap", 45.0 * MINUTE_MS)),
        amount=episodes.usual()[steps.index] * draws.lognormal("times", 6.0, 0.5),
        counterparty=np.where(
            draws.happens("by transfer", 0.7), one_payee, counterparties.online_shops(draws)
        ),
        device=strange_devices(episodes.draws)[steps.index],
        city=city[steps.index],
        status=steps.declines(0.12),
    )


def impossible_travel(episodes: Episodes) -> Block:
    """GEO: four to eight payments in the shops of a far city within hours, while the holder goes on at home.

    In three cases of four copies of the card are used in two far cities by turns.
    """
    steps = unfold(episodes, episodes.draws.whole("payments", 4, 8))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    home = accounts.home[episodes.who]
    first, second = (_far(episodes.draws.pick(which, places.VISITS), home) for which in ("first", "second"))
    second = np.where(episodes.draws.happens("two copies", 0.75), second, first)
    city = np.where(draws.happens("which copy", 0.5), first[steps.index], second[steps.index])
    shop = counterparties.shops(draws, city)
    usual = episodes.usual()[steps.index] * draws.lognormal("times", 1.7, 0.4)
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index]
        + steps.since_first(draws.exponential("gap", 50.0 * MINUTE_MS)),
        amount=amounts(accounts, who, usual, shop, draws),
        counterparty=shop,
        device=np.full(len(steps), NO_DEVICE),
        city=city,
        status=steps.declines(0.1),
    )


def _far(city: IntArray, home: IntArray) -> IntArray:
    """The city, or another one where it is the account's own."""
    return np.where(city == home, (city + len(places.CITIES) // 2) % len(places.CITIES), city)


def unusual_hours(episodes: Episodes) -> Block:
    """NIGHT: seven to twelve payments while the holder sleeps, from a known device; a quarter takes two nights."""
    steps = unfold(episodes, episodes.draws.whole("payments", 7, 12))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    home = accounts.home[who]
    hour = accounts.centre[who] + 12.0 + 1.3 * draws.normal("hour")
    night = draws.whole("night", 0, 1) * episodes.draws.happens("two nights", 0.25)[steps.index]
    new = np.where(
        draws.happens("online", 0.7),
        counterparties.online_shops(draws),
        newcomers(accounts, who, draws, home),
    )
    known = familiar(accounts, who, draws, episodes.day)
    counterparty = np.where(draws.happens("known", 0.3), known, new)
    usual = episodes.usual()[steps.index] * draws.lognormal("times", 1.5, 0.3)
    return steps.block(
        time_ms=(episodes.day + night) * DAY_MS + at_hour(hour, home),
        amount=amounts(accounts, who, usual, counterparty, draws),
        counterparty=counterparty,
        device=devices(accounts, who, counterparty, draws, episodes.day),
        status=steps.declines(0.06),
    )


def slow_ramp(episodes: Episodes) -> Block:
    """RAMP: nine to sixteen payments over 18 to 28 days, each a bit larger than the one before.

    To one or two payees or an online shop, from under the usual amount to five to nine times it.
    """
    steps = unfold(episodes, episodes.draws.whole("payments", 9, 16))
    draws = steps.draws
    payments = np.bincount(steps.index)[steps.index]
    progress = (steps.step + draws.between("jitter", 0.0, 0.9)) / payments
    days = (episodes.draws.between("days", 18.0, 28.0)[steps.index] * progress).astype(np.int64)
    contract = episodes.draws.take(steps.index).at("taker", draws.whole("which", 0, 1))
    by_transfer = episodes.draws.happens("by transfer", 0.65)[steps.index]
    last = episodes.draws.between("last", 5.0, 9.0)[steps.index]
    return steps.block(
        time_ms=steps.own_hours(days),
        amount=episodes.usual()[steps.index]
        * 0.7
        * (last / 0.7) ** progress
        * draws.lognormal("noise", 1.0, 0.2),
        counterparty=np.where(by_transfer, takers(episodes, contract), counterparties.online_shops(contract)),
        status=np.where(draws.happens("declined", 0.03), Status.DECLINED, Status.APPROVED),
    )


def dormant(episodes: Episodes) -> Block:
    """DORM: an account that has slept for a month and more makes three to seven larger payments within days."""
    steps = unfold(episodes, episodes.draws.whole("payments", 3, 7))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    new = newcomers(accounts, who, draws, accounts.home[who])
    by_transfer = draws.happens("by transfer", 0.6)
    counterparty = np.where(by_transfer, takers(episodes, draws), new)
    own = devices(accounts, who, counterparty, draws, episodes.day)
    is_strange = episodes.draws.happens("new device", 0.5)[steps.index]
    return steps.block(
        time_ms=steps.own_hours(draws.whole("days later", 0, 2)),
        amount=episodes.usual()[steps.index] * draws.lognormal("times", 4.5, 0.6),
        counterparty=counterparty,
        device=np.where(is_strange, strange_devices(episodes.draws)[steps.index], own),
        status=steps.declines(0.08),
    )
