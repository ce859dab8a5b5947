"""Account-days: the running 24 h of each account, and the kernel that observes rows of scores into them.

A generation is a table of open addressing with linear probing, keyed by the account's 64-bit hash, whose size is a
power of two. There are two, the current one and the one before; an entry is written to the current one only, and
found there first. A table costs 32 bytes a slot and is filled to three quarters at most.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from fraudwatch.alerts.histogram import HALF, bin_of, kept
from fraudwatch.alerts.shock import measured, note
from fraudwatch.compiled import compiled
from fraudwatch.mixing import mix
from fraudwatch.records import FloatArray, IntArray

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
LONGEST_SILENCE_MS = DAY_MS
"""Of a longer gap in the stream only this much counts as observed: an interrupted source is not a calm one."""
REFRESH_EVERY = 1_000

NEVER = -(2**62)
TAKEN_BACK = float("inf")
"""Maximum of an account-day that no longer counts: no score exceeds it."""

COLUMN = "account_days."
"""How the names of those columns of a state begin that are of account-days."""

Array: TypeAlias = npt.NDArray[Any]
Table: TypeAlias = npt.NDArray[np.void]
"""Plain structured arrays: one that is a `recarray` costs 3 µs more in each call of a kernel."""
Word: TypeAlias = Any
"""64 bits that wrap where Python's own numbers would grow."""

ACCOUNT_DAY = np.dtype(
    [
        ("account", np.int64),
        # When its 24 h end, in event time; NEVER in an empty slot.
        ("ends_ms", np.int64),
        # The highest score, and when that was (observed time).
        ("maximum", np.float64),
        ("observed_ms", np.int64),
    ]
)

CLOCK = np.dtype(
    [
        # The newest event time observed, and the one from which the estimate is to be refreshed.
        ("newest_ms", np.int64),
        ("next_hour_ms", np.int64),
        # How much event time the stream has covered, silences shortened.
        ("observed_ms", np.int64),
        # Transactions since the last refresh.
        ("since_refresh", np.int64),
        # Entries of the current generation.
        ("held", np.int64),
    ]
)

FIRST_SLOTS = 1_024

# Why `observe` stopped.
DONE, STANDS_OUT, REFRESH_DUE, TABLE_FULL = 0, 1, 2, 3

_EXPLORE = np.uint64(0x6578706C6F726521)
"""Makes the choice independent of every other one made by an id's hash."""
_U32 = np.uint64(32)
_mix = compiled(mix)


def slots_for(entries: int) -> int:
    """The size of a table that so many entries do not fill."""
    return max(FIRST_SLOTS, 1 << (entries * 4 // 3).bit_length())


def empty(slots: int) -> Table:
    """A table without entries."""
    table = np.zeros(slots, dtype=ACCOUNT_DAY)
    table["ends_ms"] = NEVER
    return table


def grown(table: Table) -> Table:
    """The same entries in twice the slots."""
    larger = empty(2 * len(table))
    refill(larger, table)
    return larger


def roomier(table: Table, held: int, more: int) -> Table:
    """The table, or a larger one where so many more entries would fill it."""
    return grown(table) if held + more > len(table) * 3 // 4 else table


def columns_of(current: Table, former: Table) -> dict[str, npt.NDArray[Any]]:
    """What two tables hold, by column: the current one's entries first, in no order that means anything."""
    held = [(table, np.flatnonzero(table["ends_ms"] != NEVER)) for table in (current, former)]
    return {
        name: np.concatenate([table[name][slots] for table, slots in held])
        for name in ACCOUNT_DAY.names or ()
    }


def table_of(columns: Mapping[str, npt.NDArray[Any]], begin: int, end: int | None = None) -> Table:
    """A table of the entries from `begin` up to `end` of such columns."""
    entries = np.empty(len(columns["account"][begin:end]), dtype=ACCOUNT_DAY)
    for name in ACCOUNT_DAY.names or ():
        entries[name] = columns[name][begin:end]
    table = empty(slots_for(len(entries)))
    refill(table, entries)
    return table


@compiled
def slot_of(table: Table, account: int) -> int:
    """Where the account's entry is; where it belongs if there is none (an empty slot)."""
    mask = len(table) - 1
    slot = account & mask
    while table[slot]["ends_ms"] != NEVER and table[slot]["account"] != account:
        slot = (slot + 1) & mask
    return slot


def take_back(
    current: Table, former: Table, histogram: FloatArray, clock: Table, account: int, opened_ms: int
) -> None:
    """The account's account-day no longer counts, if it began after `opened_ms`."""
    day = current[slot_of(current, account)]
    if day["ends_ms"] == NEVER:
        day = former[slot_of(former, account)]
    if opened_ms < day["ends_ms"] - DAY_MS and day["maximum"] != TAKEN_BACK:
        passed_ms = int(clock[0]["observed_ms"] - day["observed_ms"])
        histogram[bin_of(float(day["maximum"]))] -= kept(HALF, passed_ms)
        day["maximum"] = TAKEN_BACK


@compiled
def refill(table: Table, entries: Table) -> None:
    """Enter all entries of one table into another, larger one."""
    for entry in entries:
        if entry["ends_ms"] != NEVER:
            table[slot_of(table, entry["account"])] = entry


@compiled
def explored(transaction: Word) -> Word:
    """32 bits that decide whether a transaction (uint64, its id's hash) is a sample."""
    return np.int64(_mix(transaction ^ _EXPLORE) >> _U32)


@compiled
def count(
    current: Table,
    former: Table,
    histogram: FloatArray,
    clock: Table,
    half: float,
    account: int,
    time_ms: int,
    score: float,
) -> None:
    """Count one score: a new account-day begins with it, or it may be the highest of a running one."""
    now = clock[0]
    own = slot_of(current, account)
    is_empty = current[own]["ends_ms"] == NEVER
    day = current[own]
    if is_empty:
        day = former[slot_of(former, account)]
    if time_ms >= day["ends_ms"]:  # an empty slot has ended long ago
        day = current[own]
        now["held"] += is_empty
        day["account"], day["ends_ms"] = account, time_ms + DAY_MS
    elif score > day["maximum"]:
        histogram[bin_of(day["maximum"])] -= kept(half, now["observed_ms"] - day["observed_ms"])
    else:
        return
    day["maximum"], day["observed_ms"] = score, now["observed_ms"]
    histogram[bin_of(score)] += 1.0


@compiled
def observe(
    current: Table,
    former: Table,
    histogram: FloatArray,
    clock: Table,
    lanes_current: Table,
    lanes_former: Table,
    lanes_histograms: FloatArray,
    lanes_clock: Table,
    half: float,
    raised_from: float,
    highest: Table,
    shock: Table,
    usual: FloatArray,
    an_hour: float,
    explored_below: int,
    lanes_raised_from: FloatArray,
    salts: IntArray,
    least: float,
    accounts: IntArray,
    times: IntArray,
    scores: FloatArray,
    transactions: Any,
    surprises: FloatArray,
    begin: int,
) -> tuple[int, int]:
    """Observe rows in order from `begin` on; where it stopped, and why.

    Of a row that stands out, at or above an edge or chosen to explore, the index is its own, and it is counted.
    Of a row before which something is due it is its own as well, and it is not counted yet.

    All lanes share tables, in which an account has an entry for each by another key: its hash and the lane's salt.
    What is below `least` is nothing to a lane: it costs a comparison.
    """
    now, lanes_now, hour = clock[0], lanes_clock[0], shock[0]
    lanes = len(salts)
    room, lanes_room = len(current) * 3 // 4, len(lanes_current) * 3 // 4
    for row in range(begin, len(scores)):
        time_ms, score = times[row], scores[row]
        if time_ms > now["newest_ms"]:
            now["newest_ms"] = time_ms
        if time_ms >= now["next_hour_ms"] or now["since_refresh"] >= REFRESH_EVERY:
            return row, REFRESH_DUE
        if now["held"] >= room or lanes_now["held"] + lanes > lanes_room:
            return row, TABLE_FULL
        now["since_refresh"] += 1
        hour["seen"] += 1
        if score > hour["lowest"] and note(highest, shock, accounts[row], score):
            hour["shift"] = measured(highest, shock, usual, an_hour)
        count(current, former, histogram, clock, half, accounts[row], time_ms, score - hour["shift"])
        stands_out = score >= raised_from + hour["shift"] or explored(transactions[row]) < explored_below
        for lane in range(lanes):
            surprise = surprises[lane, row]
            if surprise >= least:
                key = accounts[row] ^ salts[lane]
                own = lanes_histograms[lane]
                count(lanes_current, lanes_former, own, lanes_clock, half, key, time_ms, surprise)
                stands_out |= surprise >= lanes_raised_from[lane]
        if stands_out:
            return row, STANDS_OUT
    return len(scores), DONE
