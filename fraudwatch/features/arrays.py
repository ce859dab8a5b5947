"""The tables that hold the history of one partition, and how they grow.

An account is a slot: one element of `State.accounts`, one row of `State.windows` and one of `State.links`. Its kept
transactions lie in one block of `State.events`, a ring of one of the sizes of `kernels.ring`; blocks that were
outgrown go to a free list of their size, and are gone when the pool has to grow: it is packed anew. An element of
a ring is addressed by its logical number L (growing for ever, at most 2^31); its place is `start + (L − turn)`, where
that is beyond the block's end once round.

An account costs 320 bytes, 64 for each window and 16 to 32 in its index; a kept transaction 40, or 48 where the source
has places; an id remembered 27 to 80 (`kernels.repeats`); a counterparty or device of an account 36 to 44; an account
let go of 16 to 32.
"""

from enum import IntEnum
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fraudwatch.records import IntArray, SmallIntArray, Trait

Element: TypeAlias = Any
"""One element of a table: a view, with a field of each name. (No field may be called as a method of NumPy's.)"""

Table: TypeAlias = np.recarray[Any, Any]

NEVER = -(2**62)
"""A time before all times."""

UNKNOWN = 2**62
"""A time after all times: since when a history is whole that was interrupted, until its next transaction."""

NOTHING = -1
"""Instead of a slot, a pair, a block or a logical number: none."""

FIRST_ACCOUNTS, FIRST_EVENTS, FIRST_PAIRS, FIRST_SEEN = 1024, 16_384, 2048, 4096

SIZES_PER_DOUBLING = 4
SIZES = 4 * 29
"""Of blocks, up to 2^31 elements."""

FIRST_BLOCK = 4
"""Most accounts of real streams hold a handful of transactions at a time."""

FIRST_GONE = 64
"""Places for accounts let go of: a row may fill one beyond three quarters, and some must stay empty."""

HOURS, WEEKDAYS = 24, 7


class Flag(IntEnum):
    """Bits of a transaction. The last two are found out by the kernels."""

    HAS_COUNTERPARTY = Trait.HAS_COUNTERPARTY
    HAS_PLACE = Trait.HAS_PLACE
    CREDIT = Trait.CREDIT
    DEBIT = Trait.DEBIT
    DECLINED = Trait.DECLINED
    REVERSED = Trait.REVERSED
    NEW = 64
    """No transaction of the account was known with this counterparty when it came."""
    LATEST = 128
    """No later one of the account is known with this counterparty."""


ACCOUNT = np.dtype(
    [
        # The hash of the account.
        ("key", np.int64),
        # Event times of the newest and of the first transaction, and of the first that can have a whole history:
        # of an account that was let go of and returned, the longest window after its return.
        ("newest", np.int64),
        ("first", np.int64),
        ("whole_from", np.int64),
        # Winsorised money of the whole history: Σ, and Σ of squares as own_high · 2^40 + own_low.
        ("own_sum", np.int64),
        ("own_high", np.int64),
        ("own_low", np.int64),
        # The largest amount ever, and the same and the newest event time of what is no longer kept.
        ("peak", np.int64),
        ("expired_peak", np.int64),
        ("expired_time", np.int64),
        ("pressure", np.float64),
        # Money of the newest transaction's local calendar month, and of the month before it.
        ("month_sum", np.int64),
        ("former_sum", np.int64),
        # When the newest of the transactions with a place that are no longer kept was; its place is below.
        ("gone_place_time", np.int64),
        # The ring: its place in the pool, its size, the logical number that stands or stood at its start last, those of
        # what is kept, and the count of its maxima.
        ("start", np.int64),
        ("block", np.int32),
        ("turn", np.int32),
        ("begin", np.int32),
        ("end", np.int32),
        ("peaks_begin", np.int32),
        ("peaks_end", np.int32),
        # The first logical number that is still there for evidence, and the batch that has put it there.
        ("held", np.int32),
        ("batch", np.int32),
        # Which account of this slot it is: pairs of one that was let go of have another number.
        ("incarnation", np.int32),
        # Transactions of the whole history, those that moved money, and of the two months.
        ("total", np.int32),
        ("paid", np.int32),
        ("month", np.int32),
        ("month_count", np.int32),
        ("former_count", np.int32),
        # Transactions with a device, and those of them whose device was new to the account when they came.
        ("with_device", np.int32),
        ("new_devices", np.int32),
        # Logical number of the newest transaction with a place, and the place of the newest no longer kept.
        ("place", np.int32),
        ("gone_latitude", np.int32),
        ("gone_longitude", np.int32),
        # The whole history by local hour of the day and day of the week.
        ("hours", np.int32, (HOURS,)),
        ("weekdays", np.int32, (WEEKDAYS,)),
    ],
    align=True,
)

WINDOW = np.dtype(
    [
        # Money: Σ, Σ of squares as high · 2^40 + low, credits and debits.
        ("moved", np.int64),
        ("high", np.int64),
        ("low", np.int64),
        ("inflow", np.int64),
        ("outflow", np.int64),
        # The logical number it begins at, and counts of its transactions.
        ("begin", np.int32),
        ("declined", np.int32),
        ("reversed", np.int32),
        ("known", np.int32),  # with a counterparty
        ("new", np.int32),  # with one that was new to the account when it came
        ("counterparties", np.int32),  # distinct ones
    ],
    align=True,
)

EVENT = np.dtype(
    [
        # Packed, see `kernels.packed`: time, local moment and bits; the amount asked for and the winsorised one, each
        # with half of the offset.
        ("stamp", np.int64),
        ("asked", np.int64),
        ("winsor", np.int64),
        ("weight", np.float32),
        ("peak", np.int32),  # not of this transaction: the block's descending maxima, as logical numbers
        ("pair", np.int32),
        ("before", np.int32),  # logical number of the previous transaction with the same counterparty
    ]
)

PLACE = np.dtype([("latitude", np.int32), ("longitude", np.int32)])  # millionths of a degree

PAIR = np.dtype(
    [
        ("counterparty", np.int64),
        ("first_time", np.int64),
        ("slot", np.int32),
        ("incarnation", np.int32),
        ("last", np.int32),  # logical number of the newest transaction; of a free pair the next free one
    ]
)

SEEN = np.dtype([("key", np.int64), ("time", np.int64), ("content", np.int32)])


class Used(IntEnum):
    """What `State.used` holds: how much of each table is in use, and a few numbers of the whole partition."""

    EVENTS = 0
    PAIRS = 1
    ACCOUNTS = 2
    SEEN = 3
    """Places of `State.seen` that are not empty."""
    GONE = 4
    """Accounts let go of that `State.gone` remembers."""
    FREE_PAIR = 5
    """The first pair that can be used again, the next one stands in its `last`."""
    NEWEST = 6
    """The newest event time."""
    LEAST_ACTIVE = 7
    """The slot that no transaction came to for longest."""
    MOST_ACTIVE = 8
    BATCH = 9


class State(NamedTuple):
    """All that is known of a partition's accounts."""

    accounts: Table
    """[slots] of ACCOUNT."""
    account_index: IntArray
    """Open addressing table of the accounts: 31 bits of the hash · 2^32 + slot, −1 where empty."""
    links: SmallIntArray
    """[slots, 2]: the slots less and more lately active, by order of arrival."""
    gone: IntArray
    """Open addressing table of the hashes of accounts let go of, 0 where empty."""
    windows: Table
    """[slots, windows] of WINDOW."""
    events: Table
    """[elements] of EVENT: the kept transactions of all accounts."""
    places: Table
    """[elements] of PLACE beside them, or [0] until a first place was seen."""
    free: IntArray
    """`free[k]` is the first free block of size k of `kernels.ring` (−1: none), the next one stands in its `stamp`."""
    pairs: Table
    """[pairs] of PAIR: counterparties that accounts have dealt with, kept as long as the account; `last` may no longer
    be kept. A device is one too, under a hash that no counterparty has (`kernels.contacts`), and has no `last`."""
    pair_index: SmallIntArray
    """Open addressing table of the pairs, −1 where empty."""
    scratch: Table
    """[2] of WINDOW: what the windows of a late transaction are counted in."""
    seen: Table
    """[places] of SEEN: an open addressing table of transactions seen, with a time of NEVER where empty."""
    used: IntArray
    """[len(Used)]."""


def empty_state(slots: int, windows: int, elements: int, pairs: int, seen: int) -> State:
    """Room for so many accounts, transactions, pairs and transactions seen, of which there are none."""
    used = np.zeros(len(Used), dtype=np.int64)
    used[Used.NEWEST] = NEVER
    used[[Used.FREE_PAIR, Used.LEAST_ACTIVE, Used.MOST_ACTIVE]] = NOTHING
    return State(
        accounts=_table(slots, ACCOUNT),
        account_index=_empty_index(slots, np.int64),
        links=np.zeros((slots, 2), dtype=np.int32),
        gone=np.zeros(FIRST_GONE, dtype=np.int64),
        windows=_table((slots, windows), WINDOW),
        events=_table(elements, EVENT),
        places=_table(0, PLACE),
        free=np.full(SIZES, NOTHING, dtype=np.int64),
        pairs=_table(pairs, PAIR),
        pair_index=_empty_index(pairs, np.int32),
        scratch=_table(2, WINDOW),
        seen=_empty_seen(seen),
        used=used,
    )


def with_accounts(state: State, slots: int) -> State:
    """The same with room for so many accounts; the caller still has to enter them into the index."""
    return state._replace(
        accounts=_longer(state.accounts, slots),
        windows=_longer(state.windows, slots),
        links=_longer(state.links, slots),
        account_index=_empty_index(slots, np.int64),
    )


def with_pool(state: State, elements: int) -> State:
    """The same with an empty pool of so many transactions, and of their places if there are any."""
    places = elements if len(state.places) else 0
    return state._replace(events=_table(elements, EVENT), places=_table(places, PLACE))


def with_places(state: State) -> State:
    """The same with room for the place of each transaction."""
    return state._replace(places=_longer(state.places, len(state.events)))


def with_pairs(state: State, room: int) -> State:
    """The same with room for so many pairs; the caller still has to enter them into the index."""
    return state._replace(pairs=_longer(state.pairs, room), pair_index=_empty_index(room, np.int32))


def with_seen(state: State, count: int) -> State:
    """The same with room for so many transactions seen, of which there are none."""
    state.used[Used.SEEN] = 0
    return state._replace(seen=_empty_seen(count))


def with_gone(state: State, count: int) -> State:
    """The same with room for so many accounts let go of, of which there are none."""
    state.used[Used.GONE] = 0
    return state._replace(gone=np.zeros(_power_of_two(2 * count), dtype=np.int64))


_USED = {
    "accounts": Used.ACCOUNTS,
    "links": Used.ACCOUNTS,
    "windows": Used.ACCOUNTS,
    "events": Used.EVENTS,
    "places": Used.EVENTS,
    "pairs": Used.PAIRS,
}


def in_use(state: State, horizon: int) -> dict[str, "np.ndarray[Any, Any]"]:
    """What of each table holds anything, by name; of transactions seen what is within the horizon. Indices and free
    room are left out. All are copies."""
    found: dict[str, np.ndarray[Any, Any]] = {
        name: _copy(getattr(state, name)[: state.used[used]]) for name, used in _USED.items()
    }
    found["seen"] = _rows(state.seen, state.seen["time"] >= state.used[Used.NEWEST] - horizon)
    found["gone"] = state.gone[state.gone != 0]
    return found | {"free": state.free.copy(), "used": state.used.copy()}


def taken(state: State, found: "dict[str, np.ndarray[Any, Any]]") -> State:
    """The tables of `in_use` in place of those of an empty state, which are at least as long afterwards.

    The caller still has to enter accounts, pairs, `seen` and `gone` into their tables.
    """
    longer = {}
    for name in _USED:
        before = getattr(state, name)
        longer[name] = _longer(before, max(len(before), len(found[name])))
        longer[name][: len(found[name])] = found[name]
    state = state._replace(**longer, free=found["free"].copy(), used=found["used"].copy())
    if len(found["places"]):
        state = with_places(state)
    slots, pairs = len(state.accounts), len(state.pairs)
    state = state._replace(
        account_index=_empty_index(slots, np.int64), pair_index=_empty_index(pairs, np.int32)
    )
    return with_gone(
        with_seen(state, max(FIRST_SEEN, len(found["seen"]))), max(FIRST_GONE, len(found["gone"]))
    )


def _table(shape: int | tuple[int, ...], kind: "np.dtype[Any]") -> Table:
    """Zeroes with the fields of a kind."""
    return np.zeros(shape, dtype=kind).view(np.recarray)


def _longer(table: Any, length: int) -> Any:
    longer = np.zeros_like(table, shape=(length, *table.shape[1:]))
    longer[: len(table)] = table
    return longer


def _copy(table: Any) -> "np.ndarray[Any, Any]":
    """All bytes of some rows at once: field by field NumPy takes ten times as long, and leaves gaps as they were."""
    plain = np.asarray(table)
    return plain.view(np.uint8).copy().view(plain.dtype)


def _rows(table: Any, chosen: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    """A copy of some rows, all bytes of each at once as well."""
    plain = np.asarray(table)
    rows = plain.view(np.dtype((np.void, plain.dtype.itemsize))).take(np.flatnonzero(chosen))
    return rows.view(plain.dtype)


def _empty_seen(count: int) -> Table:
    """Twice as many places, a power of two."""
    seen = _table(_power_of_two(2 * count), SEEN)
    seen["time"] = NEVER
    return seen


def _empty_index(count: int, kind: type[np.int32 | np.int64]) -> "np.ndarray[Any, Any]":
    """At least two places for each, a power of two."""
    return np.full(_power_of_two(2 * count), NOTHING, dtype=kind)


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
