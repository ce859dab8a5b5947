"""The state of a partition as a worker would have it, made by a bystander: no group, no commits."""

import asyncio

from fraudwatch.config.settings import Settings
from fraudwatch.metrics import Metrics
from fraudwatch.pipeline import Pipeline
from fraudwatch.stream.health import Health
from fraudwatch.stream.misplaced import AccountPlaces
from fraudwatch.stream.poison import Poison
from fraudwatch.stream.real import real_parts
from fraudwatch.stream.recovery import Recovery
from fraudwatch.stream.restore import Restorer
from fraudwatch.stream.states import States


def fold_log(settings: Settings, partition: int, until: int, *, partitions: int) -> Pipeline:
    """A pipeline that has folded its partition's log, one of `partitions`, up to the offset `until`, not included.

    Raises BrokerError.
    """
    return asyncio.run(_restored(settings, partition, until, partitions))


async def _restored(settings: Settings, partition: int, until: int, partitions: int) -> Pipeline:
    poison = Poison(settings.stream.poison_per_hour)
    states = States(real_parts(settings).make_pipeline, partitions, AccountPlaces(settings), poison)
    restorer = Restorer(settings, states, Metrics(), Health(settings.stream.stalled_after / 1000))
    try:
        await Recovery(states, restorer, poison).restore({partition: until}, lambda: True)
        pipeline = states[partition].pipeline
    finally:
        states.close()
    assert isinstance(pipeline, Pipeline)
    return pipeline
