"""The flat arrays that hold the history of one partition, and how they grow.

An account is a slot: one element of every array of `Accounts`. Its kept transactions lie in one block of the
`Pool`, a ring whose size is a power of two; blocks that were outgrown go to a free list of their size. An
element of a ring is addressed by its logical number L (growing for ever); its place is `start + (L & mask)`.
"""

from typing import NamedTuple

import numpy as np

from fraudwatch.records import FloatArray, IntArray

NEVER = -(2**62)
"""A time before all times."""

FIRST_BLOCK = 4
"""Most accounts of real streams hold a handful of transactions at a time."""


class Accounts(NamedTuple):
    """One element per account; `window_*` are [slots, windows]."""

    newest: IntArray
    first: IntArray
    total: IntArray
    own_sum: IntArray
    own_high: IntArray
    own_low: IntArray
    peak: IntArray
    expired_peak: IntArray
    expired_time: IntArray
    pressure: FloatArray
    start: IntArray
    size: IntArray
    begin: IntArray
    end: IntArray
    peaks_begin: IntArray
    peaks_end: IntArray
    window_begin: IntArray
    window_sum: IntArray
    window_high: IntArray
    window_low: IntArray


class Pool(NamedTuple):
    """The kept transactions of all accounts; `peaks` holds each block's descending maxima as logical numbers.

    `free[k]` is the first free block of 2**k elements (−1: none), the next one stands in its `time[start]`;
    `used[0]` is where the untouched end begins.
    """

    time: IntArray
    amount: IntArray
    winsor: IntArray
    weight: FloatArray
    peaks: IntArray
    free: IntArray
    used: IntArray


class Pairs(NamedTuple):
    """Counterparties an account has dealt with: open addressing on a 64-bit key; key 0 is an empty place."""

    key: IntArray
    first_time: IntArray


def empty_accounts(slots: int, windows: int) -> Accounts:
    """Room for so many accounts, none of which has done anything yet."""

    def whole(fill: int = 0) -> IntArray:
        return np.full(slots, fill, dtype=np.int64)

    def per_window() -> IntArray:
        return np.zeros((slots, windows), dtype=np.int64)

    return Accounts(
        newest=whole(NEVER),
        first=whole(),
        total=whole(),
        own_sum=whole(),
        own_high=whole(),
        own_low=whole(),
        peak=whole(-1),
        expired_peak=whole(-1),
        expired_time=whole(NEVER),
        pressure=np.zeros(slots),
        start=whole(-1),
        size=whole(),
        begin=whole(),
        end=whole(),
        peaks_begin=whole(),
        peaks_end=whole(),
        window_begin=per_window(),
        window_sum=per_window(),
        window_high=per_window(),
        window_low=per_window(),
    )


def grown_accounts(accounts: Accounts, slots: int) -> Accounts:
    """The same accounts with room for so many."""
    grown = empty_accounts(slots, accounts.window_begin.shape[1])
    for new, old in zip(grown, accounts, strict=True):
        new[: len(old)] = old
    return grown


def empty_pool(elements: int) -> Pool:
    """Room for so many transactions."""
    return Pool(
        time=np.zeros(elements, dtype=np.int64),
        amount=np.zeros(elements, dtype=np.int64),
        winsor=np.zeros(elements, dtype=np.int64),
        weight=np.zeros(elements),
        peaks=np.zeros(elements, dtype=np.int64),
        free=np.full(48, -1, dtype=np.int64),
        used=np.zeros(1, dtype=np.int64),
    )


def grown_pool(pool: Pool, elements: int) -> Pool:
    """The same transactions with room for so many."""
    grown = empty_pool(elements)
    for new, old in zip(grown, pool, strict=True):
        new[: len(old)] = old
    return grown


def empty_pairs(places: int) -> Pairs:
    """A table of so many places, a power of two."""
    return Pairs(np.zeros(places, dtype=np.int64), np.zeros(places, dtype=np.int64))
