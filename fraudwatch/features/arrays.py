"""The tables that hold the history of one partition, and how they grow.

An account is a slot: one element of `State.accounts` and one row of `State.windows`. Its kept transactions lie in
one block of `State.events`, a ring whose size is a power of two; blocks that were outgrown go to a free list of
their size. An element of a ring is addressed by its logical number L (growing for ever, at most 2^31); its place
is `start + (L & mask)`.

An account costs 280 bytes and 64 for each window, a kept transaction 40, or 48 where the source has places.
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

NO_MONTH = -10
"""Not even the month before that of the first transaction."""

FIRST_BLOCK = 4
"""Most accounts of real streams hold a handful of transactions at a time."""

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
        # Event times of the newest and of the first transaction.
        ("newest", np.int64),
        ("first", np.int64),
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
        # The ring: its place in the pool, its size, and the logical numbers of what is kept and of its maxima.
        ("start", np.int64),
        ("block", np.int32),
        ("begin", np.int32),
        ("end", np.int32),
        ("peaks_begin", np.int32),
        ("peaks_end", np.int32),
        # Transactions of the whole history, those that moved money, and of the two months.
        ("total", np.int32),
        ("paid", np.int32),
        ("month", np.int32),
        ("month_count", np.int32),
        ("former_count", np.int32),
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
        ("time", np.int64),
        ("money", np.int64),  # the amount, 0 of a transaction that moved none
        ("winsor", np.int64),
        ("weight", np.float32),
        ("peak", np.int32),  # not of this transaction: the block's descending maxima, as logical numbers
        ("pair", np.int32),
        ("bits", np.uint8),
        ("moment", np.uint8),  # local weekday · 24 + hour
    ],
    align=True,
)

PLACE = np.dtype([("latitude", np.int32), ("longitude", np.int32)])  # millionths of a degree

PAIR = np.dtype([("key", np.int64), ("first_time", np.int64), ("last", np.int32)])

SEEN = np.dtype([("key", np.int64), ("time", np.int64), ("content", np.int32)])


class Used(IntEnum):
    """What `State.used` counts."""

    EVENTS = 0
    PAIRS = 1
    ACCOUNTS = 2
    SEEN = 3
    """Places of `State.seen` that are not empty."""
    NEWEST = 4
    """No count: the newest event time of the partition."""


class State(NamedTuple):
    """All that is known of a partition's accounts."""

    accounts: Table
    """[slots] of ACCOUNT."""
    account_index: IntArray
    """Open addressing table of the accounts: 32 bits of the hash · 2^32 + slot, −1 where empty."""
    windows: Table
    """[slots, windows] of WINDOW."""
    events: Table
    """[elements] of EVENT: the kept transactions of all accounts."""
    places: Table
    """[elements] of PLACE beside them, or [0] until a first place was seen."""
    free: IntArray
    """`free[k]` is the first free block of 2**k elements (−1: none), the next one stands in its `time`."""
    pairs: Table
    """[pairs] of PAIR: counterparties that accounts have dealt with, never let go of; `last` is the logical number
    of the newest transaction with it, which may no longer be kept."""
    pair_index: SmallIntArray
    """Open addressing table of the pairs by their keys, −1 where empty."""
    scratch: Table
    """[1] of WINDOW: what the windows of a late transaction are counted in."""
    seen: Table
    """[places] of SEEN: an open addressing table of transactions seen, with a time of NEVER where empty."""
    used: IntArray
    """[len(Used)]."""


def table(shape: int | tuple[int, ...], kind: "np.dtype[Any]") -> Table:
    """Zeroes with the fields of a kind."""
    return np.zeros(shape, dtype=kind).view(np.recarray)


def empty_state(slots: int, windows: int, elements: int, pairs: int, seen: int) -> State:
    """Room for so many accounts, transactions, pairs and transactions seen, of which there are none."""
    used = np.zeros(len(Used), dtype=np.int64)
    used[Used.NEWEST] = NEVER
    return State(
        accounts=_empty_accounts(slots),
        account_index=_empty_index(slots, np.int64),
        windows=table((slots, windows), WINDOW),
        events=table(elements, EVENT),
        places=table(0, PLACE),
        free=np.full(48, -1, dtype=np.int64),
        pairs=table(pairs, PAIR),
        pair_index=_empty_index(pairs, np.int32),
        scratch=table(1, WINDOW),
        seen=_empty_seen(seen),
        used=used,
    )


def with_accounts(state: State, slots: int) -> State:
    """The same with room for so many accounts; the caller still has to enter them into the index."""
    accounts, windows = _empty_accounts(slots), table((slots, state.windows.shape[1]), WINDOW)
    accounts[: len(state.accounts)] = state.accounts
    windows[: len(state.windows)] = state.windows
    return state._replace(accounts=accounts, windows=windows, account_index=_empty_index(slots, np.int64))


def with_seen(state: State, count: int) -> State:
    """The same with room for so many transactions seen, of which there are none."""
    used = state.used.copy()
    used[Used.SEEN] = 0
    return state._replace(seen=_empty_seen(count), used=used)


def with_events(state: State, elements: int) -> State:
    """The same with room for so many transactions, and for their places if there are any."""
    events = table(elements, EVENT)
    events[: len(state.events)] = state.events
    state = state._replace(events=events)
    return with_places(state) if len(state.places) else state


def with_places(state: State) -> State:
    """The same with room for the place of each transaction."""
    places = table(len(state.events), PLACE)
    places[: len(state.places)] = state.places
    return state._replace(places=places)


def with_pairs(state: State, room: int) -> State:
    """The same with room for so many pairs; the caller still has to enter them into the index."""
    pairs = table(room, PAIR)
    pairs[: len(state.pairs)] = state.pairs
    return state._replace(pairs=pairs, pair_index=_empty_index(room, np.int32))


def _empty_accounts(slots: int) -> Table:
    accounts = table(slots, ACCOUNT)
    for name in ("newest", "expired_time", "gone_place_time"):
        accounts[name] = NEVER
    for name in ("peak", "expired_peak", "start", "place"):
        accounts[name] = -1
    accounts["month"] = NO_MONTH
    return accounts


def _empty_seen(count: int) -> Table:
    """Twice as many places, a power of two."""
    seen = table(_power_of_two(2 * count), SEEN)
    seen["time"] = NEVER
    return seen


def _empty_index(count: int, kind: type[np.int32 | np.int64]) -> "np.ndarray[Any, Any]":
    """At least two places for each, a power of two."""
    return np.full(_power_of_two(2 * count), -1, dtype=kind)


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()
