"""Doing what the schedule says. Faults overlap, unless they need the same thing."""

import signal
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from cluster import Cluster
from crew import Crew, Member
from driver import Driver
from schedule import MOST_POISON, POINTS, Fault, Kind

REACHED_SECONDS = 40.0
"""A member that has not come to its point by then is killed where it is."""
LONGEST_DELAY_SECONDS = 0.3
POLL_SECONDS = 0.02


class Done(NamedTuple):
    """A fault as it came to be: `kind` may be a plain SIGKILL where a point was not reached. Times in ms since 1970."""

    kind: Kind
    began_ms: int
    healed_ms: int


class Faults:
    """Does them, each on a thread of its own; `done` lists them once they are healed."""

    def __init__(self, cluster: Cluster, crew: Crew, driver: Driver) -> None:
        self.done: list[Done] = []
        self.failed: list[BaseException] = []
        self._cluster, self._crew, self._driver = cluster, crew, driver
        self._members = [threading.Lock() for _ in crew.members]
        self._wire, self._broker = threading.Lock(), threading.Lock()
        self._threads: list[threading.Thread] = []

    def begin(self, fault: Fault) -> None:
        """Returns at once."""
        self._threads.append(thread := threading.Thread(target=self._do, args=[fault], daemon=True))
        thread.start()

    def end(self) -> None:
        """All of them are healed. Raises what went wrong with the harness itself."""
        for thread in self._threads:
            thread.join()
        if self.failed:
            raise self.failed[0]

    def _do(self, fault: Fault) -> None:
        place = fault.member % len(self._members)
        if fault.kind is Kind.BROKER_KILL:
            lock = self._broker
        elif fault.kind in (Kind.DELAY, Kind.RESET, Kind.BLACKHOLE):
            lock = self._wire
        else:
            lock = self._members[place]
        with lock:
            began = _now_ms()
            try:
                kind = self._cause(fault, self._crew.members[place])
            except BaseException as error:  # noqa: BLE001 (a thread has nobody to tell; `end` raises it)
                self.failed.append(error)
            else:
                self.done.append(Done(kind, began, _now_ms()))

    def _cause(self, fault: Fault, member: Member) -> Kind:
        if fault.kind in POINTS:
            return self._kill_at(fault, member)
        if fault.kind is Kind.KILL:
            _when_there(member).signal(signal.SIGKILL)
        elif fault.kind is Kind.TERMINATE:
            _when_there(member).signal(signal.SIGTERM)
        elif fault.kind is Kind.FREEZE:
            _when_there(member).signal(signal.SIGSTOP)
            time.sleep(fault.seconds)
            member.signal(signal.SIGCONT)
        elif fault.kind is Kind.BROKER_KILL:
            self._cluster.kill()
            time.sleep(fault.seconds)
            self._cluster.raise_again()
        elif fault.kind is Kind.POISON:
            self._driver.poison(1 + fault.skip % MOST_POISON)
        else:
            self._disturb(fault)
        return fault.kind

    def _disturb(self, fault: Fault) -> None:
        proxy = self._cluster.proxy
        if fault.kind is Kind.RESET:
            proxy.reset()
            return
        if fault.kind is Kind.DELAY:
            proxy.delay(LONGEST_DELAY_SECONDS)
        else:
            proxy.swallow()
        time.sleep(fault.seconds)
        proxy.heal()

    def _kill_at(self, fault: Fault, member: Member) -> Kind:
        _when_there(member)
        told = member.die_at(POINTS[fault.kind], fault.skip)
        if fault.kind is Kind.KILL_RESTORING:
            member.signal(signal.SIGKILL)  # it restores when it comes back
        if _until_gone(told):
            return fault.kind
        with suppress(FileNotFoundError):
            told.unlink()
        _when_there(member).signal(signal.SIGKILL)
        return Kind.KILL


def _when_there(member: Member) -> Member:
    """Waits for a process in this place: between two there is nobody to hit."""
    while member.process is None or member.process.poll() is not None:
        time.sleep(POLL_SECONDS)
    return member


def _until_gone(path: Path) -> bool:
    deadline = time.monotonic() + REACHED_SECONDS
    while path.exists():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
