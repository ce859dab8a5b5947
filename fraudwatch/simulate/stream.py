"""The simulated stream: day after day in event-time order, one day in memory at a time.

Each day is made by blocks of accounts, whose intermediate columns stay small; what has begun and goes on into
later days waits in the bucket of each of these days.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import calendar, counterparties, places
from fraudwatch.simulate.accounts import DAY_MS, Accounts, accounts_of
from fraudwatch.simulate.block import NO_CASE, Block, joined, priced
from fraudwatch.simulate.cases import cases
from fraudwatch.simulate.draws import BoolArray, Draws, Keys
from fraudwatch.simulate.everyday import everyday
from fraudwatch.simulate.lookalikes import LONGEST_DAYS, lookalikes
from fraudwatch.simulate.plan import Plan
from fraudwatch.simulate.standing import standing

ACCOUNTS_AT_A_TIME = 16_384
"""Some 50,000 transactions a block: half a megabyte a column, which a processor's cache holds."""


@dataclass(slots=True)
class Day:
    """The n transactions of one UTC day in event-time order, as columns.

    `country` and `counterparty_country` are indexes into places.COUNTRIES, `category` into
    counterparties.CATEGORIES; latitude and longitude are NaN where a transaction has no place, `device` is 0
    where none is known. `case` is NO_CASE or the number of the case, `kind` and `status` are codes of
    block.Kind and block.Status. Whole numbers are as narrow as their range allows.
    """

    date: date
    name: Keys
    account: IntArray
    time_ms: IntArray
    amount_minor: IntArray
    is_credit: BoolArray
    status: IntArray
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
    """The days of the plan in order: the same ones whatever the plan's last day."""
    accounts = accounts_of(plan.seed, plan.accounts, plan.first_day)
    parts = [
        slice(begin, min(begin + ACCOUNTS_AT_A_TIME, plan.accounts))
        for begin in range(0, plan.accounts, ACCOUNTS_AT_A_TIME)
    ]
    waiting = _Waiting()
    for before in range(LONGEST_DAYS - 1, 0, -1):
        for part in parts:
            waiting.add(lookalikes(accounts, plan.first_day - before, part, still=before))
    for day in range(plan.first_day, plan.first_day + plan.days):
        waiting.add(cases(plan, accounts, day))
        finished = []
        for part in parts:
            waiting.add(standing(accounts, day, part))
            waiting.add(lookalikes(accounts, day, part))
            block = joined([everyday(accounts, day, part), *waiting.due(day)])
            finished.append(_finished(plan, accounts, block, day))
        yield _in_order(finished)


class _Waiting:
    """Transactions that are made and whose day has not come: at most some weeks of episodes under way."""

    def __init__(self) -> None:
        self._by_day: defaultdict[int, list[Block]] = defaultdict(list)

    def add(self, blocks: Iterator[Block]) -> None:
        for block in blocks:
            for day, part in block.days(DAY_MS):
                self._by_day[day].append(part)

    def due(self, day: int) -> list[Block]:
        """Those of this day that have not been taken yet; those of days gone by are dropped."""
        for gone in [each for each in self._by_day if each < day]:
            del self._by_day[gone]
        return self._by_day.pop(day, [])


def _finished(plan: Plan, accounts: Accounts, block: Block, day: int) -> Day:
    """Ids, prices and everything that follows from the counterparty: alike for all transactions. Unordered."""
    names = block.names(plan.seed)
    category = counterparties.categories(block.counterparty)
    home = places.COUNTRY[accounts.home[block.account]]
    latitude, longitude = counterparties.positions(block.counterparty)
    asked = np.rint(block.amount * 100.0).astype(np.int64)
    return Day(
        date=calendar.date_of(day),
        name=names,
        account=block.account.astype(np.int32),
        time_ms=block.time_ms,
        amount_minor=np.where(block.is_price, asked, priced(block.amount, category, Draws(names))),
        is_credit=block.is_credit,
        status=block.status.astype(np.int8),
        counterparty=block.counterparty.astype(np.int32),
        counterparty_country=counterparties.countries(block.counterparty, home).astype(np.int8),
        category=category.astype(np.int8),
        country=places.COUNTRY[block.city].astype(np.int8),
        latitude=latitude,
        longitude=longitude,
        device=block.device,
        kind=block.kind.astype(np.int8),
        case=block.case.astype(np.int32),
    )


def _in_order(parts: list[Day]) -> Day:
    """The parts as one day, by event time and then by name. Empties the parts column by column, to save room."""
    whole = parts[0]
    order = np.lexsort((_column(parts, "name"), _column(parts, "time_ms")))
    for each in fields(Day):
        if each.name != "date":
            together = _column(parts, each.name)
            for part in parts:
                setattr(part, each.name, together[:0])
            setattr(whole, each.name, together[order])
    return whole


def _column(parts: list[Day], name: str) -> npt.NDArray[Any]:
    return np.concatenate([getattr(part, name) for part in parts])
