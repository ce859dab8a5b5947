"""What a partition knows of each account, so that two that know the same are equal to the bit.

Where something lies in the tables of `fraudwatch.features.arrays`, and what depends on how records were cut into
batches, is left out; everything else is compared as it is.
"""

from typing import Any, NamedTuple

import numpy as np

from fraudwatch.features.arrays import ACCOUNT, EVENT, PAIR, WINDOW

NOBODY = np.int64(0)
"""Counterparty of a transaction that has none: its pair is −1, the last of the list."""
_PLACES = {
    "start", "block", "begin", "end", "peaks_begin", "peaks_end", "held", "batch", "incarnation", "place",
    "peak", "pair", "before", "slot", "last",
}  # fmt: skip
"""Fields that say where something lies, or what batch it came in."""


class Known(NamedTuple):
    """Of one account: how many transactions there were, and everything."""

    total: int
    bits: bytes


class Held(NamedTuple):
    """The state of a partition when all records before `position` were in it."""

    partition: int
    position: int
    accounts: dict[int, Known]


def of_pipeline(pipeline: Any) -> dict[int, Known]:
    """By the hash of the account, all that is known of it."""
    found = pipeline._history.state()
    pairs = found["pairs"]
    return {
        int(account["key"]): Known(int(account["total"]), _account(found, slot, pairs))
        for slot, account in enumerate(found["accounts"])
    }


def _account(found: dict[str, Any], slot: int, pairs: Any) -> bytes:
    account = found["accounts"][slot]
    numbers = np.arange(account["begin"], account["end"])
    events = found["events"][account["start"] + (numbers & (_ring(account) - 1))]
    of_it = pairs[(pairs["slot"] == slot) & (pairs["incarnation"] == account["incarnation"])]
    parts = [
        _bits(account, ACCOUNT),
        _bits(found["windows"][slot], WINDOW),
        _bits(events, EVENT),
        np.append(pairs["counterparty"], NOBODY)[events["pair"]].tobytes(),
        _bits(np.sort(of_it, order="counterparty"), PAIR),
    ]
    return b"|".join(parts)


def _ring(account: Any) -> int:
    return max(int(account["block"]), 1)


def _bits(rows: Any, kind: "np.dtype[Any]") -> bytes:
    names = [name for name in kind.names or () if name not in _PLACES]
    return b"".join(np.ascontiguousarray(rows[name]).tobytes() for name in names)
