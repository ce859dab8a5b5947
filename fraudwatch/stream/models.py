"""The models topic as a worker reads it: whole, then followed. What lies on it: `fraudwatch.detection.versions`."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from fraudwatch.detection.versions import Pointer, Register
from fraudwatch.errors import ArtefactError
from fraudwatch.metrics import Metrics
from fraudwatch.stream.parts import Artefact
from fraudwatch.stream.whole import WholeTopic

logger = logging.getLogger(__name__)


class ModelReader:
    """Reads the models topic whole, then follows it.

    `use` is given each model that becomes the one in use. An artefact that cannot be used is refused, said and
    counted, and the model before it stays. `register` is what the topic says.
    """

    def __init__(
        self,
        topic: WholeTopic,
        load: Callable[[Artefact], Any],
        use: Callable[[Any], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self._topic = topic
        self._load = load
        self._use = use
        self._metrics = metrics
        self.register = Register()
        self._version: str | None = None

    async def catch_up(self) -> None:
        """Reads the topic to the end it has now; the one in use there, if it is whole, becomes the one in use here.

        Where it cannot be used, the newest that was in use before it. Raises BrokerError when the topic cannot be read.
        """

        async def remember(key: bytes | None, value: bytes | None) -> None:
            self._add(key, value)

        await self._topic.catch_up(remember)
        wanted = self.register.in_use
        before = [pointer for pointer in reversed(self.register.promoted.values()) if pointer != wanted]
        for pointer in [wanted, *before] if wanted is not None else before:
            await self._consider(pointer)
            if self._version is not None:
                break

    async def follow(self) -> None:
        """Reads on for as long as it is not cancelled. Raises BrokerError when the topic cannot be read."""
        await self._topic.follow(self._take)

    async def load(self, pointer: Pointer) -> Any:
        """The model of a version that was read. Raises ArtefactError."""
        # Checking and unpacking takes long enough to be felt by the loop.
        return await asyncio.to_thread(self._load, self.register.shelf.artefact(pointer))

    def _add(self, key: bytes | None, value: bytes | None) -> bool:
        try:
            return self.register.add(key, value)
        except ArtefactError as error:
            self._refuse(error)
            return False

    async def _take(self, key: bytes | None, value: bytes | None) -> None:
        if self._add(key, value) and self.register.in_use is not None:
            await self._consider(self.register.in_use)

    async def _consider(self, pointer: Pointer) -> None:
        if pointer.version == self._version:
            return
        try:
            model = await self.load(pointer)
        except ArtefactError as error:
            self._refuse(error)
            return
        self._version = pointer.version
        await self._use(model)
        logger.info("model %s is in use", self._version)

    def _refuse(self, error: ArtefactError) -> None:
        self._metrics.refused_model()
        kept = f"model {self._version} stays in use" if self._version else "there is no model in use"
        logger.error("a model was refused and %s: %s", kept, error)
