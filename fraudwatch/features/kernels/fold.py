"""Arrivals in their order: each is judged on what its account did, then remembered."""

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.features.arrays import Element, State
from fraudwatch.features.columns import Column
from fraudwatch.features.kernels.contacts import NOBODY, meet
from fraudwatch.features.kernels.event import (
    HAS_COUNTERPARTY,
    HOURS,
    JUDGED_ONLY,
    NEW,
    REMEMBERED,
    SKIP,
    UNPAID,
    Event,
    Rows,
    Rules,
)
from fraudwatch.features.kernels.in_order import forget, judge_in_order
from fraudwatch.features.kernels.late import insert_late, judge_late
from fraudwatch.features.kernels.ring import make_room
from fraudwatch.features.kernels.wide import wide

AMOUNT, MONEY, OWN_COUNT = Column.AMOUNT.value, Column.MONEY.value, Column.OWN_COUNT.value
HOUR, WEEKDAY, NEW_COUNTERPARTY = Column.HOUR.value, Column.WEEKDAY.value, Column.NEW_COUNTERPARTY.value
END_OF_TIME = 2**62


@compiled
def fold_rows(state: State, rules: Rules, rows: Rows, begin: int) -> int:
    """Judge and remember rows from `begin` on. A next row short of the end asks for a larger pool."""
    keep = rules.lengths[len(rules.lengths) - 1] + rules.grace
    for index in range(begin, len(rows.arrivals)):
        arrival, row = rows.arrivals[index], rows.columns[index]
        if arrival.kind == SKIP:
            continue
        account = state.accounts[arrival.slot]
        if not make_room(state, account):
            return index
        newest = account.newest
        is_remembered = arrival.time >= newest - rules.grace
        event = _event(state, rules, arrival, is_remembered)
        row[AMOUNT] = arrival.amount
        if not event.bits & UNPAID:
            row[MONEY] = event.money
        row[HOUR] = event.moment % HOURS
        row[WEEKDAY] = event.moment // HOURS
        if event.time >= newest:
            judge_in_order(state, rules, event, row)
            forget(state, account, event.time - keep)
        else:
            position, winsor, weight = judge_late(state, rules, event, row)
            if is_remembered:
                insert_late(state, rules, event, position, winsor, weight)
        if event.bits & HAS_COUNTERPARTY and row[OWN_COUNT] > 0:
            row[NEW_COUNTERPARTY] = 1.0 if event.bits & NEW else 0.0
        arrival.kind = REMEMBERED if is_remembered else JUDGED_ONLY
    return len(rows.arrivals)


@compiled
def _event(state: State, rules: Rules, arrival: Element, is_remembered: bool) -> Event:
    """The arrival as the other kernels want it; its counterparty is met."""
    bits, pair = wide(arrival.bits), NOBODY
    if bits & HAS_COUNTERPARTY:
        pair, is_new = meet(state, arrival.slot, arrival.counterparty, arrival.time, is_remembered)
        if is_new:
            bits |= NEW
    month = wide(np.searchsorted(rules.month_starts, arrival.time, "right")) - 1
    is_last = month + 1 >= len(rules.month_starts)
    return Event(
        arrival.slot,
        arrival.time,
        0 if bits & UNPAID else arrival.amount,
        pair,
        bits,
        wide(arrival.moment),
        month,
        END_OF_TIME if is_last else rules.month_starts[month + 1],
        wide(arrival.latitude),
        wide(arrival.longitude),
    )
