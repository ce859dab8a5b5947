"""`fraudwatch worker` and what it is compared with, as programs that read one topic."""

import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from node import free_port
from prepared import CONFIGURATION, simulated_settings
from programs import Program, running

from fraudwatch.broker import topics

HERE = Path(__file__).parent


class Log(NamedTuple):
    """The filled topic that everybody reads, and what they are given beforehand."""

    address: str
    topic: str
    partitions: int
    records: int
    review: str
    model: Path
    ordinary_model: Path


def settings_of(log: Log, group: str, **more: str) -> dict[str, str]:
    """What a worker is told on its command line; its own topics are those of its group."""
    names = ("review", "dead_letters", "dispositions", "models", "snapshots", "transactions")
    own = {f"topics.{name}": f"{group}.{name}" for name in names}
    return {
        "kafka.bootstrap_servers": log.address,
        "kafka.group": group,
        "source.topic": log.topic,
        **own,
        **more,
    }


@contextmanager
def fraudwatch(
    log: Log,
    group: str,
    overrides: Mapping[str, str] | None = None,
    script: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """The product with a model given beforehand; `script` runs it in place of the command (see latency)."""
    told = settings_of(log, group, **(overrides or {})) | {"metrics.port": str(free_port())}
    topics.apply(simulated_settings(told), partitions=log.partitions)
    given = [f"--set={key}={value}" for key, value in told.items()]
    command = [sys.executable, str(script)] if script else [sys.executable, "-m", "fraudwatch"]
    words = [*command, "worker", "--config", CONFIGURATION, "--model", log.model, *given]
    with running("fraudwatch", words, environment) as program:
        yield program


@contextmanager
def stock_faust(log: Log, group: str) -> Iterator[Program]:
    """The ordinary job on stock Faust."""
    words = [log.address, log.topic, log.review, group, log.ordinary_model]
    with running("stock_faust", [sys.executable, HERE / "stock_faust.py", *words]) as program:
        yield program


@contextmanager
def quix_streams(log: Log, group: str, python: Path) -> Iterator[Program]:
    """The ordinary job on Quix Streams, by the interpreter that has it."""
    words = [log.address, log.topic, log.review, group, log.ordinary_model]
    with running("quixstreams", [python, "-W", "ignore", HERE / "quix_streams.py", *words]) as program:
        yield program


@contextmanager
def floor(log: Log, group: str) -> Iterator[Program]:
    """Fetching and decoding alone."""
    words = [log.address, log.topic, group]
    with running("floor", [sys.executable, HERE / "floor.py", *words]) as program:
        yield program


def new_group(name: str) -> str:
    """A name nobody has committed under."""
    return f"bench-{name}-{uuid.uuid4().hex[:8]}"
