"""Whether tables that came from outside hang together: what the other kernels follow without looking."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import NOTHING, State, Used
from fraudwatch.features.kernels.accounts import LESS, MORE
from fraudwatch.features.kernels.event import HAS_PLACE
from fraudwatch.features.kernels.packed import bits_in
from fraudwatch.features.kernels.ring import place_of, size_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import ByteArray

ACCOUNTS, EVENTS = Used.ACCOUNTS.value, Used.EVENTS.value
LEAST_ACTIVE, MOST_ACTIVE = Used.LEAST_ACTIVE.value, Used.MOST_ACTIVE.value


@borrowing
def are_accounts_in_line(state: State) -> bool:
    """Whether each account stands once in the order of activity. All links are slots or NOTHING."""
    before, slot = NOTHING, state.used[LEAST_ACTIVE]
    for _ in range(state.used[ACCOUNTS]):
        if slot < 0 or wide(state.links[slot, LESS]) != before:
            return False
        before, slot = slot, wide(state.links[slot, MORE])
    return slot == NOTHING and before == state.used[MOST_ACTIVE]


@borrowing
def are_blocks_apart(state: State, taken: ByteArray) -> bool:
    """Whether no two blocks, of accounts or free, have an element in common. Blocks of accounts lie in the pool.

    `taken` is zeroes, one for each element of the pool in use.
    """
    for slot in range(state.used[ACCOUNTS]):
        account = state.accounts[slot]
        for place in range(account.start, account.start + account.block):
            if taken[place]:
                return False
            taken[place] = 1
    for index in range(len(state.free)):
        start, size = state.free[index], size_of(index)
        while start != NOTHING:
            if start < 0 or start > state.used[EVENTS] - size:
                return False
            for place in range(start, start + size):
                if taken[place]:
                    return False
                taken[place] = 1
            start = state.events[start].stamp
    return True


@borrowing
def has_places(state: State) -> bool:
    """Whether a transaction that is kept says that it has a place."""
    for slot in range(state.used[ACCOUNTS]):
        account = state.accounts[slot]
        for number in range(wide(account.held), wide(account.end)):
            if bits_in(state.events[place_of(account, number)]) & HAS_PLACE:
                return True
    return False
