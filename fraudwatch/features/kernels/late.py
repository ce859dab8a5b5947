"""A transaction older than the account's newest: judged at its own time, and inserted at its own place.

Costs: the account's transactions inside the longest window.
"""

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.features.arrays import Element, State
from fraudwatch.features.kernels.contacts import NOBODY, is_first_seen, mark_latest, renumber_from
from fraudwatch.features.kernels.event import HOURS, UNPAID, Event, Rules
from fraudwatch.features.kernels.exact import LEAST_LEFT, halved, pressure_weight, square_parts, winsorised
from fraudwatch.features.kernels.months import MONTH_COUNT, MONTH_SUM, add_to_month, write_month
from fraudwatch.features.kernels.own import Own, remember_own, write_own
from fraudwatch.features.kernels.places import follow_place, place_before, write_place
from fraudwatch.features.kernels.ring import place_of, position_of, put, rebuild_peaks, shift_from
from fraudwatch.features.kernels.tally import clear, described, tally, write_prior, write_window
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import FloatArray


@compiled
def judge_late(state: State, rules: Rules, event: Event, row: FloatArray) -> tuple[int, int, float]:
    """Judge at an earlier time on what has arrived with event time ≤ it; changes nothing.

    A value whose history was already let go of stays NaN. Returns the logical number it would take, its
    winsorised amount and its pressure weight.
    """
    account = state.accounts[event.slot]
    position = position_of(state, account, event.time)
    if account.expired_time > event.time:
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


@compiled
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
        own_sum -= later.winsor
        high, low = square_parts(later.winsor)
        own_high, own_low = own_high - high, own_low - low
        pressure -= later.weight * halved(newest - later.time)
        if not wide(later.bits) & UNPAID:
            paid -= 1
            later_peak = max(later_peak, later.money)
        if wide(later.moment) % HOURS == hour:
            own_hour -= 1
        if wide(later.moment) // HOURS == weekday:
            own_weekday -= 1
    peak, last = account.peak, account.expired_time
    if later_peak >= peak:
        peak = _peak_before(state, account, position)
    if position > account.begin:
        last = state.events[place_of(account, position - 1)].time
    left = halved(newest - event.time)
    told = max(0.0, pressure) / left if left >= LEAST_LEFT else np.nan
    pressure = told if total > 0 else 0.0
    return Own(total, paid, own_sum, own_high, own_low, peak, last, pressure, own_hour, own_weekday)


@compiled
def _peak_before(state: State, account: Element, position: int) -> int:
    peak = account.expired_peak
    for number in range(wide(account.begin), position):
        peak = max(peak, state.events[place_of(account, number)].money)
    return peak


@compiled
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
        if later.time >= event.month_end:
            break
        later_count += 1
        later_sum += later.money
    write_month(account, event, later_count, later_sum, row)


@compiled
def _write_windows_before(
    state: State, account: Element, rules: Rules, event: Event, position: int, row: FloatArray
) -> None:
    """Walk back from the position, from the shortest window to the longest."""
    begin, window = wide(account.begin), state.scratch[0]
    clear(window)
    tally(window, event.money, event.pair, event.bits, 1)
    places = 4
    while places < 2 * (position - begin + 1):
        places *= 2
    seen = np.full(places, -1, np.int32)
    if event.pair != NOBODY:
        window.counterparties = 1
    if event.pair >= 0:
        is_first_seen(seen, event.pair)
    peak, number = event.money, position
    for index in range(len(rules.lengths)):
        since = event.time - rules.lengths[index]
        while number > begin:
            before = state.events[place_of(account, number - 1)]
            if before.time <= since:
                break
            number -= 1
            pair = wide(before.pair)
            tally(window, before.money, pair, wide(before.bits), 1)
            peak = max(peak, before.money)
            if pair >= 0 and is_first_seen(seen, pair):
                window.counterparties += 1
        if account.expired_time > since:
            continue
        if index == rules.day:
            tally(window, event.money, event.pair, event.bits, -1)
            write_prior(row, window, position - number)
            tally(window, event.money, event.pair, event.bits, 1)
        if index < described(row):
            write_window(row, index, window, position - number + 1, peak)


@compiled
def insert_late(state: State, rules: Rules, event: Event, position: int, winsor: int, weight: float) -> None:
    """Remember a late transaction at its own place. The caller has made room."""
    account = state.accounts[event.slot]
    shift_from(state, account, position)
    renumber_from(state, account, position)
    put(state, account, position, event, winsor, weight)
    account.end += 1
    follow_place(account, event, position)
    for index in range(len(rules.lengths)):
        window = state.windows[event.slot, index]
        if event.time > account.newest - rules.lengths[index]:
            tally(window, event.money, event.pair, event.bits, 1)
        else:
            window.begin += 1
    if event.pair >= 0 and state.pairs[event.pair].last < position:
        mark_latest(state, account, event.slot, event.pair, position)
    rebuild_peaks(state, account, position)
    remember_own(account, event, winsor)
    add_to_month(account, event)
    account.pressure += weight * halved(account.newest - event.time)
