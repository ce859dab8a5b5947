"""Innocent episodes of spending that look like cases."""

import numpy as np

from fraudwatch.simulate import counterparties
from fraudwatch.simulate.accounts import DAY_MS, HOUR_MS
from fraudwatch.simulate.block import Block, Status
from fraudwatch.simulate.episodes import MINUTE_MS, Episodes, price, unfold
from fraudwatch.simulate.habits import amounts, at_hour, devices, familiar, newcomers, strange_devices


def purchase(episodes: Episodes) -> Block:
    """One planned large purchase or bill, mostly 2 to 10 times usual; now and then from somebody's device."""
    steps = unfold(episodes, np.ones(len(episodes), dtype=np.int64))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    new = newcomers(accounts, who, draws, accounts.home[who])
    counterparty = np.where(draws.happens("by transfer", 0.35), counterparties.payees(draws), new)
    own = devices(accounts, who, counterparty, draws, episodes.day)
    return steps.block(
        time_ms=steps.own_hours(0),
        amount=episodes.usual() * draws.lognormal("times", 4.0, 0.5),
        counterparty=counterparty,
        device=np.where(draws.happens("new device", 0.05), strange_devices(draws), own),
        status=steps.declines(0.04),
    )


def small_ones(episodes: Episodes) -> Block:
    """Two to six small online payments minutes apart (games, songs), most at one shop; one in four then buys more."""
    buys_more = episodes.draws.happens("buys more", 0.25)
    small = episodes.draws.whole("small ones", 2, 6)
    steps = unfold(episodes, small + buys_more)
    draws = steps.draws
    is_last = buys_more[steps.index] & (steps.step == small[steps.index])
    one_shop = counterparties.online_shops(episodes.draws)[steps.index]
    shop = np.where(draws.happens("same shop", 0.75), one_shop, counterparties.online_shops(draws))
    larger = episodes.usual()[steps.index] * draws.lognormal("times", 2.0, 0.6)
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index]
        + steps.since_first(draws.exponential("gap", 4.0 * MINUTE_MS)),
        amount=np.where(is_last, larger, draws.lognormal("small", 2.2, 0.6)),
        counterparty=shop,
        status=steps.declines(0.06),
    )


def spree(episodes: Episodes) -> Block:
    """A shopping day: three to eight purchases in two days, larger than usual, half of them at new shops."""
    steps = unfold(episodes, episodes.draws.whole("purchases", 3, 8))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    new = newcomers(accounts, who, draws, accounts.home[who])
    return steps.block(
        time_ms=steps.own_hours(draws.whole("days later", 0, 1)),
        amount=episodes.usual()[steps.index] * draws.lognormal("times", 1.7, 0.6),
        counterparty=np.where(draws.happens("new", 0.5), new, familiar(accounts, who, draws, episodes.day)),
        status=steps.declines(0.04),
    )


def night_out(episodes: Episodes) -> Block:
    """Three to five payments between dusk and dawn in the own city, most where one was never before."""
    steps = unfold(episodes, episodes.draws.whole("payments", 3, 5))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    home = accounts.home[who]
    bar = counterparties.shops(draws, home)
    counterparty = np.where(draws.happens("online", 0.15), counterparties.online_shops(draws), bar)
    midnight = at_hour(23.5 + 1.5 * episodes.draws.normal("begin"), accounts.home[episodes.who])
    begin = episodes.day * DAY_MS + midnight[steps.index]
    usual = episodes.usual()[steps.index] * draws.lognormal("generous", 1.2, 0.3)
    return steps.block(
        time_ms=begin + steps.since_first(draws.exponential("gap", 50.0 * MINUTE_MS)),
        amount=amounts(accounts, who, usual, counterparty, draws),
        counterparty=counterparty,
        status=steps.declines(0.05),
    )


def tried_again(episodes: Episodes) -> Block:
    """A payment is declined one to three times, minutes apart; then it goes through or is given up."""
    tries = episodes.draws.whole("tries", 1, 3)
    gives_up = episodes.draws.happens("gives up", 0.3)
    steps = unfold(episodes, tries + ~gives_up)
    accounts, who = episodes.accounts, episodes.who
    shop = np.where(
        episodes.draws.happens("online", 0.6),
        counterparties.online_shops(episodes.draws),
        counterparties.shops(episodes.draws, accounts.home[who]),
    )
    usual = episodes.usual() * episodes.draws.lognormal("larger", 1.4, 0.5)
    sum_asked = price(amounts(accounts, who, usual, shop, episodes.draws), shop, episodes.draws)
    is_try = steps.step < tries[steps.index]
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index]
        + steps.since_first(steps.draws.exponential("gap", 2.0 * MINUTE_MS)),
        amount=sum_asked[steps.index],
        counterparty=shop[steps.index],
        is_price=True,
        status=np.where(is_try, Status.DECLINED, Status.APPROVED),
    )


def taken_back(episodes: Episodes) -> Block:
    """A purchase that is reversed within two hours, or paid back as a credit within six days."""
    steps = unfold(episodes, np.full(len(episodes), 2))
    accounts, who = episodes.accounts, episodes.who
    shop = newcomers(accounts, who, episodes.draws, accounts.home[who])
    shop = np.where(counterparties.is_payee(shop), counterparties.online_shops(episodes.draws), shop)
    usual = episodes.usual() * 1.3
    paid = price(amounts(accounts, who, usual, shop, episodes.draws), shop, episodes.draws)
    is_reversed = episodes.draws.happens("reversed", 0.4)[steps.index]
    later = np.where(
        is_reversed, steps.draws.between("soon", 0.02, 2.0), steps.draws.between("late", 20.0, 144.0)
    )
    is_back = steps.step == 1
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index] + steps.since_first(later * HOUR_MS),
        amount=paid[steps.index],
        counterparty=shop[steps.index],
        is_credit=is_back & ~is_reversed,
        is_price=True,
        status=np.where(is_back & is_reversed, Status.REVERSED, Status.APPROVED),
    )


def works(episodes: Episodes) -> Block:
    """A renovation: six to fourteen payments over some weeks to two shops or workmen, growing as it goes on."""
    steps = unfold(episodes, episodes.draws.whole("payments", 6, 14))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    span = episodes.draws.between("days", 14.0, 27.0)[steps.index]
    which = draws.whole("which", 0, 1)
    contract = episodes.draws.take(steps.index).at("workman", which)
    shop = counterparties.shops(contract, accounts.home[who])
    progress = draws.uniform("when")
    return steps.block(
        time_ms=steps.own_hours((span * progress).astype(np.int64)),
        amount=episodes.usual()[steps.index] * draws.lognormal("times", 1.3, 0.5) * 3.5**progress,
        counterparty=np.where(contract.happens("by transfer", 0.5), counterparties.payees(contract), shop),
    )


def waking(episodes: Episodes) -> Block:
    """The first days of an account that is used again: one to three payments, larger than it used to make."""
    steps = unfold(episodes, episodes.draws.whole("payments", 1, 3))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    new = newcomers(accounts, who, draws, accounts.home[who])
    by_transfer = draws.happens("by transfer", 0.4)
    return steps.block(
        time_ms=steps.own_hours(draws.whole("days later", 0, 2)),
        amount=episodes.usual()[steps.index] * draws.lognormal("times", 1.9, 0.6),
        counterparty=np.where(by_transfer, counterparties.payees(draws), new),
        status=steps.declines(0.05),
    )
