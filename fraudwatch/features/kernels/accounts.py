"""Which slot an account has: an open addressing table by the 64-bit hash, grown with the accounts."""

from fraudwatch.compiled import compiled
from fraudwatch.features.arrays import State, Used

ACCOUNTS = Used.ACCOUNTS.value
TAG, SLOT = (1 << 32) - 1, (1 << 32) - 1
NO_SLOT = -1


@compiled
def _tag(key: int) -> int:
    """31 bits of a hash. Two accounts with the same 64 are taken for one: a chance of 3 in 100 among a billion."""
    return (key ^ (key >> 32)) & 0x7FFFFFFF


@compiled
def _place(state: State, key: int) -> int:
    """Where an account stands in the index, or the empty place it would take."""
    mask, tag = len(state.account_index) - 1, _tag(key)
    place = tag & mask
    while True:
        entry = state.account_index[place]
        if entry < 0 or (entry >> 32 == tag and state.accounts[entry & SLOT].key == key):
            return place
        place = (place + 1) & mask


@compiled
def known_slot(state: State, key: int) -> int:
    """The slot of an account, NO_SLOT of one that has none."""
    entry = state.account_index[_place(state, key)]
    return entry & SLOT if entry >= 0 else NO_SLOT


@compiled
def enter_account(state: State, key: int, slot: int) -> None:
    """Give a slot to an account that has none."""
    state.accounts[slot].key = key
    state.account_index[_place(state, key)] = (_tag(key) << 32) | slot


@compiled
def enter_accounts(state: State) -> None:
    """Fill the empty index of a table that has grown."""
    for slot in range(state.used[ACCOUNTS]):
        enter_account(state, state.accounts[slot].key, slot)
