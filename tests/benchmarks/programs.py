"""Programs under measurement: started as children, their CPU time read from /proc, ended by their own process id."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
ENDS_WITHIN_SECONDS = 40

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""For everybody: NumPy's and scikit-learn's thread pools would only get in the way of one core."""


class ProgramFailedError(Exception):
    """A program under measurement ended by itself."""


class Program:
    """A running child."""

    def __init__(self, name: str, child: "subprocess.Popen[bytes]", directory: Path) -> None:
        self.name = name
        self.child = child
        self._directory = directory

    @property
    def output(self) -> str:
        """What it printed."""
        return (self._directory / "out").read_text(encoding="utf-8", errors="replace")

    @property
    def messages(self) -> str:
        """What it said on its standard error."""
        return (self._directory / "err").read_text(encoding="utf-8", errors="replace")

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far."""
        return cpu_seconds(self.child.pid)

    def require_running(self) -> None:
        """Raises ProgramFailedError with the end of what it said."""
        if self.child.poll() is not None:
            said = "\n".join(self.messages.splitlines()[-12:])
            raise ProgramFailedError(f"{self.name} ended with {self.child.returncode}:\n{said}")

    def end(self) -> None:
        """Asks it to end, and insists after a while."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(ENDS_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()


@contextmanager
def running(
    name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """A child in a directory of its own, which is gone when the block is left."""
    with tempfile.TemporaryDirectory(prefix="fraudwatch-bench-") as place:
        directory = Path(place)
        with (directory / "out").open("wb") as out, (directory / "err").open("wb") as err:
            child = subprocess.Popen(
                [str(word) for word in command],
                stdout=out,
                stderr=err,
                cwd=directory,
                env=os.environ | ONE_THREAD | dict(environment or {}),
            )
        program = Program(name, child, directory)
        try:
            yield program
        finally:
            program.end()


def cpu_seconds(process: int) -> float:
    """User and system time of a process and its threads, from /proc/PID/stat (proc(5): fields 14 and 15)."""
    after_name = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / TICKS


def resident_bytes(process: int) -> int:
    """Resident memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf(
        "SC_PAGE_SIZE"
    )
