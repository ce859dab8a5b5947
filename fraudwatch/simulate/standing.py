"""What comes by itself on its day of the month: income, rents, bills, savings, payrolls, a firm's takings.

Money moves on working days, mostly before people are up.
"""

from collections.abc import Iterator

import numpy as np

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import calendar, counterparties
from fraudwatch.simulate.accounts import BILLS, DAY_MS, HOUR_MS, Accounts
from fraudwatch.simulate.block import Block, Kind
from fraudwatch.simulate.draws import BoolArray, Draws
from fraudwatch.simulate.episodes import Episodes, Steps, price, unfold

SAVERS = 0.4  # of those with an income
WITHOUT_INCOME_HERE = 0.12  # households whose salary goes to another bank
PRICE_FOR_GOOD = 0.6  # bills of the same amount each month; the others follow consumption
PAYING_FIRMS = 0.3  # firms that have people to pay from this account
EMPLOYEES = (3, 10)
PAY = (12.0, 0.3)  # of one employee: median in usual amounts of the firm, spread of the logarithm
CASH_BUSINESS = 0.4  # firms that bring their takings to a cash machine, on one or two weekdays
LARGEST_TAKINGS = 14_000.0


def standing(accounts: Accounts, day: int, part: slice) -> Iterator[Block]:
    """All that comes by itself to these accounts on this day."""
    if not calendar.is_working(day):
        return
    everyone = np.arange(len(accounts))[part]
    open_ones = everyone[accounts.is_active(day, part)]
    due, paid = calendar.collected(day), _paid_today(day)
    for kind, build, whose in (
        (Kind.INCOME, income, _is_paid(accounts, open_ones) & paid[accounts.pay_rule[open_ones]]),
        (Kind.RENT, rent, (accounts.rent[open_ones] > 0) & due[accounts.rent_day[open_ones]]),
        (Kind.BILLS, bills, due[accounts.bill_days[open_ones]].any(axis=1)),
        (Kind.SAVINGS, savings, _saves(accounts, open_ones) & _saves_today(accounts, open_ones, day)),
        (Kind.PAYROLL, payroll, _pays_people(accounts, open_ones) & paid[accounts.pay_rule[open_ones]]),
        (Kind.TAKINGS, takings, _brings_cash(accounts, open_ones, day)),
    ):
        who = open_ones[whose]
        if len(who):
            draws = accounts.draws.take(who).at(kind.name, day)
            yield build(Episodes.innocent(accounts, kind, day, who, draws))


def income(episodes: Episodes) -> Block:
    """The month's income from one payer, known for good, the same within some percent."""
    steps, own = _one_each(episodes)
    employer = counterparties.employers(own.at("employer", 0))
    return steps.block(
        time_ms=_before_dawn(steps),
        amount=episodes.accounts.income[steps.who] * steps.draws.lognormal("overtime", 1.0, 0.04),
        counterparty=employer,
        is_credit=True,
    )


def rent(episodes: Episodes) -> Block:
    """The same sum to the same landlord."""
    steps, own = _one_each(episodes)
    landlord = counterparties.payees(own.at("landlord", 0))
    amount = price(episodes.accounts.rent[steps.who], landlord, own.at("rent", 0))
    return steps.block(time_ms=_before_dawn(steps), amount=amount, counterparty=landlord, is_price=True)


def bills(episodes: Episodes) -> Block:
    """Direct debits due today: some the same sum each month, some by consumption."""
    accounts = episodes.accounts
    is_due = calendar.collected(episodes.day)[accounts.bill_days[episodes.who]]
    steps = unfold(episodes, np.full(len(episodes), BILLS))
    kept = np.flatnonzero(is_due.ravel())
    steps = Steps(episodes, steps.index[kept], steps.step[kept], steps.who[kept], steps.draws.take(kept))
    contract = accounts.draws.take(steps.who).at("bill", steps.step)
    biller = counterparties.billers(contract)
    usual = _median_scale(accounts, steps.who) * counterparties.factors(biller)
    usual = price(usual * contract.lognormal("bill amount", 1.0, 0.5), biller, contract)
    is_price = contract.happens("for good", PRICE_FOR_GOOD)
    return steps.block(
        time_ms=_before_dawn(steps),
        amount=np.where(is_price, usual, usual * steps.draws.lognormal("consumption", 1.0, 0.15)),
        counterparty=biller,
        device=np.zeros(len(steps), dtype=np.uint64),
        is_price=is_price,
    )


def savings(episodes: Episodes) -> Block:
    """A round sum to the own account at another bank."""
    steps, own = _one_each(episodes)
    sum_of_tens = 10.0 * np.ceil(episodes.accounts.income[steps.who] * own.between("saved", 0.02, 0.2) / 10.0)
    return steps.block(
        time_ms=_before_dawn(steps), amount=sum_of_tens, counterparty=own_elsewhere(own), is_price=True
    )


def payroll(episodes: Episodes) -> Block:
    """A firm pays its people, the same ones each month, all within minutes."""
    own = episodes.accounts.draws.take(episodes.who)
    steps = unfold(episodes, own.whole("employees", *EMPLOYEES))
    employee = episodes.accounts.draws.take(steps.who).at("employee", steps.step)
    begin = episodes.day * DAY_MS + 5 * HOUR_MS + episodes.draws.whole("begin", 0, 10 * HOUR_MS)
    median, spread = PAY
    return steps.block(
        time_ms=begin[steps.index] + steps.since_first(steps.draws.exponential("gap", 4_000.0)),
        amount=episodes.accounts.scale[steps.who]
        * employee.lognormal("pay", median, spread)
        * steps.draws.lognormal("overtime", 1.0, 0.03),
        counterparty=counterparties.payees(employee),
        device=np.zeros(len(steps), dtype=np.uint64),
        is_price=True,
    )


def takings(episodes: Episodes) -> Block:
    """A shop's cash brought to the machine around the corner, more or less the same each week."""
    steps, own = _one_each(episodes)
    usual = own.lognormal("takings", 2_200.0, 0.7)
    return steps.block(
        time_ms=steps.own_hours(0),
        amount=np.minimum(usual * steps.draws.lognormal("week", 1.0, 0.35), LARGEST_TAKINGS),
        counterparty=counterparties.atms(own, episodes.accounts.home[steps.who]),
        is_credit=True,
    )


def own_elsewhere(own: Draws) -> IntArray:
    """The payee that is the holder's own account at another bank; `own` are the account's draws."""
    return counterparties.payees(own.at("own account elsewhere", 0))


def _paid_today(day: int) -> BoolArray:
    return np.array([calendar.is_pay_day(rule, day) for rule in calendar.PAY_RULES])


def _is_paid(accounts: Accounts, who: IntArray) -> BoolArray:
    elsewhere = accounts.draws.take(who).happens("income elsewhere", WITHOUT_INCOME_HERE)
    return ~(accounts.is_firm[who] | accounts.is_second[who] | elsewhere)


def _pays_people(accounts: Accounts, who: IntArray) -> BoolArray:
    return accounts.is_firm[who] & accounts.draws.take(who).happens("pays people", PAYING_FIRMS)


def _saves(accounts: Accounts, who: IntArray) -> BoolArray:
    return _is_paid(accounts, who) & accounts.draws.take(who).happens("saves", SAVERS)


def _saves_today(accounts: Accounts, who: IntArray, day: int) -> BoolArray:
    """Two calendar days after pay day, or the first working day that follows."""
    since = calendar.since_pay(day)[accounts.pay_rule[who]]
    before = 1
    while not calendar.is_working(day - before):
        before += 1
    return np.asarray((since >= 2) & (since < 2 + before))


def _brings_cash(accounts: Accounts, who: IntArray, day: int) -> BoolArray:
    own = accounts.draws.take(who)
    today = calendar.weekday(day)
    is_day = (own.whole("first cash day", 0, 4) == today) | (own.whole("second cash day", 0, 9) == today)
    return np.asarray(accounts.is_firm[who] & own.happens("cash business", CASH_BUSINESS) & is_day)


def _median_scale(accounts: Accounts, who: IntArray) -> FloatArray:
    """Bills follow the account's means less than its other spending does."""
    return np.sqrt(24.0 * accounts.scale[who])


def _one_each(episodes: Episodes) -> tuple[Steps, Draws]:
    """One step an episode, and the draws that stay the same for its account."""
    steps = unfold(episodes, np.ones(len(episodes), dtype=np.int64))
    return steps, episodes.accounts.draws.take(steps.who)


def _before_dawn(steps: Steps) -> IntArray:
    return steps.episodes.day * DAY_MS + 2 * HOUR_MS + steps.draws.whole("minute", 0, 5 * HOUR_MS)
