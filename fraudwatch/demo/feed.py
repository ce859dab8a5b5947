"""The feed: rows into the source topic, from a thread of its own, until it is stopped or they end."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Self

from fraudwatch.broker.replay import ReplayReport, Row, replay
from fraudwatch.config.settings import Settings

MOST_AHEAD = 8_000
"""Records the worker may be behind: two or three seconds of its work, and at 400 bytes each less than what the
embedded broker keeps of a partition, even if all were in one."""

JOIN_SECONDS = 30.0


class Feed:
    """Sends rows between `start` and `stop`; as a context it is stopped at the end, whatever happened."""

    def __init__(self, send: Callable[["Feed"], None]) -> None:
        self._send = send
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)
        self._before = self._now = 0
        self._failure: Exception | None = None
        self.event_time_ms: int | None = None

    @property
    def sent(self) -> int:
        """Records handed to the broker so far."""
        return self._before + self._now

    @property
    def has_ended(self) -> bool:
        """Whether the rows are at their end. Raises what went wrong on the way."""
        if self._failure is not None:
            raise self._failure
        return not self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Returns once the last record is acknowledged. Raises what went wrong on the way."""
        self.__exit__()
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(JOIN_SECONDS)

    def replay(
        self,
        settings: Settings,
        rows: Iterator[Row],
        *,
        rate: float | None = None,
        speed: float | None = None,
    ) -> None:
        """One stretch at one pace; does nothing any more once the feed is stopped."""
        if self._stop.is_set():
            return
        report = replay(
            settings,
            rows,
            rate=rate,
            speed=speed,
            hold_back_lag=MOST_AHEAD,
            on_progress=self._progressed,
            stop=self._stop.is_set,
        )
        self._before, self._now = self._before + report.records, 0

    def _progressed(self, report: ReplayReport) -> None:
        self._now = report.records
        self.event_time_ms = report.event_time_ms or self.event_time_ms

    def _run(self) -> None:
        try:
            self._send(self)
        except Exception as error:  # noqa: BLE001 - it is raised again where somebody listens
            self._failure = error


def file_feed(settings: Settings, rows: Iterator[Row], rate: float | None) -> Feed:
    """A file at a rate, or as fast as the worker takes it."""
    return Feed(lambda feed: feed.replay(settings, rows, rate=rate))


def live_feed(settings: Settings, rows: Iterator[Row], rate: float, has_model: Callable[[], bool]) -> Feed:
    """The past at full speed until there is a model, then at a rate, then the present as it happens."""

    def send(feed: Feed) -> None:
        ahead = _Ahead(rows)
        feed.replay(settings, ahead.until(lambda row: has_model()))
        feed.replay(settings, ahead.until(_lies_ahead), rate=rate)
        feed.replay(settings, ahead.until(lambda row: False), speed=1)

    return Feed(send)


def _lies_ahead(row: Row) -> bool:
    return row.event_time_ms is not None and row.event_time_ms > time.time() * 1000


class _Ahead:
    """Rows that can be taken up to a condition, without losing the one that met it."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._kept: Row | None = None

    def until(self, ends: Callable[[Row], bool]) -> Iterator[Row]:
        while (row := self._kept or next(self._rows, None)) is not None:
            self._kept = row
            if ends(row):
                return
            self._kept = None
            yield row
