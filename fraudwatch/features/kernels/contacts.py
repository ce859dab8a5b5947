"""The counterparties and devices of an account: who is new, and how many distinct ones a window holds.

Of the kept transactions with one counterparty the last is marked LATEST, and each knows the one before it; a window's
distinct counterparties are its marked transactions, which costs a constant amount of work whatever the window holds.

A device is met as a counterparty is, and is none of a window's.
"""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import NOTHING, Element, State, Used
from fraudwatch.features.kernels.event import LATEST
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide

NOBODY, STRANGER = -1, -2
"""Instead of a pair: there is no counterparty; there is one that the account never dealt with (judged only)."""

DEVICE = 0x3C6EF372FE94F82B
"""What turns the hash of a device into one that is not that of a counterparty of the same text."""

PAIRS, FREE_PAIR = Used.PAIRS.value, Used.FREE_PAIR.value


@borrowing
def has_room_for_pairs(state: State) -> bool:
    """Whether two more can be remembered: the counterparty and the device of one row."""
    free, left = state.used[FREE_PAIR], len(state.pairs) - state.used[PAIRS]
    return left >= 2 or (free >= 0 and (left == 1 or wide(state.pairs[free].last) >= 0))


@borrowing
def first_place(state: State, slot: int, counterparty: int) -> int:
    """Where the search for a pair begins in the index."""
    # Fibonacci hashing spreads neighbouring slots.
    return (counterparty ^ (slot * -7046029254386353131 >> 20)) & (len(state.pair_index) - 1)


@borrowing
def _place(state: State, slot: int, incarnation: int, counterparty: int) -> int:
    """Where a pair stands in the index, or the empty place it would take."""
    mask = len(state.pair_index) - 1
    place = first_place(state, slot, counterparty)
    while True:
        number = wide(state.pair_index[place])
        if number < 0:
            return place
        pair = state.pairs[number]
        if pair.counterparty == counterparty and pair.slot == slot and pair.incarnation == incarnation:
            return place
        place = (place + 1) & mask


@borrowing
def enter_pairs(state: State) -> None:
    """Fill the empty index of a table that has grown; pairs of accounts that were let go of become free."""
    state.used[FREE_PAIR] = NOTHING
    for number in range(state.used[PAIRS] - 1, -1, -1):
        pair = state.pairs[number]
        slot, incarnation = wide(pair.slot), wide(pair.incarnation)
        if slot < 0 or incarnation != state.accounts[slot].incarnation:
            pair.slot = NOTHING
            pair.last = state.used[FREE_PAIR]
            state.used[FREE_PAIR] = number
        else:
            state.pair_index[_place(state, slot, incarnation, pair.counterparty)] = number


@borrowing
def count_pairs(state: State) -> int:
    """How many are of accounts that are known."""
    count = 0
    for number in range(state.used[PAIRS]):
        pair = state.pairs[number]
        if pair.slot >= 0 and pair.incarnation == state.accounts[wide(pair.slot)].incarnation:
            count += 1
    return count


@borrowing
def meet(state: State, slot: int, counterparty: int, time: int, is_remembered: bool) -> tuple[int, bool]:
    """The pair, and whether it is new at an event time: no transaction up to it is known with this counterparty.

    Remembers it if asked to; one that is neither known nor remembered is a STRANGER.
    """
    incarnation = wide(state.accounts[slot].incarnation)
    place = _place(state, slot, incarnation, counterparty)
    number = wide(state.pair_index[place])
    if number >= 0:
        is_new = state.pairs[number].first_time > time
        if is_new and is_remembered:
            state.pairs[number].first_time = time
        return number, is_new
    if not is_remembered:
        return STRANGER, True
    number = _vacant(state)
    state.pair_index[place] = number
    pair = state.pairs[number]
    pair.counterparty = counterparty
    pair.first_time = time
    pair.slot = slot
    pair.incarnation = incarnation
    pair.last = NOTHING
    return number, True


@borrowing
def _vacant(state: State) -> int:
    number = state.used[FREE_PAIR]
    if number >= 0:
        state.used[FREE_PAIR] = wide(state.pairs[number].last)
        return number
    number = state.used[PAIRS]
    state.used[PAIRS] += 1
    return number


@borrowing
def mark_latest(state: State, account: Element, slot: int, pair: int, number: int) -> None:
    """The transaction with this logical number is the latest with its counterparty; another may have been."""
    before = wide(state.pairs[pair].last)
    was_kept = before >= account.begin
    if was_kept:
        state.events[place_of(account, before)].stamp &= ~LATEST
    state.events[place_of(account, number)].stamp |= LATEST
    state.pairs[pair].last = number
    for index in range(state.windows.shape[1]):
        window = state.windows[slot, index]
        if was_kept and window.begin <= before:
            window.counterparties -= 1
        if window.begin <= number:
            window.counterparties += 1


@borrowing
def met_before(state: State, account: Element, pair: int, position: int) -> int:
    """Logical number of the last transaction with a counterparty before a position, NOTHING if there is none.

    It may no longer be kept.
    """
    if pair < 0:
        return NOTHING
    number = wide(state.pairs[pair].last)
    if number < position:
        return number
    for later in range(position, wide(account.end)):
        kept = state.events[place_of(account, later)]
        if kept.pair == pair:
            return wide(kept.before)
    return NOTHING


@borrowing
def met_after(state: State, account: Element, pair: int, position: int) -> None:
    """The transaction at a position stands before the first later one with its counterparty, of which there is one."""
    for later in range(position + 1, wide(account.end)):
        kept = state.events[place_of(account, later)]
        if kept.pair == pair:
            kept.before = position
            break


@borrowing
def counterparties_before(state: State, account: Element, begin: int, position: int, marked: int) -> int:
    """Distinct counterparties from logical number `begin` up to a position, of which so many are marked LATEST.

    Those that are marked later are found at their first transaction from the position on. Costs what is later.
    """
    count = marked
    for number in range(position, wide(account.end)):
        later = state.events[place_of(account, number)]
        if later.pair >= 0 and begin <= later.before < position:
            count += 1
    return count
