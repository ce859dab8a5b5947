"""The state of a pipeline as named blocks, each with its version, and what of them can be used again."""

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from fraudwatch.alerts import Policy
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Drift, LiftTables
from fraudwatch.errors import SnapshotError
from fraudwatch.features import History
from fraudwatch.pipeline.training import TrainingSample
from fraudwatch.snapshots import Block, Blocks

HISTORY, POLICY, TRAINING, DRIFT, LIFTS = "history", "policy", "training", "drift", "lifts"

T = TypeVar("T")


class Parts(NamedTuple):
    """What of a pipeline is saved; None is what starts anew."""

    history: History
    policy: Policy | None
    training: TrainingSample | None
    drift: Drift | None
    lifts: LiftTables | None


class Loaded(NamedTuple):
    """What became of the blocks: those that nobody here knows, and those that start anew, with the cause."""

    dropped: tuple[str, ...]
    anew: dict[str, str]


def blocks_of(parts: Parts) -> Blocks:
    """A copy of the state of each."""
    blocks = {HISTORY: Block(History.VERSION, parts.history.state())}
    if parts.policy is not None:
        blocks[POLICY] = Block(Policy.VERSION, parts.policy.state())
    if parts.training is not None:
        blocks[TRAINING] = Block(TrainingSample.VERSION, parts.training.state())
    if parts.drift is not None:
        blocks[DRIFT] = Block(Drift.VERSION, parts.drift.state())
    if parts.lifts is not None:
        blocks[LIFTS] = Block(LiftTables.VERSION, parts.lifts.state())
    return blocks


def parts_of(settings: Settings, blocks: Blocks, *, partition: int, partitions: int) -> tuple[Parts, Loaded]:
    """What blocks hold. Raises SnapshotError where there is no history in them that can be gone on with."""
    anew: dict[str, str] = {}

    def taken(name: str, version: int, make: Callable[[Block], T]) -> T | None:
        try:
            return make(_block(blocks, name, version))
        except SnapshotError as problem:
            anew[name] = str(problem)
            return None

    parts = Parts(
        history=History.of(settings, _block(blocks, HISTORY, History.VERSION).arrays),
        policy=taken(
            POLICY,
            Policy.VERSION,
            lambda block: Policy.of(settings, block.arrays, partition=partition, partitions=partitions),
        ),
        training=taken(
            TRAINING,
            TrainingSample.VERSION,
            lambda block: TrainingSample.of(settings.training, block.arrays, share=1 / partitions),
        ),
        drift=taken(DRIFT, Drift.VERSION, lambda block: Drift.of(settings.drift, block.arrays)),
        lifts=taken(
            LIFTS,
            LiftTables.VERSION,
            lambda block: LiftTables.of(
                settings.training, block.arrays, share=1 / partitions, kept=partition == 0
            ),
        ),
    )
    dropped = tuple(name for name in blocks if name not in (HISTORY, POLICY, TRAINING, DRIFT, LIFTS))
    return parts, Loaded(dropped, anew)


def _block(blocks: Blocks, name: str, version: int) -> Block:
    block = blocks.get(name)
    if block is None:
        raise SnapshotError(f"expected a block {name} in the snapshot, found {', '.join(blocks) or 'none'}")
    if block.version != version:
        raise SnapshotError(
            f"expected version {version} of the snapshot's block {name}, found {block.version}: another release of "
            "fraudwatch wrote it"
        )
    return block
