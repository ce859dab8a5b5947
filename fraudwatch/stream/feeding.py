"""Between two fits: the lifts of the model in use, learned anew, as a small new version of it.

It is put in use without a trial. A trial takes as long as the time between two feedings, and there is little to try:
detectors, surprises and lanes are those of the fit, no lift moves farther at once than `detection.lifts.MOST_AT_ONCE`,
and each version is on record with the one it replaced, so that `fraudwatch model rollback` goes back. Where a person
did, nothing is fed until the trainer has put another fit in use, or a person the latest version again. While a model is
on trial nothing is fed either, for it is tried beside the one in use.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from fraudwatch.detection.versions import TRAINER, Decision, Messages, Register, fed_messages
from fraudwatch.stream.parts import Artefact, FedModel, Parts
from fraudwatch.stream.states import PartitionState, States

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """What is known of the models topic; `fraudwatch.stream.models.ModelReader` is the real one."""

    @property
    def register(self) -> Register: ...


class Feeder:
    """Sends a version when one is due. Without a `reader`, in shadow, it is given to `use`; `clock` is as of 1970."""

    def __init__(
        self,
        parts: Parts,
        states: States,
        use: Callable[[Any, Artefact, str], Awaitable[None]],
        reader: Reader | None = None,
        tell: Callable[[Messages], Awaitable[None]] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pack_change = parts.pack_change
        self._states = states
        self._use = use
        self._reader = reader
        self._tell = tell
        self._clock = clock
        self._sent = ("", 0)

    def is_due(self, state: PartitionState) -> bool:
        """Whether the lifts of the model in use may be learned anew from what this partition has counted."""
        model, lifts = self._states.model, state.pipeline.lifts
        if self._pack_change is None or model is None or not lifts.is_due:
            return False
        if self._sent == (lifts.fit, lifts.until_ms):  # it is on its way
            return False
        if self._reader is None:
            return True
        register = self._reader.register
        is_read = register.in_use is not None and register.in_use.version == model.version
        return is_read and register.candidate is None and register.may_be_fed

    async def feed(self, state: PartitionState) -> None:
        """Raises FraudwatchError; then it is tried again."""
        assert self._pack_change is not None
        # On the folding thread: nothing is counted meanwhile.
        model: FedModel | None = await self._states.run(state.pipeline.lifts.fed)
        if model is None:
            return
        change = await asyncio.to_thread(self._pack_change, model)
        if self._reader is None or self._tell is None:
            await self._use(model, change, "")
        else:
            messages = self._messages(self._reader.register, model, change)
            if not messages:
                return
            await self._tell(messages)
        self._sent = (model.fit, model.fed_until_ms)
        logger.info("model %s: the lifts of %s, learned until %s", model.version, model.fit, _day(model))

    def _messages(self, register: Register, model: FedModel, change: Artefact) -> Messages:
        now = register.in_use
        if now is None or now.fitted != model.fit:
            return []  # another model came meanwhile
        decision = Decision(
            version=model.version,
            promoted=True,
            by=TRAINER,
            at_ms=round(self._clock() * 1000),
            note=f"its lifts are learned until {_day(model)}",
            before=now.version,
        )
        return fed_messages(
            model.version,
            change,
            fit=now.fit or now,
            until_ms=model.fed_until_ms,
            after=register.choice,
            decision=decision,
        )


def _day(model: FedModel) -> str:
    return f"{datetime.fromtimestamp(model.fed_until_ms / 1000, UTC):%Y-%m-%d %H:%M}"
