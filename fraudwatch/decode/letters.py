"""How a dead letter is written to Kafka: key and value untouched, everything we say of it in headers."""

from collections.abc import Iterable

from fraudwatch.errors import BrokerError
from fraudwatch.records import DeadLetter, Record, Refusal, Stage

Headers = list[tuple[str, bytes]]


def dead_letter_headers(letter: DeadLetter) -> Headers:
    """Stage, reason and detail; topic, partition, offset and timestamp_ms of the record. Values in UTF-8."""
    record = letter.record
    said = {
        "stage": letter.stage.value,
        "reason": letter.reason.value,
        "detail": letter.detail,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "timestamp_ms": str(record.timestamp_ms),
    }
    # A detail may quote text that UTF-8 cannot hold (half a surrogate pair out of a JSON escape).
    return [(name, value.encode("utf-8", "backslashreplace")) for name, value in said.items()]


def parse_dead_letter(
    value: bytes | None, key: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> DeadLetter:
    """The dead letter again, its record at the position it was read from.

    Raises BrokerError for a record that does not carry the headers of `dead_letter_headers`.
    """
    said = {name: (content or b"").decode("utf-8", "replace") for name, content in headers}
    try:
        record = Record(
            topic=said["topic"],
            partition=int(said["partition"]),
            offset=int(said["offset"]),
            timestamp_ms=int(said["timestamp_ms"]),
            key=key,
            value=value,
        )
        return DeadLetter(record, Stage(said["stage"]), Refusal(said["reason"]), said["detail"])
    except (KeyError, ValueError) as error:
        raise BrokerError(
            f"expected the headers of a dead letter, found {said}: this record was not written by fraudwatch, "
            "or by another version of it"
        ) from error
