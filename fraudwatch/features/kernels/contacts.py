"""The counterparties of an account: who is new, and how many distinct ones a window holds.

Of the kept transactions with one counterparty the last is marked LATEST; a window's distinct counterparties are
its marked transactions, which costs a constant amount of work whatever the window holds.
"""

from fraudwatch.compiled import compiled
from fraudwatch.features.arrays import Element, State
from fraudwatch.features.kernels.event import LATEST
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import SmallIntArray

NOBODY, STRANGER = -1, -2
"""Instead of a pair: there is no counterparty; there is one that the account never dealt with (judged only)."""


@compiled
def _key(slot: int, counterparty: int) -> int:
    """64 bits for a pair: two pairs with the same ones are taken for one, which no stream is long enough to see."""
    key = counterparty ^ (slot * -7046029254386353131)  # Fibonacci hashing spreads neighbouring slots
    return key ^ ((key >> 29) & 0x7FFFFFFFF)


@compiled
def _place(state: State, key: int) -> int:
    """Where a key stands in the index, or the empty place it would take."""
    mask = len(state.pair_index) - 1
    place = (key * -4417276706812531889 >> 20) & mask
    while state.pair_index[place] >= 0 and state.pairs[wide(state.pair_index[place])].key != key:
        place = (place + 1) & mask
    return place


@compiled
def enter_pairs(state: State) -> None:
    """Fill the empty index of a table that has grown."""
    for pair in range(state.used[1]):
        state.pair_index[_place(state, state.pairs[pair].key)] = pair


@compiled
def meet(state: State, slot: int, counterparty: int, time: int, is_remembered: bool) -> tuple[int, bool]:
    """The pair, and whether it is new at an event time: no transaction up to it is known with this counterparty.

    Remembers it if asked to; one that is neither known nor remembered is a STRANGER.
    """
    key = _key(slot, counterparty)
    place = _place(state, key)
    pair = wide(state.pair_index[place])
    if pair >= 0:
        is_new = state.pairs[pair].first_time > time
        if is_new and is_remembered:
            state.pairs[pair].first_time = time
        return pair, is_new
    if not is_remembered:
        return STRANGER, True
    pair = state.used[1]
    state.used[1] += 1
    state.pair_index[place] = pair
    state.pairs[pair].key = key
    state.pairs[pair].first_time = time
    state.pairs[pair].last = -1
    return pair, True


@compiled
def mark_latest(state: State, account: Element, slot: int, pair: int, number: int) -> None:
    """The transaction with this logical number is the latest with its counterparty; another may have been."""
    before = wide(state.pairs[pair].last)
    was_kept = before >= account.begin
    if was_kept:
        old = state.events[place_of(account, before)]
        old.bits = wide(old.bits) & ~LATEST
    new = state.events[place_of(account, number)]
    new.bits = wide(new.bits) | LATEST
    state.pairs[pair].last = number
    for index in range(state.windows.shape[1]):
        window = state.windows[slot, index]
        if was_kept and window.begin <= before:
            window.counterparties -= 1
        if window.begin <= number:
            window.counterparties += 1


@compiled
def renumber_from(state: State, account: Element, position: int) -> None:
    """Pairs follow their latest transactions, which were moved up by one from a logical number on."""
    for number in range(position + 1, wide(account.end) + 1):
        moved = state.events[place_of(account, number)]
        if wide(moved.bits) & LATEST:
            state.pairs[wide(moved.pair)].last = number


@compiled
def is_first_seen(seen: SmallIntArray, pair: int) -> bool:
    """Whether a pair is not in a set yet, which then holds it.

    The set is an open addressing table, −1 where empty, with a power of two places, twice as many as will be used.
    """
    mask = len(seen) - 1
    place = pair & mask
    while seen[place] >= 0:
        if seen[place] == pair:
            return False
        place = (place + 1) & mask
    seen[place] = pair
    return True
