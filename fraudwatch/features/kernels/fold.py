"""Rows in their order: each is judged on what its account did, then remembered."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import FIRST_BLOCK, NEVER, NOTHING, UNKNOWN, State, Used
from fraudwatch.features.columns import Column
from fraudwatch.features.kernels.accounts import begin_account, known_slot, let_go, touch, was_let_go
from fraudwatch.features.kernels.ahead import look_ahead
from fraudwatch.features.kernels.clock import moment_of, span_of
from fraudwatch.features.kernels.contacts import DEVICE, NOBODY, has_room_for_pairs, meet
from fraudwatch.features.kernels.event import (
    HAS_COUNTERPARTY,
    HOURS,
    JUDGED_ONLY,
    LET_GO,
    NEW,
    NEW_ACCOUNTS,
    REMEMBERED,
    RETURNED,
    UNPAID,
    Event,
    Rows,
    Rules,
)
from fraudwatch.features.kernels.in_order import forget, judge_in_order
from fraudwatch.features.kernels.late import insert_late, judge_late
from fraudwatch.features.kernels.months import MONTH_COUNT, MONTH_SUM
from fraudwatch.features.kernels.own import AGE
from fraudwatch.features.kernels.repeats import check, is_seen_full
from fraudwatch.features.kernels.ring import make_room
from fraudwatch.features.kernels.tally import PRIOR_NEW
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import FloatArray

AMOUNT, MONEY, OWN_COUNT = Column.AMOUNT.value, Column.MONEY.value, Column.OWN_COUNT.value
HOUR, WEEKDAY, NEW_COUNTERPARTY = Column.HOUR.value, Column.WEEKDAY.value, Column.NEW_COUNTERPARTY.value
COHORT = Column.COHORT.value
ACCOUNTS, EVENTS, GONE, BATCH = Used.ACCOUNTS.value, Used.EVENTS.value, Used.GONE.value, Used.BATCH.value
END_OF_TIME = 2**62


@borrowing
def has_room_for_account(state: State, rules: Rules) -> bool:
    """Whether one more account finds room, if only because another is let go of."""
    return state.used[ACCOUNTS] < len(state.accounts) or state.used[ACCOUNTS] >= rules.max_accounts


@borrowing
def has_room_for_gone(state: State) -> bool:
    """Whether one more account let go of can be remembered: three quarters of the places are used at most."""
    return state.used[GONE] * 4 < len(state.gone) * 3


@borrowing
def _has_room(state: State, rules: Rules) -> bool:
    """Whether one more row finds room, but for a ring that must grow."""
    return (
        has_room_for_account(state, rules)
        and has_room_for_pairs(state)
        and has_room_for_gone(state)
        and state.used[EVENTS] + FIRST_BLOCK <= len(state.events)
        and not is_seen_full(state)
    )


@borrowing
def fold_rows(state: State, rules: Rules, rows: Rows, begin: int) -> int:
    """Judge and remember rows from `begin` on. A next row short of the end asks for larger tables."""
    month = offset = 0
    for index in range(begin, len(rows.times)):
        look_ahead(state, rows, index)
        key, time = rows.accounts[index], rows.times[index]
        slot = known_slot(state, key)
        if not (_has_room(state, rules) and _has_room_in_ring(state, slot)):
            return index
        kind = check(state, rules.horizon, key, rows.ids[index], time, rows.contents[index])
        rows.kinds[index] = kind
        if kind != REMEMBERED:
            continue
        if slot == NOTHING:
            slot = _admit(state, rules, rows, index)
        touch(state, slot)
        if state.accounts[slot].whole_from == UNKNOWN:
            state.accounts[slot].whole_from = time + rules.lengths[len(rules.lengths) - 1]
        month = span_of(rules.month_starts, time, month)
        offset = span_of(rules.offset_starts, time, offset)
        moment = moment_of(time + rules.offsets[offset])
        is_remembered = time >= state.accounts[slot].newest - rules.grace
        event = _event(state, rules, rows, index, slot, month, moment, is_remembered)
        _judge(state, rules, event, is_remembered, rows.columns[index], rows.composites[index])
        if rows.cohorts[index] != 0:
            rows.columns[index, COHORT] = rows.cohorts[index]
        if not is_remembered:
            rows.kinds[index] = JUDGED_ONLY
    return len(rows.times)


@borrowing
def _has_room_in_ring(state: State, slot: int) -> bool:
    """What a batch lets go of stays in the ring until the next one, for the evidence of what the batch holds."""
    if slot == NOTHING:
        return True
    account = state.accounts[slot]
    if account.batch != state.used[BATCH]:
        account.batch = state.used[BATCH]
        account.held = account.begin
    return make_room(state, account)


@borrowing
def _admit(state: State, rules: Rules, rows: Rows, index: int) -> int:
    """A slot for an account that has none; another may have to go."""
    key = rows.accounts[index]
    if state.used[ACCOUNTS] < rules.max_accounts:
        slot = state.used[ACCOUNTS]
        state.used[ACCOUNTS] += 1
    else:
        slot = let_go(state)
        rows.counts[LET_GO] += 1
    whole_from = NEVER
    if was_let_go(state, key):
        whole_from = rows.times[index] + rules.lengths[len(rules.lengths) - 1]
        rows.counts[RETURNED] += 1
    else:
        rows.new_accounts[rows.counts[NEW_ACCOUNTS]] = key
        rows.counts[NEW_ACCOUNTS] += 1
    begin_account(state, key, slot, whole_from)
    make_room(state, state.accounts[slot])
    return slot


@borrowing
def _judge(
    state: State, rules: Rules, event: Event, is_remembered: bool, row: FloatArray, composites: FloatArray
) -> None:
    """All columns and composites, then remember. Late transactions have no composites."""
    account = state.accounts[event.slot]
    row[AMOUNT] = event.asked
    if not event.bits & UNPAID:
        row[MONEY] = event.money
    row[HOUR] = event.moment % HOURS
    row[WEEKDAY] = event.moment // HOURS
    if event.time >= account.newest:
        judge_in_order(state, rules, event, row, composites)
        forget(state, account, event.time - rules.lengths[len(rules.lengths) - 1] - rules.grace)
    else:
        position, winsor, weight = judge_late(state, rules, event, is_remembered, row)
        if is_remembered:
            insert_late(state, rules, event, position, winsor, weight)
    if row[OWN_COUNT] > 0:
        row[NEW_COUNTERPARTY] = event.novelty
    if event.time < account.whole_from:
        row[AGE] = row[MONTH_COUNT] = row[MONTH_SUM] = row[PRIOR_NEW] = math.nan


@borrowing
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
    """A row as the other kernels want it; its counterparty and its device are met."""
    bits, pair, time = wide(rows.traits[index]), NOBODY, rows.times[index]
    novelty = math.nan
    if bits & HAS_COUNTERPARTY:
        pair, is_unmet = meet(state, slot, rows.counterparties[index], time, is_remembered)
        if not is_unmet:
            novelty = 0.0
        elif time >= state.accounts[slot].whole_from:
            novelty = 1.0
            bits |= NEW
    device, is_new_device = NOBODY, False
    if rows.devices[index] != 0:
        device, is_new_device = meet(state, slot, rows.devices[index] ^ DEVICE, time, is_remembered)
        is_new_device = is_new_device and time >= state.accounts[slot].whole_from
    is_last = month + 1 >= len(rules.month_starts)
    return Event(
        slot,
        time,
        rows.amounts[index],
        0 if bits & UNPAID else rows.amounts[index],
        pair,
        bits,
        moment,
        month,
        END_OF_TIME if is_last else rules.month_starts[month + 1],
        wide(rows.latitudes[index]),
        wide(rows.longitudes[index]),
        rows.offsets[index],
        novelty,
        device,
        is_new_device,
    )
