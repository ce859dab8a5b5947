"""The ring of an account's kept transactions: room, order, and maxima of its tails."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import (
    FIRST_BLOCK,
    NOTHING,
    SIZES_PER_DOUBLING,
    Element,
    State,
    Table,
    Used,
)
from fraudwatch.features.kernels.event import LATEST, Event
from fraudwatch.features.kernels.packed import bits_in, money_in, pack, time_in
from fraudwatch.features.kernels.wide import wide

ACCOUNTS, EVENTS = Used.ACCOUNTS.value, Used.EVENTS.value

SMALL_BLOCK = 16
"""Up to this size blocks grow by half, beyond by a quarter: a small one is copied cheaply, and often the last."""


@borrowing
def place_of(account: Element, number: int) -> int:
    """Where in the pool a logical number stands that is held, or the one that comes next."""
    return account.start + _around(account, number - wide(account.turn))


@borrowing
def _around(account: Element, steps: int) -> int:
    """So many steps, less than twice round, from the start of the ring; within it whatever they are."""
    size = wide(account.block)
    if steps >= size:
        steps -= size
    return steps if 0 <= steps < size else 0


@borrowing
def make_room(state: State, account: Element) -> bool:
    """Room for one more transaction of the account; False when the pool must grow first."""
    size, held, end = wide(account.block), wide(account.held), wide(account.end)
    if end - held < size:
        if held - wide(account.turn) >= size:
            account.turn += size
        return True
    index = _larger(size)
    start = _take_block(state, index)
    if start < 0:
        return False
    for number in range(held, end):
        _copy(state, place_of(account, number), start + number - held)
    first, last = wide(account.peaks_begin), wide(account.peaks_end)
    for number in range(first, last):
        state.events[start + number - first].peak = _peak(state, account, number)
    free_block(state, account.start, size)
    account.start = start
    account.block = size_of(index)
    account.turn = held
    account.peaks_begin = 0
    account.peaks_end = last - first
    return True


@borrowing
def measure_blocks(state: State) -> tuple[int, int]:
    """Elements in the blocks of all accounts, and in the largest one."""
    everything = largest = 0
    for slot in range(state.used[ACCOUNTS]):
        size = wide(state.accounts[slot].block)
        everything += size
        largest = max(largest, size)
    return everything, largest


@borrowing
def move_blocks(state: State, events: Table, places: Table) -> None:
    """Put the blocks of all accounts one after the other into another pool: what was free between them is gone."""
    end = 0
    for slot in range(state.used[ACCOUNTS]):
        account = state.accounts[slot]
        for element in range(wide(account.block)):
            events[end + element] = state.events[account.start + element]
            if len(state.places) > 0:
                places[end + element] = state.places[account.start + element]
        account.start = end
        end += wide(account.block)
    state.used[EVENTS] = end
    for index in range(len(state.free)):
        state.free[index] = NOTHING


@borrowing
def free_block(state: State, start: int, size: int) -> None:
    """A block that nobody has any more; none of size 0."""
    if size > 0:
        index = _index(size)
        state.events[start].stamp = state.free[index]
        state.free[index] = start


@borrowing
def _take_block(state: State, index: int) -> int:
    """Start of a free block of this size, or −1 when the pool must grow first."""
    start = state.free[index]
    if start >= 0:
        state.free[index] = state.events[start].stamp
        return start
    start, size = state.used[EVENTS], size_of(index)
    if start + size > len(state.events):
        return -1
    state.used[EVENTS] += size
    return start


@borrowing
def size_of(index: int) -> int:
    """The sizes that blocks have: four, five, six and seven times each power of two."""
    return (FIRST_BLOCK + index % SIZES_PER_DOUBLING) << (index // SIZES_PER_DOUBLING)


@borrowing
def _index(size: int) -> int:
    """Which size it is."""
    doubled = 0
    while 2 * FIRST_BLOCK << doubled <= size:
        doubled += 1
    return SIZES_PER_DOUBLING * doubled + (size >> doubled) - FIRST_BLOCK


@borrowing
def _larger(size: int) -> int:
    """The size that a full block is exchanged for."""
    if size == 0:
        return 0
    return _index(size) + (2 if size < SMALL_BLOCK else 1)


@borrowing
def _copy(state: State, source: int, target: int) -> None:
    """All of a transaction but the maximum that happens to be kept beside it."""
    old, new = state.events[source], state.events[target]
    new.stamp = old.stamp
    new.asked = old.asked
    new.winsor = old.winsor
    new.weight = old.weight
    new.pair = old.pair
    new.before = old.before
    if len(state.places) > 0:
        state.places[target].latitude = state.places[source].latitude
        state.places[target].longitude = state.places[source].longitude


@borrowing
def open_gap(state: State, account: Element, position: int) -> None:
    """Move what stands from a logical number on up by one, with what points to it. The caller has made room."""
    for number in range(wide(account.end), position, -1):
        place = place_of(account, number)
        _copy(state, place_of(account, number - 1), place)
        moved = state.events[place]
        if moved.before >= position:
            moved.before += 1
        if bits_in(moved) & LATEST:
            state.pairs[wide(moved.pair)].last = number


@borrowing
def put(
    state: State, account: Element, number: int, event: Event, winsor: int, weight: float, before: int
) -> None:
    """Write a transaction at its logical number; `before` is that of the one before with the same counterparty."""
    place = place_of(account, number)
    kept = state.events[place]
    pack(kept, event.time, event.moment, event.bits, event.asked, winsor, event.offset)
    kept.weight = weight
    kept.pair = event.pair
    kept.before = before
    if len(state.places) > 0:
        state.places[place].latitude = event.latitude
        state.places[place].longitude = event.longitude


@borrowing
def position_of(state: State, account: Element, time: int) -> int:
    """Logical number after the last kept transaction with event time ≤ time (binary search)."""
    low, high = wide(account.begin), wide(account.end)
    while low < high:
        middle = (low + high) >> 1
        if time_in(state.events[place_of(account, middle)]) <= time:
            low = middle + 1
        else:
            high = middle
    return low


@borrowing
def _peak(state: State, account: Element, index: int) -> int:
    """Logical number of one of the descending maxima."""
    return wide(state.events[_peak_place(account, index)].peak)


@borrowing
def _peak_place(account: Element, index: int) -> int:
    """Beside which transaction a maximum is kept. They have a count of their own, which begins anew once round."""
    return account.start + _around(account, index)


@borrowing
def _money(state: State, account: Element, number: int) -> int:
    return money_in(state.events[place_of(account, number)])


@borrowing
def push_peak(state: State, account: Element, number: int) -> None:
    """Keep the maxima descending: what a newer, no smaller amount covers is never a maximum again."""
    money = _money(state, account, number)
    first, last = wide(account.peaks_begin), wide(account.peaks_end)
    while last > first:
        if _money(state, account, _peak(state, account, last - 1)) > money:
            break
        last -= 1
    state.events[_peak_place(account, last)].peak = number
    account.peaks_end = last + 1


@borrowing
def rebuild_peaks(state: State, account: Element, position: int) -> None:
    """Put the maxima right after something was inserted at a logical number."""
    first, last = wide(account.peaks_begin), wide(account.peaks_end)
    while last > first and _peak(state, account, last - 1) >= position:
        last -= 1
    account.peaks_end = last
    for number in range(position, wide(account.end)):
        push_peak(state, account, number)


@borrowing
def peak_from(state: State, account: Element, begin: int) -> int:
    """Logical number of the largest amount from `begin` on: the first kept maximum there (binary search)."""
    low, high = wide(account.peaks_begin), wide(account.peaks_end) - 1
    while low < high:
        middle = (low + high) >> 1
        if _peak(state, account, middle) < begin:
            low = middle + 1
        else:
            high = middle
    return _peak(state, account, low)


@borrowing
def largest_between(state: State, account: Element, begin: int, position: int) -> int:
    """The largest amount from logical number `begin` up to a position, −1 if there is none.

    It is a maximum of what is kept, or else that one came later: only then all between must be looked at, which is
    as seldom as what is later is little.
    """
    if begin >= position:
        return -1
    number = peak_from(state, account, begin)
    if number < position:
        return _money(state, account, number)
    largest = -1
    for between in range(begin, position):
        largest = max(largest, _money(state, account, between))
    return largest


@borrowing
def drop_peaks(state: State, account: Element) -> None:
    """Let go of maxima that are no longer kept."""
    first, last, begin = wide(account.peaks_begin), wide(account.peaks_end), wide(account.begin)
    while first < last and _peak(state, account, first) < begin:
        first += 1
    if first >= account.block:
        first -= wide(account.block)
        account.peaks_end = last - wide(account.block)
    account.peaks_begin = first
