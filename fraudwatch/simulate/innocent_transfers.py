"""Innocent episodes of money that comes in, goes out or passes through, and look like cases."""

import numpy as np

from fraudwatch.records import FloatArray
from fraudwatch.simulate import counterparties
from fraudwatch.simulate.accounts import DAY_MS, HOUR_MS
from fraudwatch.simulate.block import Block
from fraudwatch.simulate.episodes import Episodes, Steps, price, unfold
from fraudwatch.simulate.habits import newcomers
from fraudwatch.simulate.standing import own_elsewhere


def lessons(episodes: Episodes) -> Block:
    """Two to six transfers to one payee over four weeks: lessons, pocket money, a loan paid back; round."""
    steps = unfold(episodes, episodes.draws.whole("transfers", 2, 6))
    payee = counterparties.payees(episodes.draws)
    each = episodes.usual() * episodes.draws.lognormal("times", 1.3, 0.5)
    varies = np.where(
        episodes.draws.happens("varies", 0.4)[steps.index], steps.draws.lognormal("v", 1.0, 0.5), 1.0
    )
    tens = np.maximum(np.rint(each[steps.index] * varies / 10.0), 1.0) * 10.0
    return steps.block(
        time_ms=steps.own_hours(steps.draws.whole("days later", 0, 27)),
        amount=tens,
        counterparty=payee[steps.index],
        is_price=True,
    )


def kitty(episodes: Episodes) -> Block:
    """A collective gift: four to nine people pay in over days, mostly the same sum; then it is bought."""
    people = episodes.draws.whole("people", 4, 9)
    steps = unfold(episodes, people + 1)
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    is_gift = steps.step == people[steps.index]
    payer = counterparties.payees(draws)
    equal = price(
        episodes.usual() * episodes.draws.lognormal("times", 1.0, 0.5), payer[steps.step == 0], episodes.draws
    )
    is_equal = draws.happens("equal", 0.75)
    paid_in = equal[steps.index] * np.where(is_equal, 1.0, draws.lognormal("own sum", 1.0, 0.5))
    total = np.bincount(steps.index, np.where(is_gift, 0.0, paid_in), minlength=len(episodes))
    span = episodes.draws.between("days", 2.0, 6.0)[steps.index] * DAY_MS
    when = np.where(is_gift, 1.05, draws.uniform("when"))
    shop = newcomers(accounts, who, draws, accounts.home[who])
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index] + (span * when).astype(np.int64),
        amount=np.where(is_gift, total[steps.index] * draws.between("spent", 0.8, 1.05), paid_in),
        counterparty=np.where(is_gift, shop, payer),
        is_credit=~is_gift,
        is_price=is_equal & ~is_gift,
    )


def gathering(episodes: Episodes) -> Block:
    """Things sold one by one: two to six credits of strangers within a week, of all sizes."""
    steps = unfold(episodes, episodes.draws.whole("sales", 2, 6))
    return steps.block(
        time_ms=steps.own_hours(steps.draws.whole("days later", 0, 6)),
        amount=episodes.usual()[steps.index] * steps.draws.lognormal("times", 1.1, 0.8),
        counterparty=counterparties.payees(steps.draws),
        is_credit=True,
    )


def sharing_out(episodes: Episodes) -> Block:
    """Presents, refunds of a club, debts after a holiday: three to seven transfers in a day, half of them equal."""
    steps = unfold(episodes, episodes.draws.whole("people", 3, 7))
    payee = counterparties.payees(steps.draws)
    each = price(
        episodes.usual() * episodes.draws.lognormal("times", 1.3, 0.6), payee[steps.step == 0], episodes.draws
    )
    is_equal = episodes.draws.happens("equal", 0.5)[steps.index]
    varied = each[steps.index] * steps.draws.lognormal("own sum", 1.0, 0.5)
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index]
        + steps.since_first(steps.draws.exponential("gap", 0.6 * HOUR_MS)),
        amount=np.where(is_equal, each[steps.index], varied),
        counterparty=payee,
        is_price=is_equal,
    )


def forwarding(episodes: Episodes) -> Block:
    """Money passes: brought from the own account elsewhere or from a sale, spent within days on what it is for."""
    steps = unfold(episodes, 1 + episodes.draws.whole("payments", 1, 4))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    is_in = steps.step == 0
    brought = accounts.income[episodes.who] * episodes.draws.lognormal("times", 0.25, 0.6)
    own = own_elsewhere(accounts.draws.take(who))
    payer = np.where(episodes.draws.happens("a sale", 0.5)[steps.index], counterparties.payees(draws), own)
    new = newcomers(accounts, who, draws, accounts.home[who])
    taker = np.where(draws.happens("by transfer", 0.6), counterparties.payees(draws), new)
    spent = episodes.draws.between("spent", 0.3, 0.9)[steps.index] * steps.shares("share", ~is_in)
    hours_kept = np.where(steps.step == 1, draws.exponential("kept", 30.0), draws.exponential("gap", 16.0))
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index] + steps.since_first(hours_kept * HOUR_MS),
        amount=brought[steps.index] * np.where(is_in, 1.0, spent),
        counterparty=np.where(is_in, payer, taker),
        is_credit=is_in,
    )


def cash_in(episodes: Episodes) -> Block:
    """Cash brought to the machine one to four times within ten days: a flea market, a wedding, tips."""
    steps = unfold(episodes, episodes.draws.whole("times", 1, 4))
    home = episodes.accounts.home[steps.who]
    return steps.block(
        time_ms=steps.own_hours(steps.draws.whole("days later", 0, 9)),
        amount=_around(steps, episodes.draws.lognormal("sum", 500.0, 0.8)),
        counterparty=counterparties.atms(steps.draws, home),
        is_credit=True,
    )


def instalments(episodes: Episodes) -> Block:
    """A price paid in parts, each just below a round sum: two to four payments over two weeks."""
    steps = unfold(episodes, episodes.draws.whole("parts", 2, 4))
    asked = episodes.accounts.income[episodes.who] * episodes.draws.between("part", 0.04, 0.2)
    sums = np.select([asked >= 3_000.0, asked >= 1_000.0, asked >= 300.0], [3_000.0, 1_000.0, 300.0], 100.0)
    shop = counterparties.online_shops(episodes.draws)
    seller = np.where(episodes.draws.happens("by transfer", 0.5), counterparties.payees(episodes.draws), shop)
    part = price(sums * episodes.draws.between("below", 0.84, 0.985), seller, episodes.draws)
    same = episodes.draws.happens("same", 0.6)[steps.index]
    other = sums[steps.index] * steps.draws.between("other", 0.6, 0.985)
    return steps.block(
        time_ms=steps.own_hours(steps.draws.whole("days later", 0, 13)),
        amount=np.where(same, part[steps.index], other),
        counterparty=seller[steps.index],
        is_credit=episodes.draws.happens("paid to us", 0.3)[steps.index]
        & counterparties.is_payee(seller)[steps.index],
        is_price=same,
    )


def first_steps(episodes: Episodes) -> Block:
    """A new account: money from elsewhere or a stranger, soon spent on what a new life needs."""
    steps = unfold(episodes, 1 + episodes.draws.whole("payments", 2, 7))
    accounts, who, draws = episodes.accounts, steps.who, steps.draws
    is_in = steps.step == 0
    own = own_elsewhere(accounts.draws.take(who))
    payer = np.where(
        episodes.draws.happens("from a stranger", 0.3)[steps.index], counterparties.payees(draws), own
    )
    brought = accounts.income[episodes.who] * episodes.draws.lognormal("times", 0.5, 0.6)
    spent = episodes.draws.between("spent", 0.2, 0.8)[steps.index] * steps.shares("share", ~is_in)
    new = newcomers(accounts, who, draws, accounts.home[who])
    gap = draws.exponential("gap", 30.0) * HOUR_MS
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index] + steps.since_first(gap),
        amount=brought[steps.index] * np.where(is_in, 1.0, spent),
        counterparty=np.where(
            is_in, payer, np.where(draws.happens("t", 0.3), counterparties.payees(draws), new)
        ),
        is_credit=is_in,
    )


def _around(steps: Steps, usual: FloatArray) -> FloatArray:
    return np.asarray(usual[steps.index] * steps.draws.lognormal("around", 1.0, 0.4))
