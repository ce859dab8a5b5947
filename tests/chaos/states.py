"""The states that members had at their ends, as files."""

import os
import pickle
from pathlib import Path

from histories import Held

SUFFIX = ".state"


def write_state(directory: Path, held: Held) -> None:
    """Of this process; a process killed meanwhile leaves none."""
    path = directory / f"{os.getpid()}-{held.partition}"
    path.with_suffix(".half").write_bytes(pickle.dumps(held))
    path.with_suffix(".half").rename(path.with_suffix(SUFFIX))


def read_states(directory: Path) -> list[Held]:
    """Of every process that came to its end."""
    return [pickle.loads(path.read_bytes()) for path in sorted(directory.glob(f"*{SUFFIX}"))]
