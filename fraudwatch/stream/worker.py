"""The worker process: it looks at the cluster, builds the app, runs it, and is gone in time.

What happens on the way is in fraudwatch.stream.live; what happens to a batch in fraudwatch.stream.handler.
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError, FraudwatchError
from fraudwatch.metrics import Metrics, serve
from fraudwatch.stream.cluster import look_at_cluster
from fraudwatch.stream.engine import Worker, require_known_faust
from fraudwatch.stream.live import Live
from fraudwatch.stream.parts import Parts
from fraudwatch.stream.real import read_model, real_parts

logger = logging.getLogger(__name__)

OVERDUE = 75
"""Exit code of a worker that did not end within `stream.shutdown` and was cut off (EX_TEMPFAIL)."""


def run_worker(
    settings: Settings,
    *,
    model: Path | None = None,
    parts: Parts | None = None,
    metrics: Metrics | None = None,
) -> int:
    """Runs until asked to end (SIGTERM, SIGINT: 0) or failing (1); gives the exit code. Wants the main thread.

    `model` is a directory with an artefact: it is used as it is, and nothing is fitted on the stream. Raises
    FraudwatchError for what a person has to change: the settings, the cluster, the artefact.
    """
    require_known_faust()
    _set_up_logging()
    parts = real_parts(settings) if parts is None else parts
    fixed = None if model is None else parts.load(read_model(model))
    found = asyncio.run(look_at_cluster(settings, _wanted_topics(settings, with_models=fixed is None)))
    partitions = _require_review_partitions(settings, found)

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    metrics = metrics or Metrics()
    live = Live(settings, parts, metrics, loop, partitions=partitions, fixed=fixed)
    deadline = Deadline(settings.stream.shutdown / 1000, cut_off)
    server = serve(metrics, settings.metrics.host, settings.metrics.port, live.health.live, live.health.ready)
    logger.info(
        "worker of group %s on %s: %s with %d partitions → %s, %s; metrics on http://%s:%d/metrics",
        settings.kafka.group,
        settings.kafka.bootstrap_servers,
        settings.source.topic,
        partitions,
        settings.topics.review,
        settings.topics.dead_letters,
        settings.metrics.host,
        server.port,
    )
    try:
        return _run(Worker(live.app, on_stop_asked=deadline.start, loop=loop))
    finally:
        server.close()
        live.close()
        deadline.cancel()


def _wanted_topics(settings: Settings, *, with_models: bool) -> dict[str, str]:
    source = "topics.transactions" if settings.sources else "source.topic"
    wanted = {source: settings.source.topic, "topics.review": settings.topics.review}
    wanted["topics.dead_letters"] = settings.topics.dead_letters
    if with_models:
        wanted["topics.models"] = settings.topics.models
    return wanted


def _require_review_partitions(settings: Settings, partitions: Mapping[str, int]) -> int:
    source, review = partitions[settings.source.topic], partitions[settings.topics.review]
    if review < source:
        raise BrokerError(
            f"topics.review {settings.topics.review}: expected at least the {source} partitions of "
            f"{settings.source.topic}, because an alert goes to the partition of its account, found {review}. "
            "Give the topic more partitions."
        )
    return source


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
        """The worker has ended in time."""
        self._timer.cancel()


def cut_off() -> None:
    """Ends the process at once: what was not acknowledged is read again after a restart."""
    logger.critical(
        "the worker did not end within stream.shutdown: cut off, unacknowledged records are read again"
    )
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(OVERDUE)


def _set_up_logging() -> None:
    """For a caller that has not: messages to standard error, those of the engine from warnings on."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for engine in ("faust", "mode", "aiokafka", "fraudwatch.stream.engine"):
        logging.getLogger(engine).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)


def _is_news(record: logging.LogRecord) -> bool:
    """Faust writes a traceback of each error on its way up; ours are said once, by us, without one."""
    return not (record.exc_info and isinstance(record.exc_info[1], FraudwatchError))
