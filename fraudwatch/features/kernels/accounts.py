"""Which slot an account has: an open addressing table by the 64-bit hash, grown with the accounts.

No text of an account is kept. Two accounts with the same 64 bits are taken for one, which happens among a billion with
a chance of 3 in 100.

Beyond the number of accounts that may be kept, the least recently active is let go of: the one that no transaction
came to for longest, by order of arrival. Its hash is remembered, so that it is not taken for new when it returns.
"""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import NEVER, NOTHING, Element, State, Used
from fraudwatch.features.kernels.months import NO_MONTH
from fraudwatch.features.kernels.ring import free_block
from fraudwatch.features.kernels.tally import clear
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import IntArray

ACCOUNTS, GONE, BATCH = Used.ACCOUNTS.value, Used.GONE.value, Used.BATCH.value
LEAST_ACTIVE, MOST_ACTIVE = Used.LEAST_ACTIVE.value, Used.MOST_ACTIVE.value
SLOT = (1 << 32) - 1
LESS, MORE = 0, 1
"""Columns of `State.links`."""


@borrowing
def known_slot(state: State, key: int) -> int:
    """The slot of an account, NOTHING of one that has none."""
    entry = state.account_index[_place(state, key)]
    return entry & SLOT if entry >= 0 else NOTHING


@borrowing
def first_place(state: State, key: int) -> int:
    """Where the search for an account begins in the index."""
    return _tag(key) & (len(state.account_index) - 1)


@borrowing
def likely_slot(state: State, key: int) -> int:
    """`known_slot` without a look at the account itself: mostly right, and NOTHING where the search would go on."""
    entry = state.account_index[first_place(state, key)]
    return entry & SLOT if entry >= 0 and entry >> 32 == _tag(key) else NOTHING


@borrowing
def begin_account(state: State, key: int, slot: int, whole_from: int) -> None:
    """Give a slot that nobody has to an account that has none."""
    _empty(state.accounts[slot])
    for index in range(state.windows.shape[1]):
        clear(state.windows[slot, index])
        state.windows[slot, index].begin = 0
    state.accounts[slot].key = key
    state.accounts[slot].whole_from = whole_from
    state.accounts[slot].batch = state.used[BATCH]
    _enter(state, key, slot)
    _append(state, slot)


@borrowing
def let_go(state: State) -> int:
    """Forget the least recently active account but for its hash; its slot is nobody's then."""
    slot = state.used[LEAST_ACTIVE]
    account = state.accounts[slot]
    _remember_gone(state, account.key)
    _leave(state, account.key)
    _unlink(state, slot)
    free_block(state, account.start, wide(account.block))
    account.incarnation += 1
    return slot


@borrowing
def touch(state: State, slot: int) -> None:
    """A transaction came to this account."""
    if state.used[MOST_ACTIVE] != slot:
        _unlink(state, slot)
        _append(state, slot)


@borrowing
def enter_accounts(state: State) -> None:
    """Fill the empty index of a table that has grown."""
    for slot in range(state.used[ACCOUNTS]):
        _enter(state, state.accounts[slot].key, slot)


@borrowing
def was_let_go(state: State, key: int) -> bool:
    """Whether an account was let go of at some time."""
    return state.gone[_gone_place(state, key)] != 0


@borrowing
def enter_gone(state: State, hashes: IntArray) -> None:
    """Fill the empty table with those of another, 0 being none."""
    for key in hashes:
        if key != 0:
            _remember_gone(state, key)


@borrowing
def _remember_gone(state: State, key: int) -> None:
    """Remember that an account was let go of. The caller has made room."""
    place = _gone_place(state, key)
    if state.gone[place] == 0:
        state.gone[place] = key if key != 0 else 1
        state.used[GONE] += 1


@borrowing
def _gone_place(state: State, key: int) -> int:
    """Where a hash stands among those let go of, or the empty place it would take. (0 is taken for 1.)"""
    key = key if key != 0 else 1
    mask = len(state.gone) - 1
    place = _tag(key) & mask
    while state.gone[place] != 0 and state.gone[place] != key:
        place = (place + 1) & mask
    return place


@borrowing
def _tag(key: int) -> int:
    """31 bits of a hash."""
    return (key ^ (key >> 32)) & 0x7FFFFFFF


@borrowing
def _place(state: State, key: int) -> int:
    """Where an account stands in the index, or the empty place it would take."""
    mask, tag = len(state.account_index) - 1, _tag(key)
    place = first_place(state, key)
    while True:
        entry = state.account_index[place]
        if entry < 0 or (entry >> 32 == tag and state.accounts[entry & SLOT].key == key):
            return place
        place = (place + 1) & mask


@borrowing
def _enter(state: State, key: int, slot: int) -> None:
    state.account_index[_place(state, key)] = (_tag(key) << 32) | slot


@borrowing
def _leave(state: State, key: int) -> None:
    """Take an account out of the index; what follows moves up where its way to its place would be cut (Knuth 6.4 R)."""
    mask = len(state.account_index) - 1
    vacant = _place(state, key)
    place = (vacant + 1) & mask
    while state.account_index[place] >= 0:
        home = (state.account_index[place] >> 32) & mask
        if (place - home) & mask >= (place - vacant) & mask:
            state.account_index[vacant] = state.account_index[place]
            vacant = place
        place = (place + 1) & mask
    state.account_index[vacant] = NOTHING


@borrowing
def _append(state: State, slot: int) -> None:
    before = state.used[MOST_ACTIVE]
    state.links[slot, LESS] = before
    state.links[slot, MORE] = NOTHING
    if before >= 0:
        state.links[before, MORE] = slot
    else:
        state.used[LEAST_ACTIVE] = slot
    state.used[MOST_ACTIVE] = slot


@borrowing
def _unlink(state: State, slot: int) -> None:
    less, more = wide(state.links[slot, LESS]), wide(state.links[slot, MORE])
    if less >= 0:
        state.links[less, MORE] = more
    else:
        state.used[LEAST_ACTIVE] = more
    if more >= 0:
        state.links[more, LESS] = less
    else:
        state.used[MOST_ACTIVE] = less


@borrowing
def _empty(account: Element) -> None:
    """Nothing is known of it; its incarnation stays."""
    account.newest = account.expired_time = account.gone_place_time = account.whole_from = NEVER
    account.first = account.own_sum = account.own_high = account.own_low = 0
    account.month_sum = account.former_sum = 0
    account.pressure = 0.0
    account.peak = account.expired_peak = account.start = NOTHING
    account.block = account.begin = account.end = account.peaks_begin = account.peaks_end = 0
    account.held = account.turn = account.batch = 0
    account.total = account.paid = account.month_count = account.former_count = 0
    account.month = NO_MONTH
    account.with_device = account.new_devices = 0
    account.place = NOTHING
    account.gone_latitude = account.gone_longitude = 0
    account.hours[:] = 0
    account.weekdays[:] = 0
