"""What is sent, and that it counts as sent only when the broker has all of it."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError
from hypothesis import example, given
from hypothesis import strategies as st

from fraudwatch.errors import BrokerError
from fraudwatch.stream.delivery import Delivery, Message


class Wire:
    """A producer that fails for the topics it is told to, and remembers everything."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.sent: list[tuple[str, bytes | None, int | None, float | None]] = []

    async def send(
        self, topic: str, key: bytes | None, value: Any, partition: int | None, timestamp: Any, headers: Any
    ) -> Any:
        self.sent.append((topic, key, partition, timestamp))
        future = asyncio.get_running_loop().create_future()
        if topic in self.failing:
            future.set_exception(KafkaTimeoutError())
        else:
            future.set_result(None)
        return future


def deliver(wire: Wire, *messages: Message) -> None:
    delivery = Delivery(lambda: wire, "dead", lambda letter: [])
    asyncio.run(delivery.send(messages))


@example(1_001)
@given(st.none() | st.integers(0, 2**43))
def test_a_timestamp_arrives_as_the_same_millisecond(timestamp_ms: int | None) -> None:
    wire = Wire()
    deliver(wire, Message("t", b"k", b"v", timestamp_ms=timestamp_ms))
    (*_, seconds), *_ = wire.sent
    # As Faust's producer does it.
    assert (int(seconds * 1000.0) if seconds else seconds) == timestamp_ms


def test_messages_are_queued_in_their_order_and_without_a_partition_go_by_their_key() -> None:
    wire = Wire()
    deliver(wire, Message("t", b"b", b""), Message("u", b"a", b"", 3), Message("t", b"b", b""))
    assert [(topic, key, partition) for topic, key, partition, _ in wire.sent] == [
        ("t", b"b", None),
        ("u", b"a", 3),
        ("t", b"b", None),
    ]


def test_one_message_that_is_not_acknowledged_is_an_error_that_names_its_topic() -> None:
    with pytest.raises(BrokerError, match="expected u to acknowledge what was sent"):
        deliver(Wire("u"), Message("t", b"", b""), Message("u", b"", b""), Message("t", b"", b""))
