"""The demo's worker process: `python -m fraudwatch.demo.child CONFIGURATION PARENT`.

A `fraudwatch worker` that ends with its parent, whatever happened to that: the broker lives there.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

from fraudwatch.config.loading import load
from fraudwatch.errors import FraudwatchError
from fraudwatch.stream import run_worker

PARENT_LOOK_SECONDS = 1.0


def main() -> int:
    """Exit code of the worker; 1 with a message for what a person has to change."""
    configuration, parent = sys.argv[1:]
    threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
    try:
        # The parent has read the environment already; what it wrote is what holds.
        return run_worker(load(Path(configuration), environ={}))
    except FraudwatchError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    raise SystemExit(main())
