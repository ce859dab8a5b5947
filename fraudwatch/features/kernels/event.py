"""The transaction a kernel is judging, and what was done with it."""

from typing import NamedTuple

from fraudwatch.features.arrays import Flag
from fraudwatch.records import ByteArray, FloatArray, IntArray, SmallIntArray

# Numba needs plain numbers: enumerations are unpacked once, here and in the other kernels.
HAS_COUNTERPARTY, HAS_PLACE = Flag.HAS_COUNTERPARTY.value, Flag.HAS_PLACE.value
CREDIT, DEBIT = Flag.CREDIT.value, Flag.DEBIT.value
DECLINED, REVERSED = Flag.DECLINED.value, Flag.REVERSED.value
NEW, LATEST = Flag.NEW.value, Flag.LATEST.value
UNPAID = DECLINED | REVERSED

HOURS = 24

REMEMBERED, JUDGED_ONLY, DUPLICATE, CONFLICT = 0, 1, 2, 3
"""What was done with a row: judged and remembered; only judged (too late); left alone: seen before, or seen before
with other content."""


NEW_ACCOUNTS, LET_GO, RETURNED = 0, 1, 2
"""Places of `Rows.counts`."""


class Event(NamedTuple):
    """One transaction in plain numbers. `asked` is its amount, `money` the same or 0 where none moved, `moment` the
    local weekday · 24 + hour, `month` the local calendar month, `month_end` when the next one begins; `pair` and
    `device` as in `contacts`; `novelty` 1 where the counterparty is new to the account, 0 where not, NaN where that is
    not known; `is_new_device` where the device is known to be new."""

    slot: int
    time: int
    asked: int
    money: int
    pair: int
    bits: int
    moment: int
    month: int
    month_end: int
    latitude: int
    longitude: int
    offset: int
    novelty: float
    device: int
    is_new_device: bool


class Rows(NamedTuple):
    """n transactions by column, as in `records.Transactions`, and what becomes of them.

    To be filled: `kinds` [n]; `columns` [n, columns], NaN before; `composites` [n, lanes], 0 before, of so many
    lanes as are told; `new_accounts`
    [n], so many of them as are new;
    `counts` [3], how many accounts are new, were let go of, and returned after that.
    """

    offsets: IntArray

    accounts: IntArray
    ids: IntArray
    contents: IntArray
    times: IntArray
    amounts: IntArray
    counterparties: IntArray
    devices: IntArray
    cohorts: IntArray
    latitudes: SmallIntArray
    longitudes: SmallIntArray
    traits: ByteArray
    kinds: ByteArray
    columns: FloatArray
    composites: FloatArray
    new_accounts: IntArray
    counts: IntArray


class Rules(NamedTuple):
    """What does not change: window lengths [windows] ascending, the index of the 24 h window, the grace, how long ids
    are remembered, how many accounts, when each local calendar month begins [months], and the offsets of local time
    [changes] from when on they hold [changes], all times in milliseconds; whether lanes are measured; and the sums from
    which operations are reported [k], in minor units."""

    lengths: IntArray
    day: int
    grace: int
    horizon: int
    max_accounts: int
    month_starts: IntArray
    offset_starts: IntArray
    offsets: IntArray
    measures_lanes: bool
    thresholds: IntArray
