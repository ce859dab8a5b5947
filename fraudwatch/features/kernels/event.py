"""The transaction a kernel is judging, and what was done with it."""

from typing import NamedTuple

from fraudwatch.features.arrays import Flag, Table
from fraudwatch.records import FloatArray, IntArray

# Numba needs plain numbers: enumerations are unpacked once, here and in the other kernels.
HAS_COUNTERPARTY, HAS_PLACE = Flag.HAS_COUNTERPARTY.value, Flag.HAS_PLACE.value
CREDIT, DEBIT = Flag.CREDIT.value, Flag.DEBIT.value
DECLINED, REVERSED = Flag.DECLINED.value, Flag.REVERSED.value
NEW, LATEST = Flag.NEW.value, Flag.LATEST.value
UNPAID = DECLINED | REVERSED

HOURS = 24

REMEMBERED, JUDGED_ONLY, SKIP = 0, 1, 2
"""What was done with an arrival: judged and remembered; only judged (too late); left alone (asked for)."""


class Event(NamedTuple):
    """One transaction in plain numbers. `money` is 0 where none moved, `moment` the local weekday · 24 + hour,
    `month` the local calendar month, `month_end` when the next one begins; `pair` as in `contacts`."""

    slot: int
    time: int
    money: int
    pair: int
    bits: int
    moment: int
    month: int
    month_end: int
    latitude: int
    longitude: int


class Rows(NamedTuple):
    """`arrivals` [n] of ARRIVAL in their order, and `columns` [n, columns], filled with NaN."""

    arrivals: Table
    columns: FloatArray


class Rules(NamedTuple):
    """What does not change: window lengths [windows] ascending, the index of the 24 h window, the grace, and when
    each local calendar month begins [months]. All in milliseconds."""

    lengths: IntArray
    day: int
    grace: int
    month_starts: IntArray
