"""The workers: started again whenever they end, as an init system does it, and looked at once a second."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

MEMBER = Path(__file__).with_name("member.py")
AGAIN_SECONDS = 0.3
LOOK_SECONDS = 0.1
MEMORY_SECONDS = 1.0
END_SECONDS = 40.0
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


class Sample(NamedTuple):
    """How much memory a process had, and when (ns since 1970)."""

    ns: int
    kib: int


class Member:
    """A place in the crew; the process in it changes."""

    def __init__(self, directory: Path, name: str, order: str, words: Sequence[str]) -> None:
        self.name = name
        self._directory = directory
        self._command = [sys.executable, str(MEMBER), str(directory), name, order, *words]
        self._log = directory / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0

    def start(self) -> None:
        """Another process; its messages go on in the same file."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._directory)
        self.started_at = time.monotonic()

    def signal(self, which: signal.Signals) -> None:
        """To the process, if there is one."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(which)

    def die_at(self, point: str, skip: int) -> Path:
        """From now on it kills itself when it comes there; the file that says so is gone when it has."""
        told = self._directory / f"{self.name}.{point}"
        told.with_suffix(".new").write_text(str(skip))
        told.with_suffix(".new").rename(told)
        return told

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""


class Crew:
    """Several members, tended by a thread. `exits` counts exit codes, `memory` has samples by process."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = list(members)
        self.exits: Counter[int] = Counter()
        self.memory: defaultdict[int, list[Sample]] = defaultdict(list)
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="crew", daemon=True)

    def start(self) -> None:
        """Every member, and the thread that tends them."""
        for member in self.members:
            member.start()
        self._thread.start()

    def end(self) -> dict[int, int]:
        """Asks everybody to end, and starts nobody again; exit codes by process. One that does not end is killed."""
        self._is_ending.set()
        self._thread.join()
        for member in self.members:
            member.signal(signal.SIGCONT)
            member.signal(signal.SIGTERM)
        codes = {}
        for member in self.members:
            assert member.process is not None
            try:
                codes[member.process.pid] = member.process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                member.process.kill()
                codes[member.process.pid] = member.process.wait()
        return codes

    def kill(self) -> None:
        """Nobody is left, whatever happened."""
        self._is_ending.set()
        if self._thread.is_alive():
            self._thread.join()
        for member in self.members:
            if member.process is not None and member.process.poll() is None:
                member.process.kill()
                member.process.wait()

    def _tend(self) -> None:
        ended: dict[str, float] = {}
        looked = 0.0
        while not self._is_ending.wait(LOOK_SECONDS):
            now = time.monotonic()
            for member in self.members:
                assert member.process is not None
                if (code := member.process.poll()) is None:
                    continue
                if member.name not in ended:
                    ended[member.name] = now
                    self.exits[code] += 1
                elif now - ended[member.name] >= AGAIN_SECONDS:
                    del ended[member.name]
                    member.start()
            if now - looked >= MEMORY_SECONDS:
                looked = now
                self._look()

    def _look(self) -> None:
        for member in self.members:
            assert member.process is not None
            try:
                resident = Path(f"/proc/{member.process.pid}/statm").read_text().split()[1]
            except (FileNotFoundError, IndexError, ProcessLookupError):
                continue
            self.memory[member.process.pid].append(Sample(time.time_ns(), int(resident) * PAGE_KIB))
