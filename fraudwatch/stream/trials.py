"""What becomes of a model that was fitted anew: tried in shadow in every partition, then put in use or kept out.

A candidate, what its trial shows in each partition and what was decided about it are messages of the models topic. So
every worker tries it in the partitions it holds and says what it sees; the trainer decides about the whole; another
worker that becomes the trainer goes on, and a restart keeps what was decided. A partition that is restored begins its
part of the trial anew.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import msgspec

from fraudwatch.config.settings import Settings
from fraudwatch.detection.versions import (
    TRAINER,
    Decision,
    Messages,
    Pointer,
    Register,
    decided,
    in_use,
    reported,
)
from fraudwatch.errors import ArtefactError, BrokerError
from fraudwatch.metrics import Metrics
from fraudwatch.stream.parts import Comparison, Trial
from fraudwatch.stream.states import TRAINING_PARTITION, PartitionState, States

logger = logging.getLogger(__name__)

LOOK_EVERY_SECONDS = 0.2
# Of each partition: what a person reads meanwhile may be so old.
REPORT_EVERY_SECONDS = 30.0


class Reader(Protocol):
    """What is known of the models topic; `fraudwatch.stream.models.ModelReader` is the real one."""

    @property
    def register(self) -> Register: ...
    async def load(self, pointer: Pointer) -> Any: ...


@dataclass(frozen=True)
class _Told:
    """What was told of a partition's trial last, and when."""

    trial: Trial
    at: float
    progress: float
    is_over: bool
    has_arrived: bool


class Trials:
    """Looked after five times a second, whether records come or not.

    `between` runs a function on the folding thread between two batches, `tell` sends messages to the models topic;
    `clock` is seconds since 1970.
    """

    def __init__(
        self,
        settings: Settings,
        states: States,
        reader: Reader,
        between: Callable[[Callable[[], Any]], Awaitable[Any]],
        tell: Callable[[Messages], Awaitable[None]],
        metrics: Metrics,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._states = states
        self._reader = reader
        self._between = between
        self._tell = tell
        self._metrics = metrics
        self._clock = clock
        self._decided: str | None = None
        self._refused: str | None = None
        self._weighed = -1
        self._told: dict[int, _Told] = {}
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def candidate(self) -> Pointer | None:
        """What is on trial, or is to be."""
        found = self._reader.register.candidate
        return None if found is None or found.version == self._decided else found

    @property
    def choice(self) -> str:
        """The last one of a person that is known."""
        return self._reader.register.choice

    @property
    def trained_until_ms(self) -> int:
        """The event time at which the newest sample ended whose model was decided about."""
        return max((made.trained_until_ms for made in self._reader.register.decisions.values()), default=0)

    @property
    def progress(self) -> tuple[str, float] | None:
        """The version on trial here, and how far that is where it is furthest: 0 to 1."""
        running = [
            trial for state in self._states.held if (trial := _trial(state, self.candidate)) is not None
        ]
        return (running[0].candidate.version, max(trial.progress for trial in running)) if running else None

    async def run(self, is_in_place: Callable[[], bool]) -> None:
        """Looks for as long as it is not cancelled, but not while partitions come, go or are restored."""
        while True:
            if is_in_place():
                self.consider()
            await asyncio.sleep(LOOK_EVERY_SECONDS)

    def consider(self) -> None:
        """Begins, tells of or ends a trial if it is time to."""
        if self._is_closed:
            return
        if self._task is not None:
            if not self._task.done():
                return
            task, self._task = self._task, None
            task.result()
        due = self._due()
        if due is not None:
            self._task = asyncio.create_task(due)

    def _due(self) -> Coroutine[Any, Any, None] | None:
        """What is to be done next."""
        pointer, held = self.candidate, self._states.held
        if pointer is None:
            left = [
                state for state in held if state.pipeline.trial is not None or state.partition in self._told
            ]
            return self._leave(left) if left else None
        is_trainer = self._states.get(TRAINING_PARTITION) is not None
        if self._states.model is None or (pointer.version == self._refused and not is_trainer):
            return None
        if untried := [state for state in held if _trial(state, pointer) is None]:
            return self._begin(untried, pointer)
        running = [(state, trial) for state in held if (trial := _trial(state, pointer)) is not None]
        if news := [(state, trial) for state, trial in running if self._has_news(state, trial)]:
            return self._report(news, pointer)
        if is_trainer and self._weighed != self._reader.register.reports:
            return self._weigh(self._states[TRAINING_PARTITION], pointer)
        return None

    def _has_news(self, state: PartitionState, trial: Trial) -> bool:
        told = self._told.get(state.partition)
        if told is None or told.trial is not trial or (trial.is_over and not told.is_over):
            return True
        # A clock that was set back holds nothing up.
        is_old = not 0 <= self._clock() - told.at < REPORT_EVERY_SECONDS
        return is_old and (trial.progress != told.progress or not told.has_arrived)

    async def _begin(self, states: Sequence[PartitionState], pointer: Pointer) -> None:
        try:
            candidate = await self._reader.load(pointer)
        except ArtefactError as error:
            self._refused = pointer.version
            if self._states.get(TRAINING_PARTITION) is not None:
                await self._decide(pointer, [f"it cannot be used: {error}"])
            else:
                logger.error("model %s cannot be tried: %s", pointer.version, error)
            return
        for state in states:
            await self._between(partial(state.pipeline.try_out, candidate))
        partitions = ", ".join(str(state.partition) for state in states)
        logger.info(
            "model %s is on trial beside the one in use, in partitions %s", pointer.version, partitions
        )

    async def _report(self, news: Sequence[tuple[PartitionState, Trial]], pointer: Pointer) -> None:
        for state, trial in news:
            report, changes, is_over, progress = await self._between(partial(_look_at, trial))
            if self._states.get(state.partition) is not state:
                continue
            self._metrics.models.trial(state.partition, changes)
            try:
                await self._tell(reported(pointer.version, state.partition, report))
                has_arrived = True
            except BrokerError as error:
                has_arrived = False
                logger.error("how the trial of model %s stands could not be told: %s", pointer.version, error)
            self._told[state.partition] = _Told(trial, self._clock(), progress, is_over, has_arrived)

    async def _weigh(self, state: PartitionState, pointer: Pointer) -> None:
        """Decides as soon as what all partitions have told is enough."""
        trial = _trial(state, pointer)
        if trial is None:
            return
        reports = self._reader.register.reports
        messages = dict(self._reader.register.trials.get(pointer.version, {}))
        comparison: Comparison | None = await self._between(partial(trial.concluded, messages))
        if _trial(state, pointer) is not trial:
            return  # another model has come in use: it is tried again, beside that one
        if comparison is None:
            self._weighed = reports
            return
        objections = comparison.objections(self._settings.trial)
        if await self._decide(pointer, objections, trial, comparison):
            await self._leave(self._states.held)

    async def _leave(self, states: Sequence[PartitionState]) -> None:
        """Nothing is on trial any more."""
        for state in states:
            if state.pipeline.trial is not None:
                await self._between(partial(state.pipeline.try_out, None))
            if self._told.pop(state.partition, None) is not None:
                self._metrics.models.trial_ended(state.partition)

    async def _decide(
        self,
        pointer: Pointer,
        objections: Sequence[str],
        trial: Trial | None = None,
        comparison: Comparison | None = None,
    ) -> bool:
        """False where it could not be told: then it is decided again."""
        decision = Decision(
            version=pointer.version,
            promoted=not objections,
            by=TRAINER,
            at_ms=round(self._clock() * 1000),
            note="; ".join(objections) or "within all limits of its trial",
            before=self._states.model.version if self._states.model is not None else "",
            trained_until_ms=0 if trial is None else trial.candidate.span_ms[1],
            comparison=msgspec.to_builtins(comparison) if comparison is not None else {},
        )
        put_in_use = in_use(pointer, after=self.choice) if decision.promoted else []
        try:
            await self._tell([*put_in_use, *decided(decision)])
        except BrokerError as error:
            logger.error("what was decided about model %s could not be told: %s", pointer.version, error)
            return False
        self._decided = pointer.version
        self._metrics.models.decided(promoted=decision.promoted)
        if decision.promoted:
            logger.info("model %s is put in use: %s", decision.version, decision.note)
        else:
            logger.warning("model %s is kept out: %s", decision.version, decision.note)
        return True

    async def close(self) -> None:
        """Leaves a trial as it is; whoever has the partitions next begins it again."""
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def _trial(state: PartitionState, pointer: Pointer | None) -> Trial | None:
    """Of this candidate, if it runs there."""
    trial = state.pipeline.trial
    return None if pointer is None or trial is None or trial.candidate.version != pointer.version else trial


def _look_at(trial: Trial) -> tuple[bytes, Mapping[tuple[str, str], int], bool, float]:
    return trial.report(), trial.changes, trial.is_over, trial.progress
