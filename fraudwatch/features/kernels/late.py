"""A transaction older than the account's newest: judged at its own time, and inserted at its own place.

Costs what the account did since: what a window held at the earlier time is what it holds, without what came later,
with what it has let go of in between. Within the grace that is what can happen in the grace; behind it, where a sender
could ask again and again for what an account of a million transactions did, there is a limit.
"""

import numpy as np

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element, State
from fraudwatch.features.kernels.contacts import (
    NOBODY,
    counterparties_before,
    mark_latest,
    met_after,
    met_before,
)
from fraudwatch.features.kernels.event import HOURS, UNPAID, Event, Rules
from fraudwatch.features.kernels.exact import LEAST_LEFT, halved, pressure_weight, square_parts, winsorised
from fraudwatch.features.kernels.months import MONTH_COUNT, MONTH_SUM, add_to_month, write_month
from fraudwatch.features.kernels.own import Own, remember_own, write_own
from fraudwatch.features.kernels.packed import bits_in, moment_in, money_in, time_in, winsor_in
from fraudwatch.features.kernels.places import follow_place, place_before, write_place
from fraudwatch.features.kernels.ring import (
    largest_between,
    open_gap,
    place_of,
    position_of,
    put,
    rebuild_peaks,
)
from fraudwatch.features.kernels.tally import (
    clear,
    described,
    merge,
    tally,
    tally_kept,
    write_prior,
    write_window,
)
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import FloatArray

LOOKED_THROUGH = 16_384
"""Transactions that an account may keep for what comes behind the grace to be compared with them: 0.1 ms of work."""


@borrowing
def judge_late(
    state: State, rules: Rules, event: Event, is_remembered: bool, row: FloatArray
) -> tuple[int, int, float]:
    """Judge at an earlier time on what has arrived with event time ≤ it; changes nothing.

    A value whose history was already let go of, or is too long to look through, stays NaN. Returns the logical number
    it would take, its winsorised amount and its pressure weight.
    """
    account = state.accounts[event.slot]
    position = position_of(state, account, event.time)
    is_too_long = not is_remembered and wide(account.end) - wide(account.begin) > LOOKED_THROUGH
    if is_too_long or account.expired_time > event.time:
        return position, 0, 0.0
    own = _own_before(state, account, event, position)
    write_own(account, event, own, row)
    _write_month_before(state, account, event, position, own.total, row)
    write_place(state, account, event, place_before(state, account, position), row)
    _write_windows_before(state, account, rules, event, position, row)
    if event.bits & UNPAID:
        return position, 0, 0.0
    winsor = winsorised(event.money, own.paid, own.sum)
    return position, winsor, pressure_weight(event.money, own.paid, own.sum)


@borrowing
def _own_before(state: State, account: Element, event: Event, position: int) -> Own:
    """The whole history without what came later."""
    end, newest = wide(account.end), account.newest
    total, paid = wide(account.total) - (end - position), wide(account.paid)
    own_sum, own_high, own_low = account.own_sum, account.own_high, account.own_low
    hour, weekday = event.moment % HOURS, event.moment // HOURS
    own_hour, own_weekday = wide(account.hours[hour]), wide(account.weekdays[weekday])
    pressure, later_peak = account.pressure, -1
    for number in range(position, end):
        later = state.events[place_of(account, number)]
        own_sum -= winsor_in(later)
        high, low = square_parts(winsor_in(later))
        own_high, own_low = own_high - high, own_low - low
        pressure -= later.weight * halved(newest - time_in(later))
        if not bits_in(later) & UNPAID:
            paid -= 1
            later_peak = max(later_peak, money_in(later))
        if moment_in(later) % HOURS == hour:
            own_hour -= 1
        if moment_in(later) // HOURS == weekday:
            own_weekday -= 1
    peak, last = account.peak, account.expired_time
    if later_peak >= peak:
        peak = max(account.expired_peak, largest_between(state, account, wide(account.begin), position))
    if position > account.begin:
        last = time_in(state.events[place_of(account, position - 1)])
    left = halved(newest - event.time)
    told = max(0.0, pressure) / left if left >= LEAST_LEFT else np.nan
    pressure = told if total > 0 else 0.0
    return Own(total, paid, own_sum, own_high, own_low, peak, last, pressure, own_hour, own_weekday)


@borrowing
def _write_month_before(
    state: State, account: Element, event: Event, position: int, total: int, row: FloatArray
) -> None:
    if total == 0:  # whatever the month, nothing of it can have been let go of
        row[MONTH_COUNT] = 1
        row[MONTH_SUM] = event.money
        return
    later_count, later_sum = 0, 0
    for number in range(position, wide(account.end)):
        later = state.events[place_of(account, number)]
        if time_in(later) >= event.month_end:
            break
        later_count += 1
        later_sum += money_in(later)
    write_month(account, event, later_count, later_sum, row)


@borrowing
def _write_windows_before(
    state: State, account: Element, rules: Rules, event: Event, position: int, row: FloatArray
) -> None:
    later, window = state.scratch[0], state.scratch[1]
    clear(later)
    for number in range(position, wide(account.end)):
        tally_kept(later, state.events[place_of(account, number)], 1)
    met = met_before(state, account, event.pair, position)
    for index in range(len(rules.lengths)):
        since = event.time - rules.lengths[index]
        is_described = index < described(row)
        if account.expired_time > since or not (is_described or index == rules.day):
            continue
        clear(window)
        merge(window, state.windows[event.slot, index], 1)
        merge(window, later, -1)
        begin = _reach_back(state, account, window, wide(state.windows[event.slot, index].begin), since)
        if index == rules.day:
            write_prior(row, window, position - begin)
        if is_described:
            count = counterparties_before(state, account, begin, position, wide(window.counterparties))
            window.counterparties = count + 1 if event.pair != NOBODY and met < begin else count
            tally(window, event.money, event.pair, event.bits, 1)
            peak = max(event.money, largest_between(state, account, begin, position))
            write_window(row, index, window, position - begin + 1, peak)


@borrowing
def _reach_back(state: State, account: Element, window: Element, begin: int, since: int) -> int:
    """Add what lies before a window's beginning and after a time; returns where it begins then."""
    while begin > account.begin:
        before = state.events[place_of(account, begin - 1)]
        if time_in(before) <= since:
            break
        tally_kept(window, before, 1)
        begin -= 1
    return begin


@borrowing
def insert_late(state: State, rules: Rules, event: Event, position: int, winsor: int, weight: float) -> None:
    """Remember a late transaction at its own place. The caller has made room."""
    account = state.accounts[event.slot]
    before = met_before(state, account, event.pair, position)
    open_gap(state, account, position)
    put(state, account, position, event, winsor, weight, before)
    account.end += 1
    follow_place(account, event, position)
    for index in range(len(rules.lengths)):
        window = state.windows[event.slot, index]
        if event.time > account.newest - rules.lengths[index]:
            tally(window, event.money, event.pair, event.bits, 1)
        else:
            window.begin += 1
    if event.pair >= 0:
        if state.pairs[event.pair].last < position:
            mark_latest(state, account, event.slot, event.pair, position)
        else:
            met_after(state, account, event.pair, position)
    rebuild_peaks(state, account, position)
    remember_own(account, event, winsor)
    add_to_month(account, event)
    account.pressure += weight * halved(account.newest - event.time)
