"""The feed: rows into the source topic, from a thread of its own, until it is stopped or they end."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol, Self

from fraudwatch.broker.replay import ReplayReport, Row, replay
from fraudwatch.config.settings import Settings

MOST_AHEAD = 8_000
"""Records the worker may be behind: two or three seconds of its work."""

FITTING_RATE = 500.0
"""Records a second while a model is fitted: the fit is the least urgent process of the machine."""

NAP_SECONDS = 0.05

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

    def await_handled(self, seen: "Feedback") -> None:
        """Until the worker has handled all that was sent, or the feed is stopped.

        Between two stretches: each counts the bytes that the embedded broker holds from zero.
        """
        while seen.records < self.sent and not self._stop.wait(NAP_SECONDS):
            pass

    def _progressed(self, report: ReplayReport) -> None:
        self._now = report.records
        self.event_time_ms = report.event_time_ms or self.event_time_ms

    def _run(self) -> None:
        try:
            self._send(self)
        except Exception as error:  # noqa: BLE001 - it is raised again where somebody listens
            self._failure = error


class Feedback(Protocol):
    """What a feed is told of the worker; asked often, so it only looks things up."""

    @property
    def records(self) -> int:
        """Records handled so far."""

    @property
    def is_sampled(self) -> bool:
        """Whether there is enough to fit a first model on."""

    @property
    def has_model(self) -> bool:
        """Whether the worker scores."""


def live_feed(settings: Settings, rows: Iterator[Row], rate: float, seen: Feedback) -> Feed:
    """At full speed until there is a model, then at the rate, and once it has caught up, as it happens."""

    def send(feed: Feed) -> None:
        ahead = _Ahead(rows)
        _warm_up(feed, settings, ahead, None, seen)
        feed.replay(settings, ahead.until(_lies_ahead), rate=rate)
        feed.await_handled(seen)
        feed.replay(settings, ahead.until(_never), speed=1)

    return Feed(send)


def file_feed(settings: Settings, rows: Iterator[Row], rate: float | None, seen: Feedback) -> Feed:
    """At the rate, or as fast as the worker takes it."""

    def send(feed: Feed) -> None:
        ahead = _Ahead(rows)
        _warm_up(feed, settings, ahead, rate, seen)
        feed.replay(settings, ahead.until(_never), rate=rate)

    return Feed(send)


def _warm_up(feed: Feed, settings: Settings, ahead: "_Ahead", rate: float | None, seen: Feedback) -> None:
    """Until there is enough to fit a model on, then in peace until it is fitted."""
    feed.replay(settings, ahead.until(lambda row: seen.is_sampled or seen.has_model), rate=rate)
    feed.await_handled(seen)
    slowly = min(rate or FITTING_RATE, FITTING_RATE)
    feed.replay(settings, ahead.until(lambda row: seen.has_model), rate=slowly)
    feed.await_handled(seen)


def _never(row: Row) -> bool:
    return False


def _lies_ahead(row: Row) -> bool:
    return row.event_time_ms is not None and row.event_time_ms > time.time() * 1000


class _Ahead:
    """Rows that can be taken up to a condition, without losing the one that met it."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self._kept: Row | None = None

    def until(self, ends: Callable[[Row], bool]) -> Iterator[Row]:
        """The rows before the first that meets the condition; that one comes first the next time."""
        while (row := self._kept or next(self._rows, None)) is not None:
            self._kept = row
            if ends(row):
                return
            self._kept = None
            yield row
