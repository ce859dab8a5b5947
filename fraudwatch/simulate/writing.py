"""A simulated stream as a file of JSON lines."""

import gzip
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from fraudwatch.errors import ConfigurationError
from fraudwatch.simulate.plan import EPOCH, Plan
from fraudwatch.simulate.rows import messages

_DAY_MS = 86_400_000
_FAST = 3  # gzip level: level 9 would take five times as long as making the rows, for a tenth less

OnProgress = Callable[[int, int], None]
"""Called with the days begun (1 to plan.days) and the rows written so far."""


def write(plan: Plan, path: Path, on_progress: OnProgress | None = None) -> int:
    """Write the rows of the plan to `path` (.jsonl or .jsonl.gz); the number of rows written.

    The file appears whole or not at all: it is written beside its place and moved there at the end. The same
    plan gives the same bytes. Raises ConfigurationError for another ending or a place that cannot be written.
    """
    if not path.name.endswith((".jsonl", ".jsonl.gz")):
        raise ConfigurationError(f"{path}: expected a name ending in .jsonl or .jsonl.gz. Name it so.")
    try:
        with _moved_into_place(path) as file:
            return _write_rows(plan, file, on_progress)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be written ({error.strerror}). "
            "Name a file in a directory that has room and that you may write to."
        ) from error


def _write_rows(plan: Plan, file: IO[bytes], on_progress: OnProgress | None) -> int:
    count, begun = 0, 0
    first_day = (plan.start - EPOCH).days
    for message in messages(plan):
        file.write(message.value + b"\n")
        count += 1
        day = message.event_time_ms // _DAY_MS - first_day + 1
        if day != begun and on_progress is not None:
            on_progress(day, count)
        begun = day
    return count


@contextmanager
def _moved_into_place(path: Path) -> Iterator[IO[bytes]]:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as raw:
            if path.name.endswith(".gz"):
                # No name and no time in the header: equal plans, equal bytes.
                with gzip.GzipFile("", "wb", _FAST, raw, mtime=0) as packed:
                    yield cast(IO[bytes], packed)
            else:
                yield raw
            raw.flush()
            os.fsync(raw.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
