"""What becomes of a model that was fitted anew: tried in shadow by the trainer, then put in use or kept out.

A candidate and what was decided about it are messages of the models topic, so that another worker that becomes the
trainer goes on, with a trial from its beginning, and a restart keeps what was decided.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec

from fraudwatch.config.settings import Settings
from fraudwatch.detection.versions import TRAINER, Decision, Messages, Pointer, Register, decided, in_use
from fraudwatch.errors import ArtefactError, BrokerError
from fraudwatch.metrics import Metrics
from fraudwatch.stream.parts import Comparison, Trial
from fraudwatch.stream.states import TRAINING_PARTITION, PartitionState, States

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """What is known of the models topic; `fraudwatch.stream.models.ModelReader` is the real one."""

    @property
    def register(self) -> Register: ...
    async def load(self, pointer: Pointer) -> Any: ...


class Trials:
    """Looked after between two batches.

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
        self._task: asyncio.Task[None] | None = None

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
        """The version on trial here and how far that is, 0 to 1."""
        trial = self._trial(self._states.get(TRAINING_PARTITION), self.candidate)
        return None if trial is None else (trial.candidate.version, trial.progress)

    def consider(self) -> None:
        """Begins or ends a trial if it is time to."""
        if self._task is not None:
            if not self._task.done():
                return
            task, self._task = self._task, None
            task.result()
        state, pointer = self._states.get(TRAINING_PARTITION), self.candidate
        if state is None or pointer is None or self._states.model is None:
            return
        trial = self._trial(state, pointer)
        if trial is None:
            self._task = asyncio.create_task(self._begin(state, pointer))
        elif trial.is_over:
            self._task = asyncio.create_task(self._end(state, pointer, trial))

    @staticmethod
    def _trial(state: PartitionState | None, pointer: Pointer | None) -> Trial | None:
        if state is None or pointer is None or (trial := state.pipeline.trial) is None:
            return None
        return trial if trial.candidate.version == pointer.version else None

    async def _begin(self, state: PartitionState, pointer: Pointer) -> None:
        try:
            candidate = await self._reader.load(pointer)
        except ArtefactError as error:
            await self._decide(pointer, [f"it cannot be used: {error}"])
            return
        await self._between(lambda: state.pipeline.try_out(candidate))
        logger.info("model %s is on trial beside the one in use", pointer.version)

    async def _end(self, state: PartitionState, pointer: Pointer, trial: Trial) -> None:
        comparison: Comparison = await self._between(trial.comparison)
        if self._trial(state, pointer) is not trial:
            return  # another model has come in use: it is tried again, beside that one
        if await self._decide(pointer, comparison.objections(self._settings.trial), trial, comparison):
            await self._between(lambda: state.pipeline.try_out(None))

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
        """Leaves a trial as it is; the next trainer begins it again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
