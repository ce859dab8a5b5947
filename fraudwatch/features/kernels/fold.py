"""Rows in their order: each is judged on what its account did, then remembered."""

from fraudwatch.compiled import compiled
from fraudwatch.features.arrays import FIRST_BLOCK, State, Used
from fraudwatch.features.columns import Column
from fraudwatch.features.kernels.accounts import NO_SLOT, enter_account, known_slot
from fraudwatch.features.kernels.clock import moment_of, span_of
from fraudwatch.features.kernels.contacts import NOBODY, meet
from fraudwatch.features.kernels.event import (
    HAS_COUNTERPARTY,
    HOURS,
    JUDGED_ONLY,
    NEW,
    REMEMBERED,
    UNPAID,
    Event,
    Rows,
    Rules,
)
from fraudwatch.features.kernels.in_order import forget, judge_in_order
from fraudwatch.features.kernels.late import insert_late, judge_late
from fraudwatch.features.kernels.repeats import check, is_seen_full
from fraudwatch.features.kernels.ring import make_room
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import FloatArray

AMOUNT, MONEY, OWN_COUNT = Column.AMOUNT.value, Column.MONEY.value, Column.OWN_COUNT.value
HOUR, WEEKDAY, NEW_COUNTERPARTY = Column.HOUR.value, Column.WEEKDAY.value, Column.NEW_COUNTERPARTY.value
ACCOUNTS, PAIRS, EVENTS = Used.ACCOUNTS.value, Used.PAIRS.value, Used.EVENTS.value
END_OF_TIME = 2**62


@compiled
def has_room(state: State) -> bool:
    """Whether one more row finds room, but for a ring that must grow."""
    used = state.used
    return (
        used[ACCOUNTS] < len(state.accounts)
        and used[PAIRS] < len(state.pairs)
        and used[EVENTS] + FIRST_BLOCK <= len(state.events)
        and not is_seen_full(state)
    )


@compiled
def fold_rows(state: State, rules: Rules, rows: Rows, begin: int) -> int:
    """Judge and remember rows from `begin` on. A next row short of the end asks for larger tables."""
    month = offset = 0
    for index in range(begin, len(rows.times)):
        if not has_room(state):
            return index
        key, time = rows.accounts[index], rows.times[index]
        slot = known_slot(state, key)
        if slot >= 0 and not make_room(state, state.accounts[slot]):
            return index
        kind = check(state, rules.horizon, key, rows.ids[index], time, rows.contents[index])
        rows.kinds[index] = kind
        if kind != REMEMBERED:
            continue
        if slot == NO_SLOT:
            slot = state.used[ACCOUNTS]
            state.used[ACCOUNTS] += 1
            enter_account(state, key, slot)
            rows.new_accounts[rows.counts[0]] = key
            rows.counts[0] += 1
            make_room(state, state.accounts[slot])
        month = span_of(rules.month_starts, time, month)
        offset = span_of(rules.offset_starts, time, offset)
        moment = moment_of(time + rules.offsets[offset])
        is_remembered = time >= state.accounts[slot].newest - rules.grace
        event = _event(state, rules, rows, index, slot, month, moment, is_remembered)
        _judge(state, rules, event, is_remembered, rows.columns[index])
        rows.columns[index, AMOUNT] = rows.amounts[index]
        if not is_remembered:
            rows.kinds[index] = JUDGED_ONLY
    return len(rows.times)


@compiled
def _judge(state: State, rules: Rules, event: Event, is_remembered: bool, row: FloatArray) -> None:
    """All columns but the amount asked for, then remember."""
    account = state.accounts[event.slot]
    if not event.bits & UNPAID:
        row[MONEY] = event.money
    row[HOUR] = event.moment % HOURS
    row[WEEKDAY] = event.moment // HOURS
    if event.time >= account.newest:
        judge_in_order(state, rules, event, row)
        forget(state, account, event.time - rules.lengths[len(rules.lengths) - 1] - rules.grace)
    else:
        position, winsor, weight = judge_late(state, rules, event, row)
        if is_remembered:
            insert_late(state, rules, event, position, winsor, weight)
    if event.bits & HAS_COUNTERPARTY and row[OWN_COUNT] > 0:
        row[NEW_COUNTERPARTY] = 1.0 if event.bits & NEW else 0.0


@compiled
def _event(
    state: State,
    rules: Rules,
    rows: Rows,
    index: int,
    slot: int,
    month: int,
    moment: int,
    is_remembered: bool,
) -> Event:
    """A row as the other kernels want it; its counterparty is met."""
    bits, pair, time = wide(rows.traits[index]), NOBODY, rows.times[index]
    if bits & HAS_COUNTERPARTY:
        pair, is_new = meet(state, slot, rows.counterparties[index], time, is_remembered)
        if is_new:
            bits |= NEW
    is_last = month + 1 >= len(rules.month_starts)
    return Event(
        slot,
        time,
        0 if bits & UNPAID else rows.amounts[index],
        pair,
        bits,
        moment,
        month,
        END_OF_TIME if is_last else rules.month_starts[month + 1],
        wide(rows.latitudes[index]),
        wide(rows.longitudes[index]),
    )
