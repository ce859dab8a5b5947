"""What innocent accounts do: everyday transactions, and now and then something that looks like a case.

The shares are per account and day; docs/simulator.md gives the reason of each.
"""

import numpy as np

from fraudwatch.simulate import counterparties, places
from fraudwatch.simulate.accounts import (
    DAY_MS,
    HOUR_MS,
    Accounts,
    amounts,
    devices,
    favourites,
    hours,
    newcomers,
)
from fraudwatch.simulate.block import MOST_STEPS, NO_CASE, Block, Kind
from fraudwatch.simulate.episodes import MINUTE_MS, Builder, Episodes, since_first, unfold

MONEY_BACK = 0.25  # share of dealings with payees that go the other way


def everyday(accounts: Accounts, day: int) -> Block:
    """One day's habits of all accounts: a Poisson number of transactions at the account's own rate."""
    today = accounts.draws.at("everyday", day)
    monday_first = (day + 3) % 7  # 1970-01-01 was a Thursday
    wanted = today.poisson("count", accounts.rate * accounts.weekday[:, monday_first])
    episodes = Episodes(
        accounts, Kind.EVERYDAY, day, np.arange(len(accounts)), today, np.full(len(accounts), NO_CASE)
    )
    steps = unfold(episodes, np.minimum(wanted, MOST_STEPS))
    who, draws = steps.who, steps.draws
    is_new = draws.happens("new", accounts.novelty[who])
    counterparty = np.where(
        is_new,
        newcomers(accounts, who, draws, accounts.home[who]),
        favourites(accounts, who, draws, day),
    )
    block = steps.block(
        time_ms=day * DAY_MS + hours(accounts, who, draws),
        amount=amounts(accounts, who, counterparty, draws),
        counterparty=counterparty,
        device=devices(accounts, who, counterparty, draws, day),
    )
    block.is_credit = counterparties.is_payee(counterparty) & draws.happens("money back", MONEY_BACK)
    return block


def purchase(episodes: Episodes) -> Block:
    """One planned large purchase or bill, mostly 2 to 25 times the account's usual amount."""
    steps = unfold(episodes, np.ones(len(episodes.who), dtype=np.int64))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    new = newcomers(accounts, who, draws, accounts.home[who])
    counterparty = np.where(draws.happens("by transfer", 0.35), counterparties.payees(draws), new)
    return steps.block(
        time_ms=steps.own_hours(np.zeros_like(who)),
        amount=accounts.scale[who] * draws.lognormal("times", 7.0, 0.7),
        counterparty=counterparty,
        device=devices(accounts, who, counterparty, draws, episodes.day),
    )


def small_ones(episodes: Episodes) -> Block:
    """Three to nine small online payments minutes apart (games, songs); one in four then buys more."""
    buys_more = episodes.draws.happens("buys more", 0.25)
    small = episodes.draws.whole("small ones", 3, 9)
    steps = unfold(episodes, small + buys_more)
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    begin = episodes.day * DAY_MS + hours(accounts, episodes.who, episodes.draws)
    gaps = draws.exponential("gap", 4.0 * MINUTE_MS).astype(np.int64)
    is_last = buys_more[steps.index] & (steps.step == small[steps.index])
    one_shop = counterparties.online_shops(episodes.draws)[steps.index]
    shop = np.where(draws.happens("same shop", 0.4), one_shop, counterparties.online_shops(draws))
    return steps.block(
        time_ms=begin[steps.index] + since_first(steps.step, gaps),
        amount=np.where(
            is_last,
            accounts.scale[who] * draws.lognormal("times", 2.0, 0.6),
            draws.lognormal("small", 2.2, 0.6),
        ),
        counterparty=shop,
        device=devices(accounts, who, shop, draws, episodes.day),
    )


def spree(episodes: Episodes) -> Block:
    """A shopping day: three to ten purchases in two days, a bit larger than usual, most at new shops."""
    steps = unfold(episodes, episodes.draws.whole("purchases", 3, 10))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    new = newcomers(accounts, who, draws, accounts.home[who])
    counterparty = np.where(draws.happens("new", 0.7), new, favourites(accounts, who, draws, episodes.day))
    return steps.block(
        time_ms=steps.own_hours(draws.whole("days later", 0, 1)),
        amount=accounts.scale[who] * draws.lognormal("times", 2.6, 0.7),
        counterparty=counterparty,
        device=devices(accounts, who, counterparty, draws, episodes.day),
    )


def travel(episodes: Episodes) -> Block:
    """A journey of three days: five to fourteen purchases in another city, at that city's hours."""
    city = episodes.draws.pick("destination", places.VISITS)
    steps = unfold(episodes, episodes.draws.whole("purchases", 5, 14))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    there = city[steps.index]
    counterparty = newcomers(accounts, who, draws, there)
    hour = (draws.normal("hour") * 4.0 + 15.0 - places.UTC_OFFSET[there]) % 24.0
    whole_days = (episodes.day + draws.whole("days later", 0, 2)) * DAY_MS
    return steps.block(
        time_ms=whole_days + np.minimum((hour * HOUR_MS).astype(np.int64), DAY_MS - 1),
        amount=amounts(accounts, who, counterparty, draws) * draws.lognormal("holiday", 1.5, 0.3),
        counterparty=counterparty,
        device=devices(accounts, who, counterparty, draws, episodes.day),
        city=there,
    )


def income(episodes: Episodes) -> Block:
    """The month's income, from the same payer, 40 to 100 times the account's usual amount."""
    steps = unfold(episodes, np.ones(len(episodes.who), dtype=np.int64))
    accounts, who = episodes.accounts, steps.who
    own = accounts.draws.take(who)
    payer = counterparties.payees(own.at("payer", 0))
    return steps.block(
        time_ms=episodes.day * DAY_MS + 3 * HOUR_MS + steps.draws.whole("minute", 0, 5 * HOUR_MS),
        amount=accounts.scale[who]
        * own.between("income", 40.0, 100.0)
        * steps.draws.lognormal("m", 1.0, 0.03),
        counterparty=payer,
        device=np.zeros(len(who), dtype=np.uint64),
        is_credit=True,
    )


LOOKALIKES: tuple[tuple[Kind, float, Builder], ...] = (
    (Kind.PURCHASE, 1 / 90, purchase),
    (Kind.SMALL_ONES, 1 / 60, small_ones),
    (Kind.SPREE, 1 / 90, spree),
    (Kind.TRAVEL, 1 / 150, travel),
)
"""How often an account begins each, a day, at a rate of one transaction a day and more; less below."""


def lookalikes(accounts: Accounts, day: int) -> list[Block]:
    """All innocent episodes that begin on this day."""
    blocks = []
    for kind, often, builder in LOOKALIKES:
        draws = accounts.draws.at(kind.name, day)
        who = np.flatnonzero(draws.happens("begins", often * np.minimum(accounts.rate, 1.0)))
        if len(who):
            episodes = Episodes(accounts, kind, day, who, draws.take(who), np.full(len(who), NO_CASE))
            blocks.append(builder(episodes))
    return blocks


def incomes(accounts: Accounts, day: int, day_of_month: int) -> list[Block]:
    """Income that arrives on this day of the month; each account has its own, mostly the last ones."""
    own_day = 1 + (24 + accounts.draws.whole("income day", 0, 7)) % 28
    who = np.flatnonzero(own_day == day_of_month)
    if not len(who):
        return []
    draws = accounts.draws.at(Kind.INCOME.name, day).take(who)
    return [income(Episodes(accounts, Kind.INCOME, day, who, draws, np.full(len(who), NO_CASE)))]
