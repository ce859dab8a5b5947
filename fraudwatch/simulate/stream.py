"""The simulated stream: day after day in event-time order, one day in memory at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import counterparties, places
from fraudwatch.simulate.accounts import DAY_MS, Accounts, accounts_of
from fraudwatch.simulate.block import NO_CASE, Block, joined, priced
from fraudwatch.simulate.cases import cases
from fraudwatch.simulate.draws import BoolArray, Draws, Keys
from fraudwatch.simulate.episodes import LASTS_DAYS
from fraudwatch.simulate.innocent import everyday, incomes, lookalikes
from fraudwatch.simulate.plan import EPOCH, Plan

_IS_CASH = np.array([category.channel == "atm" for category in counterparties.CATEGORIES])


@dataclass(frozen=True, slots=True)
class Day:
    """The n transactions of one UTC day in event-time order, as columns.

    `country` and `counterparty_country` are indexes into places.COUNTRIES, `category` into
    counterparties.CATEGORIES; latitude and longitude are NaN where a transaction has no place, `device` is 0
    where none is known. `case` is NO_CASE or the number of the case, `kind` a code of block.Kind.
    """

    date: date
    name: Keys
    account: IntArray
    time_ms: IntArray
    amount_minor: IntArray
    is_credit: BoolArray
    counterparty: IntArray
    counterparty_country: IntArray
    category: IntArray
    country: IntArray
    latitude: FloatArray
    longitude: FloatArray
    device: Keys
    kind: IntArray
    case: IntArray

    def __len__(self) -> int:
        return len(self.name)

    @property
    def is_case(self) -> BoolArray:
        """Which transactions belong to a case."""
        return np.asarray(self.case != NO_CASE)


def days_of(plan: Plan) -> Iterator[Day]:
    """The days of the plan in order; each is made from the plan alone, however many were taken before."""
    accounts = accounts_of(plan.seed, plan.accounts)
    for day in range(plan.first_day, plan.first_day + plan.days):
        blocks = [everyday(accounts, day)]
        for begun in range(day - LASTS_DAYS + 1, day + 1):
            blocks += _episodes(plan, accounts, begun)
        everything = joined(blocks)
        yield _finished(plan, accounts, everything.take(everything.time_ms // DAY_MS == day), day)


def _episodes(plan: Plan, accounts: Accounts, day: int) -> list[Block]:
    """All that begins on this day and may last into the next ones."""
    blocks = lookalikes(accounts, day)
    if plan.income:
        blocks += incomes(accounts, day, _date(day).day)
    return blocks + list(cases(plan, accounts, day))


def _finished(plan: Plan, accounts: Accounts, block: Block, day: int) -> Day:
    """Order, ids, prices and everything that follows from the counterparty: alike for all transactions."""
    names = block.names(plan.seed)
    order = np.lexsort((names, block.time_ms))
    block, names = block.take(order), names[order]
    category = counterparties.categories(block.counterparty)
    home = places.COUNTRY[accounts.home[block.account]]
    latitude, longitude = counterparties.positions(block.counterparty)
    return Day(
        date=_date(day),
        name=names,
        account=block.account,
        time_ms=block.time_ms,
        amount_minor=priced(block.amount, _IS_CASH[category], Draws(names)),
        is_credit=block.is_credit,
        counterparty=block.counterparty,
        counterparty_country=counterparties.countries(block.counterparty, home),
        category=category,
        country=places.COUNTRY[block.city],
        latitude=latitude,
        longitude=longitude,
        device=block.device,
        kind=block.kind,
        case=block.case,
    )


def _date(day: int) -> date:
    return EPOCH + timedelta(days=day)
