"""When the first model is fitted on the stream, and by whom (DESIGN D6)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fraudwatch.config.settings import Settings
from fraudwatch.errors import FraudwatchError
from fraudwatch.metrics import Metrics
from fraudwatch.stream.fitting import fit_in_child, to_pickle
from fraudwatch.stream.parts import Artefact, Parts
from fraudwatch.stream.states import PartitionState, States

logger = logging.getLogger(__name__)

TRAINING_PARTITION = 0
"""Whoever owns this partition is the one trainer; in shadow, where nobody publishes, each worker is its own."""

# A failed fit fails again on nearly the same sample; a published model takes a moment to come back.
AGAIN_AFTER_SECONDS = 60.0


class Trainer:
    """Fits in a child process once the sample says it is enough.

    `publish` is given a model and its artefact. A failure is logged and counted, and tried again later; the worker
    goes on unscored meanwhile.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        states: States,
        publish: Callable[[Any, Artefact], Awaitable[None]],
        metrics: Metrics,
        *,
        is_shadow: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._states = states
        self._publish = publish
        self._metrics = metrics
        self._is_shadow = is_shadow
        self._clock = clock
        self._not_before = clock()
        self._task: asyncio.Task[None] | None = None

    @property
    def progress(self) -> float | None:
        """How far the sample has come, 0 to 1; None where another worker is the trainer."""
        return None if self._state is None else self._state.pipeline.training.progress

    @property
    def _state(self) -> PartitionState | None:
        """The state whose sample is fitted on; in shadow the one that has come furthest."""
        if self._is_shadow:
            held = self._states.held
            return max(held, key=lambda state: state.pipeline.training.progress) if held else None
        return self._states.get(TRAINING_PARTITION)

    def consider(self) -> None:
        """Starts a fit if it is time for one. Called between two batches while there is no model."""
        if self._task is not None:
            if not self._task.done():
                return
            task, self._task = self._task, None
            task.result()
        state = self._state
        if state is None or self._clock() < self._not_before:
            return
        if state.pipeline.training.is_ready:
            self._task = asyncio.create_task(self._fit(state.pipeline.training))

    async def _fit(self, sample: Any) -> None:
        logger.info("fitting a model in a child process")
        started = self._clock()
        try:
            # On the folding thread: the sample does not grow while it is copied.
            work = await self._states.run(to_pickle, self._parts, self._settings, sample)
            artefact = await fit_in_child(work)
            # Loaded as every reader will: what would be refused is not published.
            model = await asyncio.to_thread(self._parts.load, artefact)
            await self._publish(model, artefact)
        except (FraudwatchError, OSError) as error:
            self._metrics.failed_fit()
            logger.error("no model yet, the next try is in %.0f s: %s", AGAIN_AFTER_SECONDS, error)
        else:
            logger.info("fitted model %s in %.1f s", model.version, self._clock() - started)
        finally:
            self._not_before = self._clock() + AGAIN_AFTER_SECONDS

    async def close(self) -> None:
        """Ends a running fit."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
