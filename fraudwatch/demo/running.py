"""One demo from its start to its end.

broker → topics → worker → ready → feed ⇄ look, until the time is over or somebody asks → drain → summary → end
"""

import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from fraudwatch.broker.embedded import PARTITIONS, EmbeddedBroker
from fraudwatch.config.settings import Settings
from fraudwatch.demo.feed import Feed, file_feed, live_feed
from fraudwatch.demo.look import Look, Stage
from fraudwatch.demo.newest import NewestAlerts
from fraudwatch.demo.observation import Observation, observe
from fraudwatch.demo.rows import file_rows, own_rows
from fraudwatch.demo.setting import demo_settings, reading_our_own
from fraudwatch.demo.summary import Summary, summary
from fraudwatch.demo.worker import WorkerProcess
from fraudwatch.errors import FraudwatchError

LIVE_RATE = 2_000.0
"""Records a second of our own stream once there is a model: six seconds an event day, a few alerts a second."""

START_SECONDS = 300.0
"""The first start on a machine compiles for 20 to 50 s of processor time, and others may want the processor as well."""

DRAIN_SECONDS = 20.0
STOP_FEEDING_SECONDS = 2.0
"""The feed ends so much before the demo: about what the worker then has still to do."""

LOOK_SECONDS = 0.5
RECENT_SECONDS = 3.0
"""What the throughput on the screen is taken over."""

NEWEST = 10
DAY_MS = 86_400_000


class Demo:
    """Runs once. `ask_to_end` may be called from a signal handler.

    `file` None feeds our own simulated stream; `rate` None its usual pace, or for a file as fast as the worker
    takes it; `seconds` None runs until it is asked to end or the file has ended. `show` is called twice a second.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        file: Path | None = None,
        rate: float | None = None,
        seconds: float | None = None,
        show: Callable[[Look], None] = lambda look: None,
    ) -> None:
        self._given = settings if file is not None else reading_our_own(settings)
        self._file = file
        self._rate = rate
        self._seconds = seconds
        self._show = show
        self._is_asked = False

    def ask_to_end(self) -> None:
        """The feed stops, what is on its way is handled, and `run` returns its summary."""
        # No threading.Event: the thread that a signal interrupts may hold its lock, and would wait for itself.
        self._is_asked = True

    def run(self) -> Summary:
        """Raises FraudwatchError when the input cannot be used, or the worker ends by itself or stands still."""
        # What is wrong with the input is said before anything is started.
        rows = own_rows() if self._file is None else file_rows(self._given, self._file)
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fraudwatch-demo-")))
            broker = stack.enter_context(EmbeddedBroker())
            settings = demo_settings(self._given, broker.bootstrap_servers)
            topics = settings.topics
            names = (settings.source.topic, topics.review, topics.dead_letters, topics.models)
            broker.create_topics(dict.fromkeys(names, PARTITIONS))
            worker = stack.enter_context(WorkerProcess(settings, directory))
            newest = stack.enter_context(NewestAlerts(settings))
            run = _Run(settings, worker, newest, self._show)
            if self._file is None:
                feed = live_feed(settings, rows, self._rate or LIVE_RATE, run)
            else:
                feed = file_feed(settings, rows, self._rate, run)
            stack.enter_context(feed)
            run.await_ready(lambda: self._is_asked)
            run.follow(feed, lambda: self._is_asked, self._seconds)
            return run.drain(feed)


class _Run:
    """The running state of one demo."""

    def __init__(
        self, settings: Settings, worker: WorkerProcess, newest: NewestAlerts, show: Callable[[Look], None]
    ) -> None:
        self._settings = settings
        self._worker = worker
        self._newest = newest
        self._show = show
        self._seen = Observation()
        self._started_at = time.monotonic()
        self._recent: deque[tuple[float, int]] = deque()
        self._modelled_from_ms: int | None = None
        self._event_time_ms: int | None = None

    @property
    def records(self) -> int:
        """Records the worker has handled, as of the last look; so are the next two."""
        return self._seen.records

    @property
    def is_sampled(self) -> bool:
        return self._seen.training_progress >= 1

    @property
    def has_model(self) -> bool:
        return self._seen.model_version is not None

    def await_ready(self, is_asked: Callable[[], bool]) -> None:
        """Until the worker has its partitions. Raises FraudwatchError when that takes too long."""
        while not (self._worker.is_ready or is_asked()):
            self._worker.require_alive()
            if time.monotonic() - self._started_at > START_SECONDS:
                raise FraudwatchError(
                    f"expected the worker to be ready within {START_SECONDS:.0f} s, and it is not; the last it "
                    f"said:\n  {self._worker.last_words}"
                )
            self._tell(Stage.STARTING)
            time.sleep(LOOK_SECONDS)

    def follow(self, feed: Feed, is_asked: Callable[[], bool], seconds: float | None) -> None:
        """Feed and look until the time is over, the rows have ended or somebody asks."""
        self._started_at = time.monotonic()
        until = None if seconds is None else self._started_at + max(seconds - STOP_FEEDING_SECONDS, 0)
        feed.start()
        while not (is_asked() or feed.has_ended or (until is not None and time.monotonic() >= until)):
            time.sleep(LOOK_SECONDS)
            self._look(feed)
            self._tell(Stage.FEEDING)

    def drain(self, feed: Feed) -> Summary:
        """Until all that was fed is handled. Raises FraudwatchError when it is not within DRAIN_SECONDS."""
        feed.stop()
        deadline = time.monotonic() + DRAIN_SECONDS
        self._look(feed)
        while not self._is_drained(feed):
            if time.monotonic() > deadline:
                raise FraudwatchError(
                    f"expected the worker to handle all {feed.sent:,} records within {DRAIN_SECONDS:.0f} s after "
                    f"the last one was fed, found {self._seen.records:,} handled; the last it said:\n"
                    f"  {self._worker.last_words}"
                )
            time.sleep(LOOK_SECONDS / 5)
            self._look(feed)
            self._tell(Stage.DRAINING)
        return summary(
            self._seen,
            seconds=time.monotonic() - self._started_at,
            event_days=self._event_days,
            budget=self._settings.alerts.alerts_per_day,
            metrics=self._worker.address,
            newest=self._newest.latest(NEWEST),
        )

    def _is_drained(self, feed: Feed) -> bool:
        seen = self._seen
        published = sum(seen.alerts.values()) + seen.updates
        return feed.sent <= seen.records == seen.handled and published <= self._newest.messages

    def _look(self, feed: Feed) -> None:
        self._worker.require_alive()
        samples = self._worker.metrics()
        if samples is not None:
            self._seen = observe(samples)
        self._event_time_ms = feed.event_time_ms
        if self._modelled_from_ms is None and self.has_model:
            self._modelled_from_ms = feed.event_time_ms
        now = time.monotonic()
        self._recent.append((now, self._seen.records))
        while now - self._recent[0][0] > RECENT_SECONDS:
            self._recent.popleft()

    def _tell(self, stage: Stage) -> None:
        self._show(
            Look(
                stage=stage,
                seconds=time.monotonic() - self._started_at,
                seen=self._seen,
                records_per_second=self._records_per_second,
                event_time_ms=self._event_time_ms,
                event_days=self._event_days,
                budget=self._settings.alerts.alerts_per_day,
                metrics=self._worker.address,
                newest=tuple(self._newest.latest(NEWEST)),
            )
        )

    @property
    def _records_per_second(self) -> float:
        if len(self._recent) < 2:
            return 0.0
        (first_at, first), (last_at, last) = self._recent[0], self._recent[-1]
        return (last - first) / (last_at - first_at)

    @property
    def _event_days(self) -> float:
        """Event time fed since there is a model, in days."""
        if self._modelled_from_ms is None or self._event_time_ms is None:
            return 0.0
        return max(0, self._event_time_ms - self._modelled_from_ms) / DAY_MS
