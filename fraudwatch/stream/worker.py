"""The worker: it looks at the cluster, and runs.

What happens on the way is in fraudwatch.stream.live; what happens to a batch in fraudwatch.stream.handler.
"""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.metrics import Metrics
from fraudwatch.stream import rights
from fraudwatch.stream.cluster import look_at_cluster
from fraudwatch.stream.engine import require_known_faust
from fraudwatch.stream.live import Live
from fraudwatch.stream.parts import Parts
from fraudwatch.stream.process import run_member, set_up_logging
from fraudwatch.stream.real import read_model, real_parts

logger = logging.getLogger(__name__)


def run_worker(
    settings: Settings,
    *,
    model: Path | None = None,
    shadow: bool = False,
    parts: Parts | None = None,
    metrics: Metrics | None = None,
) -> int:
    """Runs until asked to end (SIGTERM, SIGINT: 0) or failing (1); gives the exit code. Wants the main thread.

    `model` is a directory with an artefact: it is used as it is, and nothing is fitted on the stream. A shadow does
    everything but publish: it joins a group of its own (`kafka.group` and `-shadow`), needs no topic but the one it
    reads, and fits a model for itself. Raises FraudwatchError for what a person has to change: the settings, the
    cluster, the artefact.
    """
    require_known_faust()
    set_up_logging()
    parts = real_parts(settings) if parts is None else parts
    fixed = None if model is None else parts.load(read_model(model))
    if shadow:
        settings = replace(settings, kafka=replace(settings.kafka, group=f"{settings.kafka.group}-shadow"))
    log = {"topics.transactions" if settings.sources else "source.topic": settings.source.topic}
    if shadow or parts.restore_pipeline is None:
        settings = replace(settings, snapshots=replace(settings.snapshots, every=Duration(0)))
    written = {} if shadow else _own_topics(settings, with_models=fixed is None)
    partitions = asyncio.run(
        look_at_cluster(settings, log | written, [settings.topics.dispositions], needs=rights.WORKER)
    )
    if not shadow:
        for own in ("topics.review", "topics.snapshots"):
            if own in written:
                _require_partitions(settings, partitions, own, written[own])
    if parts.unfed:
        logger.info("features without what they need of the source: %s", ", ".join(parts.unfed))

    metrics = metrics or Metrics()
    return run_member(
        settings,
        metrics,
        lambda loop: Live(settings, parts, metrics, loop, partitions=partitions, fixed=fixed, shadow=shadow),
        _introduction(settings, partitions[settings.source.topic], shadow=shadow),
    )


def _introduction(settings: Settings, partitions: int, *, shadow: bool) -> str:
    target = "nothing, a shadow" if shadow else f"{settings.topics.review}, {settings.topics.dead_letters}"
    return (
        f"worker of group {settings.kafka.group} on {settings.kafka.bootstrap_servers}: "
        f"{settings.source.topic} with {partitions} partitions → {target}"
    )


def _own_topics(settings: Settings, *, with_models: bool) -> dict[str, str]:
    topics = settings.topics
    own = {"topics.review": topics.review, "topics.dead_letters": topics.dead_letters}
    own["topics.dispositions"] = topics.dispositions
    if with_models:
        own["topics.models"] = topics.models
    if settings.snapshots.every:
        own["topics.snapshots"] = topics.snapshots
    return own


def _require_partitions(settings: Settings, partitions: Mapping[str, int], setting: str, topic: str) -> None:
    source, found = partitions[settings.source.topic], partitions[topic]
    if found < source:
        raise BrokerError(
            f"{setting} {topic}: expected at least the {source} partitions of {settings.source.topic}, because what is "
            f"of an account or partition goes to the same one there, found {found}. Give the topic more partitions "
            "(`fraudwatch topics --apply`)."
        )
