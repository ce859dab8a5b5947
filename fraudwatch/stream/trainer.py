"""When the first model is fitted on the stream, by whom, and how it reaches the others (DESIGN D6)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fraudwatch.config.settings import Settings
from fraudwatch.errors import FraudwatchError
from fraudwatch.stream.fitting import fit_in_child, to_pickle
from fraudwatch.stream.models import to_messages
from fraudwatch.stream.parts import Artefact, Parts
from fraudwatch.stream.states import States

logger = logging.getLogger(__name__)

TRAINING_PARTITION = 0
"""Whoever owns this partition is the one trainer."""

# A failed fit fails again on nearly the same sample; a published model takes a moment to come back.
AGAIN_AFTER_SECONDS = 60.0


class Trainer:
    """Fits in a child process once the sample says it is enough.

    `send` delivers one message to the models topic and returns once it is acknowledged. A failure is logged and
    counted, and tried again later; the worker goes on unscored meanwhile.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        states: States,
        send: Callable[[bytes, bytes], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._states = states
        self._send = send
        self._clock = clock
        self._not_before = clock()
        self._task: asyncio.Task[None] | None = None
        self.failures = 0

    @property
    def progress(self) -> float | None:
        """How far the sample has come, 0 to 1; None where another worker is the trainer."""
        state = self._states.get(TRAINING_PARTITION)
        return None if state is None else state.pipeline.training.progress

    def consider(self) -> None:
        """Starts a fit if it is time for one. Called between two batches while there is no model."""
        if self._task is not None:
            if not self._task.done():
                return
            task, self._task = self._task, None
            task.result()
        state = self._states.get(TRAINING_PARTITION)
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
            await self._publish(artefact)
        except (FraudwatchError, OSError) as error:
            self.failures += 1
            logger.error("no model yet, the next try is in %.0f s: %s", AGAIN_AFTER_SECONDS, error)
        else:
            logger.info("fitted and published a model in %.1f s", self._clock() - started)
        finally:
            self._not_before = self._clock() + AGAIN_AFTER_SECONDS

    async def _publish(self, artefact: Artefact) -> None:
        # Loaded as every reader will: what would be refused is not published.
        model = await asyncio.to_thread(self._parts.load, artefact)
        for key, value in to_messages(model.version, artefact):
            await self._send(key, value)

    async def close(self) -> None:
        """Ends a running fit."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
