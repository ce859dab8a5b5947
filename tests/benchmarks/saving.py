"""How long a partition stands still while its state is copied, and what its snapshot costs after that.

    python tests/benchmarks/saving.py [ACCOUNTS [EVENTS]]

Prints JSON: milliseconds of the copy for each 100,000 accounts (medians of the thread's CPU time and of the clock,
which other work on the machine lengthens), bytes before and after compression, seconds to compress, to read it back
into arrays, and to make a pipeline of them.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from memory import _fold
from prepared import simulated_settings

from fraudwatch import snapshots
from fraudwatch.pipeline import Pipeline
from fraudwatch.snapshots import Stamp

TIMES = 9
STAMP = Stamp(
    topic="t",
    partition=0,
    partitions=1,
    offset=0,
    reached_ms=0,
    generation=0,
    review_offset=0,
    slot=0,
    created_ms=0,
    code="",
    configuration="",
)


def saved(accounts: int, events: int) -> dict[str, Any]:
    """The figures of one partition in which every account has so many transactions."""
    settings = simulated_settings()
    pipeline = Pipeline(settings)
    _fold(pipeline._history, accounts, events)
    cpu = [timed(pipeline.state, time.thread_time)[0] for _ in range(TIMES)]
    clock = [timed(pipeline.state, time.perf_counter)[0] for _ in range(TIMES)]
    blocks = pipeline.state()
    raw = sum(array.nbytes for block in blocks.values() for array in block.arrays.values())
    compressing, pieces = timed(lambda: list(snapshots.pieces(blocks)), time.perf_counter)
    places = [(snapshots.sha256(piece), offset) for offset, piece in enumerate(pieces)]
    manifest = snapshots.encode(snapshots.vouched(STAMP, blocks, places))
    reading, found = timed(lambda: snapshots.assemble(snapshots.read(manifest), pieces), time.perf_counter)
    Pipeline.of(settings, found)  # compiles
    making, _ = timed(lambda: Pipeline.of(settings, found), time.perf_counter)
    hundred = accounts / 100_000
    return {
        "accounts": accounts,
        "events_each": events,
        "copy_cpu_ms_per_100000_accounts": round(1e3 * statistics.median(cpu) / hundred, 1),
        "copy_ms_per_100000_accounts": round(1e3 * statistics.median(clock) / hundred, 1),
        "bytes": raw,
        "compressed_bytes": sum(map(len, pieces)),
        "pieces": len(pieces),
        "compress_seconds": round(compressing, 2),
        "read_seconds": round(reading, 2),
        "restore_seconds": round(making, 2),
    }


def timed(what: Callable[[], Any], clock: Callable[[], float]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    started = clock()
    found = what()
    return clock() - started, found


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.stdout.write(
        json.dumps(saved(*(given or [100_000]), *([] if len(given) > 1 else [20])), indent=2) + "\n"
    )
