"""A process around a Faust app: its metrics port, its watchdog, its deadline, its exit code, its log."""

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Protocol

from fraudwatch.config.settings import Settings
from fraudwatch.errors import FraudwatchError
from fraudwatch.metrics import Exposed, serve
from fraudwatch.stream.engine import App, Worker
from fraudwatch.stream.health import Health

logger = logging.getLogger(__name__)

OVERDUE = 75
"""Exit code of a process that was cut off (EX_TEMPFAIL): it stood still, or did not end within `stream.shutdown`."""

LOOK_EVERY_SECONDS = 1.0
SAY_AGAIN_SECONDS = 10.0
MOST_TEXTS = 1_000


class Member(Protocol):
    """One member of a consumer group: its app with everything connected to it."""

    app: App
    health: Health

    def close(self) -> None:
        """After the loop has ended."""
        ...


def run_member(
    settings: Settings, metrics: Exposed, make: Callable[[asyncio.AbstractEventLoop], Member], what: str
) -> int:
    """Runs until asked to end (SIGTERM, SIGINT: 0) or failing (1); gives the exit code. Wants the main thread.

    `what` says in the log who started.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    member = make(loop)
    deadline = Deadline(settings.stream.shutdown / 1000, lambda: cut_off("not ended within stream.shutdown"))
    watchdog = Watchdog(settings.stream.give_up_after / 1000, member.health.stalled, cut_off)
    live, ready = member.health.live, member.health.ready
    server = serve(metrics, settings.metrics.host, settings.metrics.port, live, ready)
    logger.info("%s; metrics on http://%s:%d/metrics", what, settings.metrics.host, server.port)
    try:
        return _run(Worker(member.app, on_stop_asked=deadline.start, loop=loop))
    finally:
        watchdog.close()
        server.close()
        member.close()
        deadline.cancel()


def _run(worker: Worker) -> int:
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


class Deadline:
    """Calls `cut_off` so many seconds after it is started, from a thread of its own, unless cancelled.

    With unacknowledged records Faust can wait for ever when it ends (FACTS §1).
    """

    def __init__(self, seconds: float, cut_off: Callable[[], None]) -> None:
        self._timer = threading.Timer(seconds, cut_off)
        self._timer.daemon = True
        self._started = False

    def start(self) -> None:
        """A second call does nothing."""
        if not self._started:
            self._started = True
            self._timer.start()

    def cancel(self) -> None:
        """The process has ended in time."""
        self._timer.cancel()


class Watchdog:
    """Calls `cut_off` when the process stood still for so many seconds, from a thread of its own.

    A restart mends what nobody foresaw: a loop that hangs, a group that does not settle, a broker that says nothing.
    `stalled` gives the seconds and the reason.
    """

    def __init__(
        self,
        limit_seconds: float,
        stalled: Callable[[], tuple[float, str]],
        cut_off: Callable[[str], None],
        look_every_seconds: float = LOOK_EVERY_SECONDS,
    ) -> None:
        self._limit = limit_seconds
        self._stalled = stalled
        self._cut_off = cut_off
        self._look_every = look_every_seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed.wait(self._look_every):
            seconds, why = self._stalled()
            if seconds > self._limit:
                self._cut_off(f"{why}, longer than stream.give_up_after")
                return

    def close(self) -> None:
        """The process has ended by itself."""
        self._closed.set()
        self._thread.join()


def cut_off(why: str) -> None:
    """Ends the process at once: what was not acknowledged is read again after a restart."""
    logger.critical("%s: cut off, unacknowledged records are read again", why)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(OVERDUE)


def set_up_logging() -> None:
    """For a caller that has not: messages to standard error, those of the engine from warnings on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for engine in ("faust", "mode", "aiokafka", "fraudwatch.stream.engine", "fraudwatch.stream.transport"):
        logging.getLogger(engine).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)
        handler.addFilter(Repeats().may_pass)


def _is_news(record: logging.LogRecord) -> bool:
    """Faust writes a traceback of each error on its way up; ours are said once, by us, without one."""
    return not (record.exc_info and isinstance(record.exc_info[1], FraudwatchError))


class Repeats:
    """Keeps aiokafka from filling a disk: of a topic that is gone it says so a thousand times a second.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[str, float] = {}

    def may_pass(self, record: logging.LogRecord) -> bool:
        """False for what aiokafka said already within SAY_AGAIN_SECONDS."""
        if not record.name.startswith("aiokafka"):
            return True
        now, text = self._clock(), record.getMessage()
        if now - self._said.get(text, -SAY_AGAIN_SECONDS) < SAY_AGAIN_SECONDS:
            return False
        if len(self._said) >= MOST_TEXTS:
            self._said.clear()
        self._said[text] = now
        return True
