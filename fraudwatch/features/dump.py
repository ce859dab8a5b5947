"""A history as text: equal lines for histories that will say the same, however they came about.

Not in it is where things lie: slots, blocks, logical numbers, room, and what the last batch left for evidence. Floats
are written as hexadecimal, so that equal text is equal bits.
"""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np

from fraudwatch.features.arrays import NEVER, NOTHING, Flag, Used
from fraudwatch.features.kernels.accounts import MORE
from fraudwatch.features.kernels.packed import AMOUNT_BITS, AMOUNT_MASK, HALF_BITS
from fraudwatch.features.saved import Saved
from fraudwatch.records import IntArray

_TOLD = (
    *("newest", "first", "whole_from", "total", "paid", "own_sum", "peak", "expired_peak", "expired_time"),
    *("month", "month_count", "month_sum", "former_count", "former_sum"),
    *("with_device", "new_devices"),
    *("gone_place_time", "gone_latitude", "gone_longitude", "hours", "weekdays"),
)
_WINDOW = ("moved", "inflow", "outflow", "declined", "reversed", "known", "new", "counterparties")
_PARTS = 4_096
"""Accounts told at a time."""


def lines(history: Saved) -> Iterator[bytes]:
    """One JSON object for each account, ascending by its hash, then one of the partition. `history` as it is saved."""
    by_hash = np.argsort(history["accounts"]["key"].view(np.uint64), kind="stable")
    pairs = _Pairs.of(history)
    for begin in range(0, len(by_hash), _PARTS):
        yield from map(msgspec.json.encode, _told(history, by_hash[begin : begin + _PARTS], pairs))
    yield msgspec.json.encode(_partition(history))


def name_of(account: int) -> str:
    """The hash of an account as 16 hexadecimal digits."""
    return f"{account % 2**64:016x}"


class _Pairs(NamedTuple):
    """Counterparties by account: those of a slot are `order[begins[slot]:begins[slot + 1]]`, ascending by hash."""

    order: IntArray
    begins: IntArray

    @classmethod
    def of(cls, history: Saved) -> "_Pairs":
        pairs, accounts = history["pairs"], history["accounts"]
        slots = pairs["slot"].astype(np.int64)
        alive = np.flatnonzero(slots >= 0)
        alive = alive[pairs["incarnation"][alive] == accounts["incarnation"][slots[alive]]]
        order = alive[np.lexsort((pairs["counterparty"][alive], slots[alive]))]
        return cls(order, np.searchsorted(slots[order], np.arange(len(accounts) + 1)))


def _told(history: Saved, slots: IntArray, pairs: _Pairs) -> Iterator[dict[str, Any]]:
    accounts = history["accounts"][slots]
    columns = {name: accounts[name].tolist() for name in _TOLD}
    squares = _squares(accounts["own_high"], accounts["own_low"])
    windows = _windows(history["windows"][slots])
    for row, slot in enumerate(slots.tolist()):
        account = accounts[row]
        begin = int(account["begin"])
        told: dict[str, Any] = {"account": name_of(int(account["key"]))}
        told |= {name: _time(values[row]) for name, values in columns.items()}
        told |= {
            "own_squares": squares[row],
            "pressure": float(account["pressure"]).hex(),
            "place": _relative(int(account["place"]), begin),
            "windows": [[first - begin, *rest] for first, *rest in windows[row]],
            "kept": _kept(history, account),
            "counterparties": _counterparties(history, pairs, slot, begin),
        }
        yield told


def _windows(windows: "np.ndarray[Any, Any]") -> list[list[list[int]]]:
    """Of each account, of each window: where it begins, Σ of squares, and its other numbers."""
    squares = _squares(windows["high"].ravel(), windows["low"].ravel())
    columns = [windows["begin"].ravel().tolist(), squares]
    columns += [windows[name].ravel().tolist() for name in _WINDOW]
    flat = [list(numbers) for numbers in zip(*columns, strict=True)]
    width = windows.shape[1]
    return [flat[at : at + width] for at in range(0, len(flat), width)]


def _kept(history: Saved, account: Any) -> list[list[Any]]:
    """Kept transactions in their order: time, moment, bits, offset, amount asked for, winsorised one, weight,
    counterparty, the one before with it, and the place."""
    begin, end = int(account["begin"]), int(account["end"])
    at = int(account["start"]) + (np.arange(begin, end) - int(account["turn"])) % max(
        int(account["block"]), 1
    )
    events, places = history["events"][at], history["places"]
    stamp, asked, winsor = events["stamp"], events["asked"], events["winsor"]
    offsets = ((asked >> AMOUNT_BITS) << HALF_BITS) | (winsor >> AMOUNT_BITS)
    bits = stamp & 0xFF
    columns = [stamp >> 16, (stamp >> 8) & 0xFF, bits, offsets, asked & AMOUNT_MASK, winsor & AMOUNT_MASK]
    columns += [np.where(bits & Flag.HAS_COUNTERPARTY, events["pair"], NOTHING)]
    kept = [list(numbers) for numbers in zip(*(column.tolist() for column in columns), strict=True)]
    counterparties = history["pairs"]["counterparty"]
    for row, (one, element) in enumerate(zip(kept, at.tolist(), strict=True)):
        pair = one.pop()
        one.append(float(events["weight"][row]).hex())
        if pair >= 0:
            one += [name_of(int(counterparties[pair])), _relative(int(events["before"][row]), begin)]
        if one[2] & Flag.HAS_PLACE:
            one += [int(places["latitude"][element]), int(places["longitude"][element])]
    return kept


def _counterparties(history: Saved, pairs: _Pairs, slot: int, begin: int) -> list[list[Any]]:
    """Whom the account has dealt with, and from which devices: hash, event time of the first transaction, and the last
    one if it is kept."""
    of = history["pairs"][pairs.order[pairs.begins[slot] : pairs.begins[slot + 1]]]
    return [
        [name_of(counterparty), first, _relative(last, begin)]
        for counterparty, first, last in zip(
            of["counterparty"].tolist(), of["first_time"].tolist(), of["last"].tolist(), strict=True
        )
    ]


def _partition(history: Saved) -> dict[str, Any]:
    """What belongs to no single account, large tables as the sha256 of their sorted content."""
    used, seen = history["used"], history["seen"]
    order = np.lexsort((seen["content"], seen["time"], seen["key"]))
    return {
        "accounts": len(history["accounts"]),
        "newest": _time(int(used[Used.NEWEST])),
        "least_active_first": _sha256(history["accounts"]["key"][_by_activity(history)]),
        "let_go": len(history["gone"]),
        "let_go_hashes": _sha256(np.sort(history["gone"])),
        "seen": len(seen),
        "seen_hashes": _sha256(*(seen[name][order] for name in ("key", "time", "content"))),
    }


def _by_activity(history: Saved) -> IntArray:
    """Slots, the least recently active first."""
    more, slot = history["links"][:, MORE].tolist(), int(history["used"][Used.LEAST_ACTIVE])
    order: list[int] = []
    while slot >= 0 and len(order) < len(more):
        order.append(slot)
        slot = more[slot]
    return np.array(order, dtype=np.int64)


def _squares(high: IntArray, low: IntArray) -> list[int]:
    """Sums that do not fit 64 bits; the same sum can be parted in several ways."""
    return [above * 2**40 + below for above, below in zip(high.tolist(), low.tolist(), strict=True)]


def _relative(number: int, begin: int) -> int | None:
    """A logical number as a place among what is kept; None where it is not."""
    return number - begin if number >= begin else None


def _time(value: Any) -> Any:
    return None if value == NEVER else value


def _sha256(*columns: "np.ndarray[Any, Any]") -> str:
    digest = hashlib.sha256()
    for column in columns:
        digest.update(np.ascontiguousarray(column).tobytes())
    return digest.hexdigest()
