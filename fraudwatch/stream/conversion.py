"""Records of several sources become canonical transactions for the log, keyed by account (DESIGN D2).

Without state: what comes of a record depends on nothing but the record and the configuration.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fraudwatch.errors import FraudwatchError
from fraudwatch.records import NO_TIMESTAMP, Chunk, DeadLetter, Record, Transaction
from fraudwatch.stream.delivery import Message
from fraudwatch.stream.parts import IntakeParts
from fraudwatch.stream.poison import Poison


@dataclass
class Converted:
    """What came of a batch; counts and newest event times by the name of the source."""

    messages: list[Message] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)
    transactions: Counter[str] = field(default_factory=Counter)
    refusals: list[tuple[str, str]] = field(default_factory=list)
    newest_event_time_ms: dict[str, int] = field(default_factory=dict)


class Conversion:
    """`names` gives the source of each topic."""

    def __init__(self, names: Mapping[str, str], parts: IntakeParts, log_topic: str, poison: Poison) -> None:
        self._names = names
        self._parts = parts
        self._log_topic = log_topic
        self._poison = poison

    def convert(self, chunks: Sequence[Chunk]) -> Converted:
        """Every record becomes its transactions or one dead letter, all in the order of the records.

        Raises PoisonError for too many that our own code cannot bear.
        """
        converted = Converted()
        for chunk in chunks:
            for row in range(len(chunk)):
                self._convert(chunk.record(row), converted)
        return converted

    def _convert(self, record: Record, converted: Converted) -> None:
        name = self._names[record.topic]
        converted.records[name] += 1
        decoded = self._decode(name, record)
        if isinstance(decoded, DeadLetter):
            converted.dead_letters.append(decoded)
            converted.refusals.append((name, decoded.reason))
            return
        # Kept, so that a transaction ahead of its time is still judged by when it arrived.
        timestamp_ms = None if record.timestamp_ms == NO_TIMESTAMP else record.timestamp_ms
        newest = converted.newest_event_time_ms
        for transaction in decoded:
            converted.messages.append(
                Message(
                    self._log_topic,
                    transaction.account_id.encode(),
                    self._parts.encode(transaction),
                    timestamp_ms=timestamp_ms,
                )
            )
            newest[name] = max(newest.get(name, transaction.event_time_ms), transaction.event_time_ms)
        converted.transactions[name] += len(decoded)

    def _decode(self, name: str, record: Record) -> list[Transaction] | DeadLetter:
        try:
            return self._parts.decoders[name].decode(record)
        except (FraudwatchError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - there is no state that could be void (DESIGN D9)
            return self._poison.found(record, error)
