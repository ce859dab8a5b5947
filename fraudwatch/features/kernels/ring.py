"""The ring of an account's kept transactions: room, order, and maxima of its tails."""

from fraudwatch.compiled import compiled
from fraudwatch.features.arrays import FIRST_BLOCK, Element, State
from fraudwatch.features.kernels.event import Event
from fraudwatch.features.kernels.wide import wide


@compiled
def place_of(account: Element, number: int) -> int:
    """Where in the pool a logical number stands."""
    return account.start + (number & (wide(account.block) - 1))


@compiled
def make_room(state: State, account: Element) -> bool:
    """Room for one more transaction of the account; False when the pool must grow first."""
    size, begin, end = wide(account.block), wide(account.begin), wide(account.end)
    if end - begin < size:
        return True
    wanted = max(FIRST_BLOCK, 2 * size)
    start = _take_block(state, _power(wanted))
    if start < 0:
        return False
    old = account.start
    for number in range(begin, end):
        _copy(state, old + (number & (size - 1)), start + (number & (wanted - 1)))
    for number in range(wide(account.peaks_begin), wide(account.peaks_end)):
        peak = state.events[old + (number & (size - 1))].peak
        state.events[start + (number & (wanted - 1))].peak = peak
    if size > 0:
        power = _power(size)
        state.events[old].time = state.free[power]
        state.free[power] = old
    account.start = start
    account.block = wanted
    return True


@compiled
def _take_block(state: State, power: int) -> int:
    """Start of a free block of 2**power elements, or −1 when the pool must grow first."""
    start = state.free[power]
    if start >= 0:
        state.free[power] = state.events[start].time
        return start
    start = state.used[0]
    if start + (1 << power) > len(state.events):
        return -1
    state.used[0] += 1 << power
    return start


@compiled
def _power(size: int) -> int:
    power = 0
    while (1 << power) < size:
        power += 1
    return power


@compiled
def _copy(state: State, source: int, target: int) -> None:
    """All of a transaction but the maximum that happens to be kept beside it."""
    old, new = state.events[source], state.events[target]
    new.time = old.time
    new.money = old.money
    new.winsor = old.winsor
    new.weight = old.weight
    new.pair = old.pair
    new.bits = old.bits
    new.moment = old.moment
    if len(state.places) > 0:
        state.places[target].latitude = state.places[source].latitude
        state.places[target].longitude = state.places[source].longitude


@compiled
def shift_from(state: State, account: Element, position: int) -> None:
    """Move what stands from a logical number on up by one. The caller has made room."""
    for number in range(wide(account.end), position, -1):
        _copy(state, place_of(account, number - 1), place_of(account, number))


@compiled
def put(state: State, account: Element, number: int, event: Event, winsor: int, weight: float) -> None:
    """Write a transaction at its logical number."""
    place = place_of(account, number)
    kept = state.events[place]
    kept.time = event.time
    kept.money = event.money
    kept.winsor = winsor
    kept.weight = weight
    kept.pair = event.pair
    kept.bits = event.bits
    kept.moment = event.moment
    if len(state.places) > 0:
        state.places[place].latitude = event.latitude
        state.places[place].longitude = event.longitude


@compiled
def position_of(state: State, account: Element, time: int) -> int:
    """Logical number after the last kept transaction with event time ≤ time (binary search)."""
    low, high = wide(account.begin), wide(account.end)
    while low < high:
        middle = (low + high) >> 1
        if state.events[place_of(account, middle)].time <= time:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _peak(state: State, account: Element, index: int) -> int:
    """Logical number of one of the descending maxima."""
    return wide(state.events[place_of(account, index)].peak)


@compiled
def push_peak(state: State, account: Element, number: int) -> None:
    """Keep the maxima descending: what a newer, no smaller amount covers is never a maximum again."""
    money = state.events[place_of(account, number)].money
    first, last = wide(account.peaks_begin), wide(account.peaks_end)
    while last > first:
        covered = _peak(state, account, last - 1)
        if state.events[place_of(account, covered)].money > money:
            break
        last -= 1
    state.events[place_of(account, last)].peak = number
    account.peaks_end = last + 1


@compiled
def rebuild_peaks(state: State, account: Element, position: int) -> None:
    """Put the maxima right after something was inserted at a logical number."""
    first, last = wide(account.peaks_begin), wide(account.peaks_end)
    while last > first and _peak(state, account, last - 1) >= position:
        last -= 1
    account.peaks_end = last
    for number in range(position, wide(account.end)):
        push_peak(state, account, number)


@compiled
def peak_from(state: State, account: Element, begin: int) -> int:
    """Largest amount from logical number `begin` on: the first kept maximum there (binary search)."""
    low, high = wide(account.peaks_begin), wide(account.peaks_end) - 1
    while low < high:
        middle = (low + high) >> 1
        if _peak(state, account, middle) < begin:
            low = middle + 1
        else:
            high = middle
    return state.events[place_of(account, _peak(state, account, low))].money


@compiled
def drop_peaks(state: State, account: Element) -> None:
    """Let go of maxima that are no longer kept."""
    first, last, begin = wide(account.peaks_begin), wide(account.peaks_end), wide(account.begin)
    while first < last and _peak(state, account, first) < begin:
        first += 1
    account.peaks_begin = first
