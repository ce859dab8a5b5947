"""Send a few records and know where each ended up: for verdicts and replayed dead letters, not for streams."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from kafka import KafkaProducer
from kafka.errors import KafkaError

from fraudwatch.broker.admin import broker_errors, connected
from fraudwatch.config.settings import Kafka

Headers = list[tuple[str, bytes]]


class Parcel(msgspec.Struct, frozen=True):
    """A record to be; without a partition, Kafka's hash of the key decides."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers = []
    partition: int | None = None


class Place(msgspec.Struct, frozen=True, order=True):
    """Where a record is, in a topic that is known."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}/{self.offset}"


class Courier:
    """Made by `courier`; idempotent, in order, with acks=all."""

    def __init__(self, producer: Any, kafka: Kafka) -> None:
        self._producer = producer
        self._kafka = kafka

    def deliver(self, parcels: Sequence[Parcel]) -> tuple[list[Place | None], KafkaError | None]:
        """Sends all, waits for all, and says where each is; None where it is not, with the first reason.

        Nothing is raised for a delivery that failed, so that the caller can still note those that did not.
        """
        places: list[Place | None] = []
        first: KafkaError | None = None
        futures = [self._send(parcel) for parcel in parcels]
        for future in futures:
            try:
                if isinstance(future, KafkaError):
                    raise future
                told = future.get(timeout=self._kafka.request_timeout / 1000)
                places.append(Place(told.partition, told.offset))
            except KafkaError as error:
                first = first or error
                places.append(None)
        return places, first

    def deliver_one(self, parcel: Parcel) -> Place:
        """Raises BrokerError when it was not delivered."""
        (place,), failure = self.deliver([parcel])
        with broker_errors(self._kafka):
            if failure is not None:
                raise failure
        assert place is not None
        return place

    def _send(self, parcel: Parcel) -> Any:
        """The future of the delivery, or why it could not even be handed over."""
        try:
            return self._producer.send(
                parcel.topic,
                parcel.value,
                parcel.key,
                headers=parcel.headers or None,
                partition=parcel.partition,
            )
        except KafkaError as error:
            return error


@contextmanager
def courier(kafka: Kafka) -> Iterator[Courier]:
    """A courier for any topic of this Kafka, closed at the end. Raises BrokerError."""
    settled = {
        "acks": "all",
        "enable_idempotence": True,
        "allow_auto_create_topics": False,
        "delivery_timeout_ms": int(kafka.request_timeout) + 10,
        "linger_ms": 10,
        # Above the largest dead letter (`broker.topics`); the broker has the last word.
        "max_request_size": 17 * 1024 * 1024,
    }
    with connected(KafkaProducer, kafka, **settled) as producer:
        yield Courier(producer, kafka)
