"""`fraudwatch …`, which also notes when it acknowledged what: python watched_worker.py worker …

The handler's `report` runs once a batch's records are acknowledged. Each call is noted in the file that
BENCH_ACKNOWLEDGED names, as three int64: nanoseconds since 1970, the partition, the offset up to which it is done.
"""

import os
import struct
import time
from pathlib import Path
from typing import Any

from fraudwatch.cli import main
from fraudwatch.stream.handler import Handler


def watch(notes: Any) -> None:
    """Every handler made from now on is watched."""
    report = Handler.report

    def noting(self: Handler, handled: Any) -> None:
        now = time.time_ns()
        for state, *_ in handled.parts:
            notes.write(struct.pack("<qqq", now, state.partition, state.position))
        report(self, handled)

    Handler.report = noting  # type: ignore[method-assign]


if __name__ == "__main__":
    with Path(os.environ["BENCH_ACKNOWLEDGED"]).open("wb") as file:
        watch(file)
        main()
