"""The dispositions topic: the verdicts and reports that stand, counted. Nothing is learned from them yet."""

import logging
from collections.abc import Callable

from fraudwatch.errors import UnusableInputError
from fraudwatch.metrics import Metrics
from fraudwatch.stream.parts import Disposition
from fraudwatch.stream.whole import WholeTopic

logger = logging.getLogger(__name__)


class DispositionReader:
    """Reads the topic whole, then follows it. `read` raises UnusableInputError for what is no disposition."""

    def __init__(self, topic: WholeTopic, read: Callable[[bytes], Disposition], metrics: Metrics) -> None:
        self._topic = topic
        self._read = read
        self._metrics = metrics
        self._verdicts: dict[str, str] = {}
        self._undone: set[str] = set()

    async def catch_up(self) -> None:
        """Reads to the end the topic has now. Raises BrokerError when it cannot be read."""
        await self._topic.catch_up(self.take)

    async def follow(self) -> None:
        """Reads on for as long as it is not cancelled. Raises BrokerError when it cannot be read."""
        await self._topic.follow(self.take)

    async def take(self, _: bytes | None, value: bytes | None) -> None:
        """One message: the same one again counts once, whatever was undone does not."""
        try:
            disposition = self._read(value or b"")
        except UnusableInputError as error:
            self._metrics.refused_disposition()
            logger.error("a disposition was refused: %s", error)
            return
        if disposition.undoes is not None:
            self._undo(disposition.undoes)
        elif disposition.verdict is not None:
            self._give(disposition.disposition_id, disposition.verdict)

    def _give(self, disposition_id: str, verdict: str) -> None:
        if disposition_id not in self._verdicts:
            self._verdicts[disposition_id] = verdict
            self._metrics.verdicts(verdict, 0 if disposition_id in self._undone else 1)

    def _undo(self, disposition_id: str) -> None:
        if disposition_id not in self._undone:
            self._undone.add(disposition_id)
            if disposition_id in self._verdicts:
                self._metrics.verdicts(self._verdicts[disposition_id], -1)
