"""The state of a partition as a worker would have it, made by a bystander: no group, no commits."""

import asyncio
from collections.abc import Callable

from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.metrics import Metrics
from fraudwatch.pipeline import Pipeline
from fraudwatch.stream.health import Health
from fraudwatch.stream.misplaced import AccountPlaces
from fraudwatch.stream.poison import Poison
from fraudwatch.stream.real import real_parts
from fraudwatch.stream.recovery import Recovery
from fraudwatch.stream.restore import Restorer
from fraudwatch.stream.snapshots import Loader
from fraudwatch.stream.states import States

OnProgress = Callable[[int], None]


def restored(
    settings: Settings,
    partition: int,
    until: int,
    *,
    partitions: int,
    from_log: bool = False,
    model: Model | None = None,
    on_progress: OnProgress = lambda records: None,
) -> Pipeline:
    """The pipeline of a partition, one of `partitions`, as of the log up to the offset `until`, not included.

    It is made as a worker makes it: from the newest snapshot that is not newer, and the log from there on; with
    `from_log`, or where `snapshots.every` is 0, from the log alone. With a model the transactions are judged as well,
    and edge and episodes follow them. `on_progress` is told of each chunk how many records were folded. Raises
    BrokerError.
    """
    metrics = _Watched(on_progress)
    return asyncio.run(
        _restored(settings, partition, until, partitions, metrics, from_log=from_log, model=model)
    )


class _Watched(Metrics):
    """Metrics that nobody scrapes; what was folded is told on."""

    def __init__(self, on_progress: OnProgress) -> None:
        super().__init__()
        self._on_progress = on_progress

    def restored(self, records: int) -> None:
        self._on_progress(records)


async def _restored(
    settings: Settings,
    partition: int,
    until: int,
    partitions: int,
    metrics: Metrics,
    *,
    from_log: bool,
    model: Model | None,
) -> Pipeline:
    parts, poison = real_parts(settings), Poison(settings.stream.poison_per_hour)
    states = States(parts.make_pipeline, partitions, AccountPlaces(settings), poison, parts.restore_pipeline)
    health = Health(settings.stream.stalled_after / 1000)
    loader = None
    if settings.snapshots.every and not from_log:
        loader = Loader(settings, states, metrics, health, until=until)
    restorer = Restorer(settings, states, metrics, health, loader)
    try:
        if model is not None:
            await states.use(model)
        await Recovery(states, restorer, poison).restore({partition: until}, lambda: True)
        pipeline = states[partition].pipeline
    finally:
        states.close()
    assert isinstance(pipeline, Pipeline)
    return pipeline
