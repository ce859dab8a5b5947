"""From a record to a transaction, or to the dead letter that says why not."""

from collections.abc import Sequence
from typing import Any

from fraudwatch.config.settings import Settings
from fraudwatch.decode.mapping import compile_mapping
from fraudwatch.decode.refusals import Refused, shown
from fraudwatch.decode.rules import CANONICAL, KEY, REQUIRED
from fraudwatch.decode.source import Source, Unclear
from fraudwatch.decode.times import iso
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Record, Refusal, Stage, Transaction

# Where each canonical field goes among the arguments of Transaction, which spells out two units.
_SPELLED = {"event_time": "event_time_ms", "amount": "amount_minor"}
_PLACE = {name: Transaction.__struct_fields__.index(_SPELLED.get(name, name)) for name in CANONICAL}


class Decoder:
    """The mapping of `settings.source`, compiled once. Raises ConfigurationError when it cannot be used."""

    def __init__(self, settings: Settings) -> None:
        fields = compile_mapping(settings)
        self.fields = frozenset(field.name for field in fields)
        """The canonical fields this mapping can fill, as they are named in a mapping."""
        read = [(field, field.path) for field in fields if field.path is not None]
        try:
            self._source = Source([path for _, path in read])
        except ValueError as error:
            raise ConfigurationError(f"{KEY}: {error}") from None
        self._steps = tuple((_PLACE[field.name], field.read, field.name in REQUIRED) for field, _ in read)
        self._blank: list[Any] = [None] * len(CANONICAL)
        self._blank[_PLACE["currency"]] = settings.currency
        for field in fields:
            if field.path is None:
                self._blank[_PLACE[field.name]] = field.constant
        self._longest = settings.limits.max_record_bytes
        self._ahead_ms = int(settings.limits.ahead)

    def decode(self, record: Record) -> Transaction | DeadLetter:
        """The transaction in canonical form, or a dead letter around the same record. Never raises."""
        try:
            value = self._checked_value(record)
            try:
                transaction = self._build(self._source.read(value))
            except Unclear:
                transaction = self._build(self._source.reread(value))
            self._check_ahead(transaction, record)
        except Refused as refused:
            return DeadLetter(record, Stage.DECODE, refused.reason, str(refused))
        return transaction

    def _checked_value(self, record: Record) -> bytes:
        value = record.value
        if value is None:
            raise Refused(Refusal.TOMBSTONE, "record", "a JSON object", "no value (a tombstone)")
        if len(value) > self._longest:
            found = f"{len(value)} bytes, beginning with {shown(value[:40].decode('utf-8', 'replace'))}"
            raise Refused(Refusal.TOO_LARGE, "record", f"at most {self._longest} bytes", found)
        return value

    def _build(self, values: Sequence[Any]) -> Transaction:
        row = self._blank.copy()
        for (place, read, is_required), found in zip(self._steps, values, strict=True):
            if found is not None or is_required:
                row[place] = read(found)
        return Transaction(*row)

    def _check_ahead(self, transaction: Transaction, record: Record) -> None:
        ahead_ms = transaction.event_time_ms - record.timestamp_ms
        if ahead_ms > self._ahead_ms and record.timestamp_ms != NO_TIMESTAMP:
            expected = f"a time before {iso(record.timestamp_ms + self._ahead_ms)}"
            raise Refused(Refusal.TIME_AHEAD, "event_time", expected, iso(transaction.event_time_ms))
