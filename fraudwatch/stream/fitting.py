"""Fitting in a child process: it gets the sample on its standard input and leaves the artefact in a directory.

What goes through the pipe is a pickle, from this program to itself; what is kept, the artefact, is not.
"""

import asyncio
import os
import pickle
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from fraudwatch.config.settings import Settings
from fraudwatch.detection.versions import Bytes
from fraudwatch.errors import FraudwatchError, TrainingError
from fraudwatch.stream.parts import Artefact, Parts

REFUSED = 3
"""Exit code of a child that said on its standard error why there is no model."""

CHILD = "from fraudwatch.stream.fitting import main; raise SystemExit(main())"

# A fit must not slow scoring down: it is not urgent.
NICENESS = 5
PARENT_LOOK_SECONDS = 1.0


def to_pickle(parts: Parts, settings: Settings, sample: Any) -> bytes:
    """What the child needs. Call it where the sample does not change meanwhile."""
    return pickle.dumps((parts.fit, settings, sample), protocol=pickle.HIGHEST_PROTOCOL)


async def fit_in_child(work: bytes) -> Artefact:
    """Fits without blocking the loop; a cancelled fit is killed.

    Raises TrainingError with what the child said.
    """
    with tempfile.TemporaryDirectory(prefix="fraudwatch-fit-") as directory:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            CHILD,
            directory,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            _, said = await child.communicate(work)
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        if child.returncode:
            raise TrainingError(_complaint(child.returncode, said.decode("utf-8", "replace")))
        place = Path(directory)
        return Bytes((place / "manifest").read_bytes(), (place / "arrays").read_bytes())


def _complaint(code: int, said: str) -> str:
    if code == REFUSED:
        return said.strip()
    return f"the fit ended with code {code}: {said.strip() or 'it said nothing'}"


def _fit(directory: Path) -> None:
    fit, settings, sample = pickle.load(sys.stdin.buffer)
    artefact: Artefact = fit(settings, sample)
    (directory / "manifest").write_bytes(artefact.manifest)
    (directory / "arrays").write_bytes(artefact.arrays)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_LOOK_SECONDS)
    os._exit(1)


def main() -> int:
    """The child. Exit code 0 with both files written, or REFUSED."""
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    os.nice(NICENESS)
    try:
        _fit(Path(sys.argv[1]))
    except FraudwatchError as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    return 0
