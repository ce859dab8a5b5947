"""Cases of money that is collected, passed on, cut into pieces or given another look.

Sums are in multiples of the account's monthly income (for accounts without one, of what would be theirs).
"""

import numpy as np

from fraudwatch.records import IntArray
from fraudwatch.simulate import counterparties
from fraudwatch.simulate.accounts import HOUR_MS
from fraudwatch.simulate.block import Block
from fraudwatch.simulate.case_spending import takers
from fraudwatch.simulate.episodes import Episodes, price, unfold

THRESHOLDS = np.array([1_000.0, 1_000.0, 1_000.0, 3_000.0, 10_000.0])
"""Sums from which operations are reported, as often as they are kept under."""


def structuring(episodes: Episodes) -> Block:
    """FRAC: five to ten operations of 82 to 98.5 % of a threshold within 2 to 10 days.

    Cash brought to a machine, transfers received or sent; firms keep under the largest threshold.
    """
    steps = unfold(episodes, episodes.draws.whole("operations", 5, 10))
    accounts, draws = episodes.accounts, steps.draws
    any_of_them = THRESHOLDS[episodes.draws.whole("threshold", 0, len(THRESHOLDS) - 1)]
    threshold = np.where(accounts.is_firm[episodes.who], THRESHOLDS[-1], any_of_them)
    how = episodes.draws.uniform("how")[steps.index]
    payee = np.where(
        draws.happens("another", 0.5), takers(episodes, draws), takers(episodes, episodes.draws)[steps.index]
    )
    machine = counterparties.atms(draws, accounts.home[steps.who])
    span = episodes.draws.whole("days", 2, 10)[steps.index]
    return steps.block(
        time_ms=steps.own_hours((span * draws.uniform("when")).astype(np.int64)),
        # Below 98.5 %: as a round sum it must not become the threshold.
        amount=threshold[steps.index] * draws.between("below", 0.82, 0.985),
        counterparty=np.where(how < 0.45, machine, payee),
        is_credit=how < 0.65,
    )


def pass_through(episodes: Episodes) -> Block:
    """PASS: what strangers pay in leaves within a day or so, once or twice within a week."""
    rounds = 1 + episodes.draws.happens("again", 0.4)
    return _passes(episodes, rounds.astype(np.int64), size=0.7, hours_kept=7.0, by_cash=0.2)


def young_mule(episodes: Episodes) -> Block:
    """MULE: an account of a few weeks is filled by strangers and emptied within hours, much of it in cash."""
    return _passes(episodes, np.ones(len(episodes), dtype=np.int64), size=0.6, hours_kept=4.0, by_cash=0.4)


def collection(episodes: Episodes) -> Block:
    """FANIN: eight to twenty strangers pay in within hours or days, in half of the cases the same sum."""
    payers = episodes.draws.whole("payers", 8, 20)
    pays_out = episodes.draws.happens("pays out", 0.5)
    steps = unfold(episodes, payers + pays_out)
    draws = steps.draws
    is_out = steps.step >= payers[steps.index]
    payer = counterparties.payees(draws)
    each = price(
        episodes.usual() * episodes.draws.lognormal("times", 1.8, 0.5), payer[steps.step == 0], episodes.draws
    )
    is_equal = episodes.draws.happens("equal", 0.5)[steps.index]
    paid_in = each[steps.index] * np.where(is_equal, 1.0, draws.lognormal("own sum", 1.0, 0.5))
    total = np.bincount(steps.index, np.where(is_out, 0.0, paid_in), minlength=len(episodes))
    span = episodes.draws.between("hours", 10.0, 48.0)[steps.index] * HOUR_MS
    when = np.where(is_out, draws.between("then", 1.0, 1.4), draws.uniform("when"))
    out = total[steps.index] * draws.between("kept back", 0.85, 0.98)
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index] + (span * when).astype(np.int64),
        amount=np.where(is_out, out, paid_in),
        counterparty=np.where(is_out, takers(episodes, episodes.draws)[steps.index], payer),
        is_credit=~is_out,
        is_price=is_equal & ~is_out,
    )


def dispersal(episodes: Episodes) -> Block:
    """FANOUT: eight to twenty transfers to as many new payees within 2 to 14 hours, half of the cases equal."""
    steps = unfold(episodes, episodes.draws.whole("payees", 8, 20))
    draws = steps.draws
    payee = takers(episodes, draws)
    each = price(
        episodes.usual() * episodes.draws.lognormal("times", 1.6, 0.5), payee[steps.step == 0], episodes.draws
    )
    is_equal = episodes.draws.happens("equal", 0.5)[steps.index]
    span = episodes.draws.between("hours", 2.0, 14.0)[steps.index] * HOUR_MS
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index] + (span * draws.uniform("when")).astype(np.int64),
        amount=each[steps.index] * np.where(is_equal, 1.0, draws.lognormal("own sum", 1.0, 0.4)),
        counterparty=payee,
        is_price=is_equal,
    )


def round_amounts(episodes: Episodes) -> Block:
    """ROUND: five to eleven transfers of round sums, fifties and hundreds, to one or two payees over 5 to 15 days."""
    steps = unfold(episodes, episodes.draws.whole("transfers", 5, 11))
    contract = episodes.draws.take(steps.index).at("payee", steps.draws.whole("which", 0, 1))
    span = episodes.draws.whole("days", 5, 15)[steps.index]
    sums = episodes.usual()[steps.index] * steps.draws.lognormal("times", 3.0, 0.4)
    coin = np.where(sums < 500.0, 50.0, 100.0)
    return steps.block(
        time_ms=steps.own_hours((span * steps.draws.uniform("when")).astype(np.int64)),
        amount=np.maximum(np.rint(sums / coin), 1.0) * coin,
        counterparty=takers(episodes, contract),
        is_price=True,
    )


def _passes(episodes: Episodes, rounds: IntArray, *, size: float, hours_kept: float, by_cash: float) -> Block:
    """One to three credits, then one to four debits of 88 to 99 % of them; the second round days later."""
    credits, debits = episodes.draws.whole("credits", 1, 3), episodes.draws.whole("debits", 1, 4)
    a_round = credits + debits
    steps = unfold(episodes, a_round * rounds)
    accounts, draws = episodes.accounts, steps.draws
    place = steps.step % a_round[steps.index]
    is_second = steps.step >= a_round[steps.index]
    is_in = place < credits[steps.index]
    received = accounts.income[episodes.who] * episodes.draws.lognormal("times", size, 0.5)
    left = episodes.draws.between("left", 0.88, 0.99)[steps.index]
    share = np.where(
        is_in,
        steps.shares("in", is_in & ~is_second) + steps.shares("in again", is_in & is_second),
        left * (steps.shares("out", ~is_in & ~is_second) + steps.shares("out again", ~is_in & is_second)),
    )
    gap = np.where(
        place == credits[steps.index], draws.exponential("kept", hours_kept), draws.exponential("gap", 1.5)
    )
    gap = np.where(is_second & (place == 0), draws.between("next", 24.0, 96.0), gap)
    machine = counterparties.atms(draws, accounts.home[steps.who])
    taker = np.where(draws.happens("in cash", by_cash), machine, takers(episodes, draws))
    return steps.block(
        time_ms=episodes.begin_ms()[steps.index] + steps.since_first(gap * HOUR_MS),
        amount=received[steps.index] * share,
        counterparty=np.where(is_in, counterparties.payees(draws), taker),
        is_credit=is_in,
    )
