"""A Kafka message as a record: Faust's and aiokafka's own forms differ in the unit of time only."""

from typing import Any

from fraudwatch.records import NO_TIMESTAMP, Record


def to_record(message: Any) -> Record:
    """From aiokafka's ConsumerRecord; its timestamp is whole milliseconds."""
    timestamp = NO_TIMESTAMP if message.timestamp is None else max(message.timestamp, NO_TIMESTAMP)
    return Record(message.topic, message.partition, message.offset, timestamp, message.key, message.value)


def from_event(event: Any) -> Record:
    """From a Faust event of a raw topic; its timestamp is seconds, and its value None for a tombstone."""
    message = event.message
    seconds = message.timestamp
    timestamp = NO_TIMESTAMP if seconds is None or seconds < 0 else round(seconds * 1000)
    return Record(message.topic, message.partition, message.offset, timestamp, message.key, message.value)
