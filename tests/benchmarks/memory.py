"""5. Bytes an account and a kept transaction cost, in arrays and in resident memory.

    python tests/benchmarks/memory.py ACCOUNTS EVENTS

is the child that the measurement runs in, so that nothing else is in its memory; prints JSON.
"""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from prepared import ROOT, simulated_settings
from programs import resident_bytes
from reporting import Answer, Table, rounded, say
from scale import Scale

from fraudwatch.features import History
from fraudwatch.records import TextField, Trait, Transactions

BLOCK = 50_000
FIRST_MS = 1_704_067_200_000
SPAN_MS = 29 * 86_400_000
"""All of an account's transactions lie within the longest window."""
AIMS = {"bytes_per_account": 1024, "bytes_per_event": 40}


def measure(scale: Scale) -> Answer:
    """The question's answer."""
    say(f"{scale.kept_accounts:,} accounts with {scale.kept_events} transactions each, in a child")
    found = _in_child(scale.kept_accounts, scale.kept_events)
    rows = [
        (name, rounded(found[name]["arrays"]), rounded(found[name]["resident"]), str(aim))
        for name, aim in AIMS.items()
    ]
    table = Table(
        f"5. Memory of {scale.kept_accounts:,} accounts × {scale.kept_events} transactions",
        ("what", "arrays", "resident", "aim"),
        rows,
        (
            "An account: all there is after its first transaction. A transaction: what each further one adds.",
            f"In all: arrays {found['total']['arrays'] / 2**20:,.0f} MiB, "
            f"resident {found['total']['resident'] / 2**20:,.0f} MiB.",
        ),
    )
    return Answer({"memory": found}, [table])


def grown(accounts: int, events: int) -> dict[str, Any]:
    """Fold the transactions into an empty history, and look at its size after the first of each and at the end."""
    warm = History(simulated_settings())  # kernels and caches are there before the first look
    for transactions in transactions_of(100, 2):
        warm.fold(transactions)
    del warm
    gc.collect()
    nothing = resident_bytes(os.getpid())
    history = History(simulated_settings())
    sizes = []
    for number in range(events):
        for transactions in _round(accounts, number, events):
            history.fold(transactions)
        if number in (0, events - 1):
            gc.collect()
            by_name = dict(_arrays(history))
            sizes.append((sum(by_name.values()), resident_bytes(os.getpid()) - nothing, by_name))
    first, last = sizes[0], sizes[-1]
    further = accounts * max(events - 1, 1)
    return {
        "bytes_per_account": {"arrays": first[0] / accounts, "resident": first[1] / accounts},
        "bytes_per_event": {
            "arrays": (last[0] - first[0]) / further,
            "resident": (last[1] - first[1]) / further,
        },
        "total": {"arrays": last[0], "resident": last[1]},
        "arrays": dict(sorted(last[2].items(), key=lambda item: -item[1])[:12]),
    }


def transactions_of(accounts: int, events: int) -> Iterator[Transactions]:
    """So many of each of so many accounts, within the longest window, in batches."""
    for number in range(events):
        yield from _round(accounts, number, events)


def _round(accounts: int, number: int, events: int) -> Iterator[Transactions]:
    """One transaction of each account."""
    begin_ms = FIRST_MS + number * SPAN_MS // events
    for begin in range(0, accounts, BLOCK):
        who = np.arange(begin, min(begin + BLOCK, accounts), dtype=np.int64)
        yield _transactions(who, number * accounts + begin, begin_ms + begin * SPAN_MS // events // accounts)


def _transactions(who: Any, first_offset: int, time_ms: int) -> Transactions:
    """Payments to one of ten counterparties of the account's own, without places, as columns."""
    count = len(who)
    offsets = first_offset + np.arange(count, dtype=np.int64)
    return Transactions(
        rows=np.arange(count, dtype=np.int64),
        offsets=offsets,
        event_time_ms=np.full(count, time_ms, dtype=np.int64),
        amount_minor=1_000 + offsets % 9_973,
        latitude=np.zeros(count, dtype=np.int32),
        longitude=np.zeros(count, dtype=np.int32),
        traits=np.full(count, Trait.HAS_COUNTERPARTY | Trait.DEBIT, dtype=np.uint8),
        spans=np.zeros((count, len(TextField), 2), dtype=np.int32),
        text=np.zeros(0, dtype=np.uint8),
        ids=_hashes(offsets + 1),
        accounts=_hashes(who + 2**40),
        counterparties=_hashes((who * 7 + offsets % 10) % 40_000 + 2**50),
        contents=_hashes(offsets + 2**52),
        devices=np.zeros(count, dtype=np.int64),
        cohorts=np.zeros(count, dtype=np.int64),
    )


def _hashes(numbers: Any) -> Any:
    """64 well mixed bits each (the finaliser of MurmurHash3)."""
    mixed = numbers.astype(np.uint64)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed.view(np.int64)


def _arrays(thing: Any, path: str = "", seen: set[int] | None = None) -> Iterator[tuple[str, int]]:
    """Bytes of every array that can be reached, by the way to it."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        yield path or "array", thing.nbytes if thing.base is None else _of_base(thing, seen)
    elif isinstance(thing, tuple) and hasattr(thing, "_fields"):
        for name in thing._fields:
            yield from _arrays(getattr(thing, name), f"{path}.{name}".strip("."), seen)
    elif isinstance(thing, dict):
        for name, value in thing.items():
            yield from _arrays(value, f"{path}.{name}".strip("."), seen)
    elif isinstance(thing, list | tuple):
        for number, value in enumerate(thing):
            yield from _arrays(value, f"{path}.{number}".strip("."), seen)
    elif type(thing).__module__.startswith("fraudwatch."):
        names = getattr(thing, "__struct_fields__", None) or vars(thing)
        for name in names:
            yield from _arrays(getattr(thing, name), f"{path}.{name}".strip("."), seen)


def _of_base(view: Any, seen: set[int]) -> int:
    """A view's memory is that of what it looks at, counted once."""
    base = view
    while isinstance(base.base, np.ndarray):
        base = base.base
    if id(base) in seen and base is not view:
        return 0
    seen.add(id(base))
    return int(base.nbytes)


def _in_child(accounts: int, events: int) -> dict[str, Any]:
    command = [sys.executable, __file__, str(accounts), str(events)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"the child ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    sys.stdout.write(json.dumps(grown(int(sys.argv[1]), int(sys.argv[2]))) + "\n")
