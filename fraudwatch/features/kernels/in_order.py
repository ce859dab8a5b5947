"""A transaction no older than the account's newest: judged and remembered at a constant amortised cost."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element, State
from fraudwatch.features.kernels.contacts import mark_latest, met_before
from fraudwatch.features.kernels.event import HOURS, UNPAID, Event, Rules
from fraudwatch.features.kernels.exact import halved, pressure_weight, winsorised
from fraudwatch.features.kernels.lanes import LANES, write_composites
from fraudwatch.features.kernels.lanes.more import write_more_composites
from fraudwatch.features.kernels.months import add_to_month, turn_month, write_month
from fraudwatch.features.kernels.own import Own, remember_own, write_own
from fraudwatch.features.kernels.packed import money_in, time_in
from fraudwatch.features.kernels.places import follow_place, keep_gone_place, write_place
from fraudwatch.features.kernels.ring import drop_peaks, peak_from, place_of, push_peak, put
from fraudwatch.features.kernels.tally import described, tally, tally_kept, write_prior, write_window
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import FloatArray

USUAL = len(LANES)


@borrowing
def judge_in_order(state: State, rules: Rules, event: Event, row: FloatArray, composites: FloatArray) -> None:
    """Judge at the account's newest time, then remember. The caller has made room."""
    account = state.accounts[event.slot]
    _advance(state, rules, account, event)
    turn_month(account, event.month)
    own = _own(account, event)
    write_own(account, event, own, row)
    write_month(account, event, 0, 0, row)
    write_place(state, account, event, wide(account.place), row)
    day = state.windows[event.slot, rules.day]
    write_prior(row, day, wide(account.end) - wide(day.begin))
    winsor, weight = 0, 0.0
    if not event.bits & UNPAID:
        winsor = winsorised(event.money, own.paid, own.sum)
        weight = pressure_weight(event.money, own.paid, own.sum)
    if rules.measures_lanes:
        write_composites(state, rules, event, own, weight, composites)
        if len(composites) > USUAL:
            write_more_composites(state, rules, event, own, row, composites)
    _remember(state, account, event, winsor, weight)
    for index in range(described(row)):
        window = state.windows[event.slot, index]
        begin = wide(window.begin)
        peak = money_in(state.events[place_of(account, peak_from(state, account, begin))])
        write_window(row, index, window, wide(account.end) - begin, peak)


@borrowing
def _own(account: Element, event: Event) -> Own:
    if account.total > 0:
        account.pressure *= halved(event.time - account.newest)
    return Own(
        wide(account.total),
        wide(account.paid),
        account.own_sum,
        account.own_high,
        account.own_low,
        account.peak,
        account.newest,
        account.pressure,
        wide(account.hours[event.moment % HOURS]),
        wide(account.weekdays[event.moment // HOURS]),
    )


@borrowing
def _remember(state: State, account: Element, event: Event, winsor: int, weight: float) -> None:
    """Put the transaction at the end of the ring, into every window and into the whole history."""
    number = wide(account.end)
    put(state, account, number, event, winsor, weight, met_before(state, account, event.pair, number))
    account.end = number + 1
    push_peak(state, account, number)
    follow_place(account, event, number)
    remember_own(account, event, winsor)
    add_to_month(account, event)
    account.pressure += weight
    account.newest = event.time
    for index in range(state.windows.shape[1]):
        tally(state.windows[event.slot, index], event.money, event.pair, event.bits, 1)
    if event.pair >= 0:
        mark_latest(state, account, event.slot, event.pair, number)


@borrowing
def _advance(state: State, rules: Rules, account: Element, event: Event) -> None:
    """Let go of what each window (time − length, time] no longer holds."""
    end = wide(account.end)
    for index in range(len(rules.lengths)):
        window, since = state.windows[event.slot, index], event.time - rules.lengths[index]
        number = wide(window.begin)
        while number < end:
            gone = state.events[place_of(account, number)]
            if time_in(gone) > since:
                break
            tally_kept(window, gone, -1)
            number += 1
        window.begin = number


@borrowing
def forget(state: State, account: Element, until: int) -> None:
    """Drop transactions up to a time no judgement can need; the summary keeps them."""
    number, end = wide(account.begin), wide(account.end)
    while number < end:
        at = place_of(account, number)
        gone = state.events[at]
        time = time_in(gone)
        if time > until:
            break
        account.expired_peak = max(account.expired_peak, money_in(gone))
        account.expired_time = time
        keep_gone_place(state, account, at)
        number += 1
    if number > account.begin:
        account.begin = number
        drop_peaks(state, account)
