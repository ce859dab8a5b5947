"""When a model is fitted on the stream, and by whom (DESIGN D6)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from fraudwatch.config.settings import Settings
from fraudwatch.detection.versions import Messages, candidate_messages
from fraudwatch.errors import FraudwatchError
from fraudwatch.metrics import Metrics
from fraudwatch.stream.feeding import Feeder
from fraudwatch.stream.fitting import fit_in_child, to_pickle
from fraudwatch.stream.parts import Artefact, Parts
from fraudwatch.stream.states import TRAINING_PARTITION, PartitionState, States
from fraudwatch.stream.trials import Trials

logger = logging.getLogger(__name__)

# A failed fit fails again on nearly the same sample; a published model takes a moment to come back.
AGAIN_AFTER_SECONDS = 60.0

FIRST, SCHEDULE, DRIFT = "first", "schedule", "drift"


class Trainer:
    """Fits in a child process once the sample says it is enough, and again when it is time (`training.refit_…`).

    Between two fits it lets the `feeder` learn the lifts anew (`training.lifts_…`).

    `publish` is given the first model, its artefact and the last choice of a person that is known; later models are
    candidates, sent with `tell` and left to `trials`. Without trials, in shadow, there is only a first fit. A failure
    is logged and counted, and tried again later; the worker goes on meanwhile.
    """

    def __init__(
        self,
        settings: Settings,
        parts: Parts,
        states: States,
        publish: Callable[[Any, Artefact, str], Awaitable[None]],
        metrics: Metrics,
        *,
        trials: Trials | None = None,
        tell: Callable[[Messages], Awaitable[None]] | None = None,
        feeder: Feeder | None = None,
        is_shadow: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._parts = parts
        self._states = states
        self._publish = publish
        self._metrics = metrics
        self._trials = trials
        self._tell = tell
        self._feeder = feeder
        self._is_shadow = is_shadow
        self._clock = clock
        self._not_before = self._first_not_before = clock()
        self._fitted_until_ms = 0
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
        """Starts a fit or a feeding if it is time for one. Called between two batches."""
        if self._task is not None:
            if not self._task.done():
                return
            task, self._task = self._task, None
            task.result()
        state = self._state
        not_before = self._first_not_before if self._states.model is None else self._not_before
        if state is None or self._clock() < not_before:
            return
        occasion = self.occasion(state)
        if occasion is not None:
            self._task = asyncio.create_task(self._fit(state.pipeline.training, occasion))
        elif self._feeder is not None and self._feeder.is_due(state):
            self._task = asyncio.create_task(self._feed(self._feeder, state))

    async def _feed(self, feeder: Feeder, state: PartitionState) -> None:
        try:
            await feeder.feed(state)
        except FraudwatchError as error:
            self._metrics.failed_fit()
            logger.error("no new lifts, the next try is in %.0f s: %s", AGAIN_AFTER_SECONDS, error)
            self._not_before = self._clock() + AGAIN_AFTER_SECONDS

    def occasion(self, state: PartitionState) -> str | None:
        """Why a model is to be fitted now (labels.OCCASIONS), None if none is."""
        if not state.pipeline.training.is_ready:
            return None
        model, span = self._states.model, state.pipeline.training.span_ms
        if model is None:
            return FIRST
        if self._trials is None or self._trials.candidate is not None or span is None:
            return None
        known_until = max(model.span_ms[1], self._trials.trained_until_ms, self._fitted_until_ms)
        training, passed = self._settings.training, span[1] - known_until
        if training.refit_every and passed >= training.refit_every:
            return SCHEDULE
        is_degraded = state.finding is not None and state.finding.is_degraded
        if training.refit_on_drift and is_degraded and passed >= self._settings.drift.window:
            return DRIFT
        return None

    async def _fit(self, sample: Any, occasion: str) -> None:
        logger.info("fitting a model in a child process (%s)", occasion)
        started = self._clock()
        try:
            until = sample.span_ms
            # On the folding thread: the sample does not grow while it is copied.
            work = await self._states.run(to_pickle, self._parts, self._settings, sample)
            artefact = await fit_in_child(work)
            # Loaded as every reader will: what would be refused is not published.
            model = await asyncio.to_thread(self._parts.load, artefact)
            if occasion == FIRST:
                await self._publish(model, artefact, "" if self._trials is None else self._trials.choice)
            elif self._tell is not None:
                await self._tell(candidate_messages(model.version, artefact))
        except (FraudwatchError, OSError) as error:
            self._metrics.failed_fit()
            kept = "no model yet" if self._states.model is None else "no new model"
            logger.error("%s, the next try is in %.0f s: %s", kept, AGAIN_AFTER_SECONDS, error)
            self._not_before = self._clock() + AGAIN_AFTER_SECONDS
        else:
            self._fitted_until_ms = until[1] if until is not None else 0
            self._metrics.models.fitted(occasion)
            logger.info("fitted model %s in %.1f s", model.version, self._clock() - started)
        finally:
            self._first_not_before = self._clock() + AGAIN_AFTER_SECONDS

    async def close(self) -> None:
        """Ends a running fit."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
