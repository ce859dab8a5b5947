"""One day's habits: what accounts do of their own accord, as many times as their rhythm says."""

import numpy as np

from fraudwatch.records import FloatArray
from fraudwatch.simulate import calendar, counterparties
from fraudwatch.simulate.accounts import DAY_MS, Accounts
from fraudwatch.simulate.block import MOST_STEPS, Block, Kind, Status
from fraudwatch.simulate.draws import Draws
from fraudwatch.simulate.episodes import Episodes, unfold
from fraudwatch.simulate.habits import amounts, counterparty, favourites, hours

AFTER_PAY, AFTER_PAY_DAYS = 0.6, 2.5  # more is bought on pay day, less so each day after
ON_JOURNEY = 1.4  # more often, and for larger amounts, than at home
STAYS_HOME = 0.5  # share of a shared account's transactions that go on at home during a journey


def rates(accounts: Accounts, day: int, part: slice) -> FloatArray:
    """Transactions of own accord that each account is expected to make on this day."""
    rate = accounts.rate[part] * accounts.weekday[part, calendar.weekday(day)] * calendar.shopping(day)
    boost = 1.0 + AFTER_PAY * np.exp(-calendar.since_pay(day) / AFTER_PAY_DAYS)
    rate *= np.where(accounts.is_second[part] | accounts.is_firm[part], 1.0, boost[accounts.pay_rule[part]])
    rate *= np.where(accounts.is_away(day, part), ON_JOURNEY, 1.0)
    return np.asarray(rate * (accounts.is_active(day, part) & ~accounts.is_travelling(day, part)))


def everyday(accounts: Accounts, day: int, part: slice) -> Block:
    """Everyday transactions of these accounts: a Poisson number each, at home or on a journey."""
    today = accounts.draws.take(part).at("everyday", day)
    wanted = today.poisson("count", rates(accounts, day, part))
    everyone = np.arange(len(accounts))[part]
    episodes = Episodes.innocent(accounts, Kind.EVERYDAY, day, everyone, today)
    steps = unfold(episodes, np.minimum(wanted, MOST_STEPS))
    who, draws = steps.who, steps.draws

    is_away = accounts.is_away(day, part)[steps.index]
    is_away &= ~(accounts.is_shared[who] & draws.happens("stays", STAYS_HOME))
    city = accounts.home[who]
    city[is_away] = accounts.destination(day, who[is_away])

    is_new = is_away | draws.happens("new", accounts.novelty[who])
    known = favourites(accounts, who, draws, day).keys
    whose = Draws(np.where(is_new, draws.at("newcomer", 0).keys, known))
    chosen = counterparty(accounts, who, whose, city)

    is_payee = counterparties.is_payee(chosen)
    usual = accounts.usual(day, part)[steps.index] * np.where(is_away, ON_JOURNEY, 1.0)
    is_declined = ~is_payee & draws.happens("declined", accounts.declined[who])
    return steps.block(
        time_ms=day * DAY_MS + hours(accounts, who, draws, city),
        amount=amounts(accounts, who, usual, chosen, draws),
        counterparty=chosen,
        city=city,
        is_credit=is_payee & draws.happens("pays us", accounts.credits[who]),
        status=np.where(is_declined, Status.DECLINED, Status.APPROVED),
    )
