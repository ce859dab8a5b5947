"""What a worker lets out: alerts, dead letters and models; in shadow, nothing."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol

from fraudwatch.config.settings import Topics
from fraudwatch.detection.versions import MODELS_PARTITION, Messages, to_messages
from fraudwatch.records import DeadLetter
from fraudwatch.stream.delivery import Delivery, Message
from fraudwatch.stream.parts import Alert, Artefact


class Publisher(Protocol):
    """Every method returns once what it was given is where it belongs. They raise BrokerError."""

    async def send(self, alerts: Sequence[tuple[int, Alert]], dead_letters: Sequence[DeadLetter]) -> None: ...
    async def send_model(self, model: Any, artefact: Artefact, after: str) -> None: ...


class Published:
    """To the topics. `encode` makes the JSON of an alert, `encode_shorter` a small one that is still that alert."""

    def __init__(
        self,
        topics: Topics,
        delivery: Delivery,
        encode: Callable[[Any], bytes],
        encode_shorter: Callable[[Any], bytes],
    ) -> None:
        self._topics = topics
        self._delivery = delivery
        self._encode = encode
        self._encode_shorter = encode_shorter

    async def send(self, alerts: Sequence[tuple[int, Alert]], dead_letters: Sequence[DeadLetter]) -> None:
        """`alerts` are pairs of the account's partition in the log, which is the alert's too, and the alert."""
        messages = [
            Message(
                self._topics.review,
                alert.alert_id.encode(),
                self._encode(alert),
                partition,
                shorter=partial(self._encode_shorter, alert),
            )
            for partition, alert in alerts
        ]
        await self._delivery.send(messages, dead_letters)

    async def send_model(self, model: Any, artefact: Artefact, after: str) -> None:
        """Its messages one after the other, the pointer last; whoever reads the topic uses it then.

        `after` is the last choice of a person that is known.
        """
        await self.tell(to_messages(model.version, artefact, after=after))

    async def tell(self, messages: Messages) -> None:
        """Messages of the models topic, one after the other. Raises BrokerError."""
        for key, value in messages:
            await self._delivery.send([Message(self._topics.models, key, value, MODELS_PARTITION)])


class Withheld:
    """Nothing leaves a shadow worker; a model it fitted is given to `use`."""

    def __init__(self, use: Callable[[Any], Awaitable[None]]) -> None:
        self._use = use

    async def send(self, alerts: Sequence[tuple[int, Alert]], dead_letters: Sequence[DeadLetter]) -> None:
        """They are counted all the same."""

    async def send_model(self, model: Any, artefact: Artefact, after: str) -> None:
        """It is this worker's own."""
        await self._use(model)
