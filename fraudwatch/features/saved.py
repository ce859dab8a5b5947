"""A saved history, looked at before it is used: kernels read and write where its numbers say.

What is refused could make a kernel leave its tables or never end. Numbers that are only wrong are not found out: what
keeps them right is the sha256 of the snapshot they came in.
"""

from typing import Any, TypeAlias

import msgspec
import numpy as np

from fraudwatch.errors import SnapshotError
from fraudwatch.features import kernels
from fraudwatch.features.arrays import NEVER, SIZES, State, Table, Used

Saved: TypeAlias = dict[str, np.ndarray[Any, np.dtype[Any]]]

_KEPT_BY = "kept_by"
_MOST_ROWS = 2**31 - 1
"""Slots, pairs and logical numbers have 32 bits."""


def settings_of(kept_by: dict[str, str]) -> Saved:
    """The settings that a history was kept with, as an array uint8 of JSON."""
    return {_KEPT_BY: np.frombuffer(msgspec.json.encode(kept_by), dtype=np.uint8)}


def check_settings(found: Saved, kept_by: dict[str, str]) -> None:
    """Raises SnapshotError when a history was kept with other settings than these, or does not say."""
    text = found.get(_KEPT_BY, np.empty(0, dtype=np.uint8))
    try:
        before = msgspec.json.decode(text.tobytes(), type=dict[str, str])
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as problem:
        raise unlike(_KEPT_BY, "the settings it was kept with") from problem
    for key in sorted(before.keys() | kept_by.keys()):
        if before.get(key) != kept_by.get(key):
            raise SnapshotError(
                f"{key}: expected that of the saved history ({before.get(key)}), found {kept_by.get(key)}; "
                "fold the log again to change it"
            )


def check_tables(found: Saved, empty: State) -> None:
    """Raises SnapshotError unless the arrays are tables like those of an empty state, all within one another."""
    expected = {name: getattr(empty, name) for name in _TABLES}
    if found.keys() != expected.keys() | {_KEPT_BY}:
        raise SnapshotError(
            f"expected a history of {', '.join(sorted(expected))}, found {str(sorted(found))[:300]}"
        )
    for name, table in expected.items():
        array = found[name]
        if array.dtype != table.dtype or array.ndim != table.ndim or array.shape[1:] != table.shape[1:]:
            raise unlike(name, f"a table of {table.ndim} axes, its rows as this release keeps them")
        if len(array) > _MOST_ROWS:
            raise unlike(name, f"at most {_MOST_ROWS} rows")
    _check_used(found)
    _check_accounts(found)
    _check_pointers(found)


def check_sound(state: State) -> None:
    """Raises SnapshotError unless tables, each looked at, hang together."""
    if not kernels.are_accounts_in_line(state):
        raise unlike("links", "each account once in the order of activity")
    if not kernels.are_blocks_apart(state, np.zeros(int(state.used[Used.EVENTS]), dtype=np.uint8)):
        raise unlike("events", "blocks within the table that do not overlap")
    if not len(state.places) and kernels.has_places(state):
        raise unlike("places", "the places that transactions say they have")


def plain(table: "np.ndarray[Any, Any]", kind: "np.dtype[Any]") -> Table:
    """A table as the kernels were compiled for, whoever owns its memory."""
    copy = np.zeros(len(table), dtype=kind).view(np.recarray)
    copy[:] = table
    return copy


def unlike(name: str, expected: str) -> SnapshotError:
    """An array that no history has."""
    return SnapshotError(f"expected in the saved history's {name}: {expected}; it is not one of ours")


_TABLES = ("accounts", "links", "windows", "events", "places", "pairs", "seen", "gone", "free", "used")


def _check_used(found: Saved) -> None:
    slots, used = len(found["accounts"]), found["used"]
    if len(used) != len(Used) or len(found["free"]) != SIZES:
        raise unlike("used", f"{len(Used)} numbers, and {SIZES} sizes of blocks")
    lengths = {Used.ACCOUNTS: slots, Used.EVENTS: len(found["events"]), Used.PAIRS: len(found["pairs"])}
    is_told = all(used[place] == length for place, length in lengths.items())
    is_beside = len(found["links"]) == len(found["windows"]) == slots
    if not (is_told and is_beside and len(found["places"]) in (0, len(found["events"]))):
        raise unlike("used", "as many rows as its tables have")
    ends = used[[Used.LEAST_ACTIVE, Used.MOST_ACTIVE]]
    if not (_within(ends, 0 if slots else -1, slots) and _within(used[Used.NEWEST], NEVER, -NEVER)):
        raise unlike("used", "an account that came last and one that came first")
    if not _within(used[Used.BATCH], 0, 2**31):
        raise unlike("used", "the number of a batch")


def _check_accounts(found: Saved) -> None:
    """That rings lie in the pool and hold no more than fits."""
    accounts = found["accounts"]
    block = accounts["block"].astype(np.int64)
    start, turn, held, end = (accounts[name].astype(np.int64) for name in ("start", "turn", "held", "end"))
    begin, first, last = (accounts[name].astype(np.int64) for name in ("begin", "peaks_begin", "peaks_end"))
    sizes = np.array([kernels.size_of(index) for index in range(SIZES)])
    is_ring = np.isin(block, sizes) & (start >= 0) & (start <= len(found["events"]) - block)
    is_ring &= (turn >= 0) & (turn <= held) & (held - turn < block) & (first < block)
    is_empty = (block == 0) & (end == 0)
    is_ordered = (held >= 0) & (held <= begin) & (begin <= end) & (end - held <= block)
    is_ordered &= (first >= 0) & (first <= last) & (last - first <= block)
    if not ((is_ring | is_empty) & is_ordered).all():
        raise unlike("accounts", "rings of transactions within the table of events")
    if not (np.isfinite(accounts["pressure"]).all() and np.isfinite(found["events"]["weight"]).all()):
        raise unlike("accounts", "finite weights")
    begins = found["windows"]["begin"]
    if not ((begins >= begin[:, np.newaxis]) & (begins <= end[:, np.newaxis])).all():
        raise unlike("windows", "windows that begin in the account's ring")


def _check_pointers(found: Saved) -> None:
    slots, pairs, elements = len(found["accounts"]), len(found["pairs"]), len(found["events"])
    if not _within(found["links"], -1, slots):
        raise unlike("links", f"slots of {slots} accounts")
    if not _within(found["events"]["pair"], -2, max(pairs, 1)):  # what was never written is 0
        raise unlike("events", f"counterparties among {pairs}")
    if not _within(found["pairs"]["slot"], -1, slots):
        raise unlike("pairs", f"slots of {slots} accounts")
    if not _within(found["free"], -1, max(elements, 1)):
        raise unlike("free", "blocks within the table of events")


def _within(numbers: Any, least: int, end: int) -> bool:
    return bool(((numbers >= least) & (numbers < end)).all())
