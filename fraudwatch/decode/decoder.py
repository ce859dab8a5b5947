"""From a record to its transactions, or to the one dead letter that says why not."""

import logging

from fraudwatch.config.settings import Settings, Source
from fraudwatch.decode.chunks import ChunkReader
from fraudwatch.decode.clients import Clients, read_clients
from fraudwatch.decode.leg import Leg
from fraudwatch.decode.mapping import compile_source
from fraudwatch.decode.plan import NotPlannedError, plan
from fraudwatch.decode.refusals import Refused, shown
from fraudwatch.decode.rules import mapped_legs
from fraudwatch.decode.times import iso
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import (
    NO_TIMESTAMP,
    Chunk,
    DeadLetter,
    Record,
    Refusal,
    Stage,
    Transaction,
    Transactions,
)

logger = logging.getLogger(__name__)

# A canonical transaction has eleven texts of at most four bytes a character (quotes and backslashes become two)
# and five numbers; names and marks take less than 500 bytes.
_TEXTS, _BYTES_A_CHARACTER, _FRAME = 11, 4, 1_000


class SourceDecoder:
    """One of `sources` by its name, compiled once. Raises ConfigurationError when it cannot be used."""

    def __init__(self, settings: Settings, source: Source, name: str) -> None:
        self.legs = _legs(settings, source, f"sources.{name}", read_clients(settings))
        self.fields = frozenset(field.name for leg in self.legs for field in leg.fields)
        """The canonical fields this source can fill, as they are named in a mapping."""
        self._check = _Check(settings, self.legs[0].source.expected, settings.limits.max_record_bytes)
        self._has_legs = bool(source.legs)

    def decode(self, record: Record) -> list[Transaction] | DeadLetter:
        """A transaction for every leg, or one dead letter around the same record. Never raises."""
        transactions: list[Transaction] = []
        try:
            value = self._check.value(record)
            for leg in self.legs:
                transaction = leg.read(value)
                self._check.time(transaction, record)
                transactions.append(transaction)
        except Refused as refused:
            is_of_leg = self._has_legs and refused.subject != "record"
            detail = f"legs[{len(transactions)}]: {refused}" if is_of_leg else str(refused)
            return DeadLetter(record, Stage.DECODE, refused.reason, detail)
        return transactions


class Decoder:
    """The log that a worker reads: `settings.source`, one transaction a record.

    With `sources` the log holds what intake wrote, so accounts are those of clients already, and the fields
    are those that any of the sources fills. Raises ConfigurationError when any of them cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        limits = settings.limits
        if settings.source.legs:
            raise ConfigurationError(
                "source.legs: expected under sources only, because a record of the log is one transaction; "
                f"found {len(settings.source.legs)} legs. Name the source under sources and run "
                "`fraudwatch intake`."
            )
        clients = {} if settings.sources else read_clients(settings)
        self.legs = _legs(settings, settings.source, "source", clients)
        self._leg = self.legs[0]
        fields = {field.name for field in self._leg.fields}
        if settings.sources:
            fields = _fields_of_sources(settings)
        self.fields = frozenset(fields)
        """The canonical fields this mapping can fill, as they are named in a mapping."""
        longest = limits.max_record_bytes
        if settings.sources:  # whatever intake can write is read again
            longest = max(longest, _TEXTS * _BYTES_A_CHARACTER * limits.max_text + _FRAME)
        self._check = _Check(settings, self._leg.source.expected, longest)
        try:
            planned = plan(settings, self._leg.fields, bool(clients), longest)
        except NotPlannedError as reason:
            logger.info("records are decoded one by one, because %s", reason)
            planned = None
        self._chunks = ChunkReader(self.decode, planned)

    def decode(self, record: Record) -> Transaction | DeadLetter:
        """The transaction in canonical form, or a dead letter around the same record. Never raises."""
        try:
            transaction = self._leg.read(self._check.value(record))
            self._check.time(transaction, record)
        except Refused as refused:
            return DeadLetter(record, Stage.DECODE, refused.reason, str(refused))
        return transaction

    def decode_chunk(self, chunk: Chunk) -> tuple[Transactions, list[DeadLetter]]:
        """What `decode` says of each record: the transactions by column, and the dead letters. Never raises."""
        return self._chunks.read(chunk)

    def warm_up(self) -> None:
        """Make ready all that the first chunk would wait for (compiled kernels), some seconds where none are kept."""
        self.decode_chunk(Chunk.of([Record("warm-up", 0, 0, NO_TIMESTAMP, None, b"{}")]))


class _Check:
    """What no field can say: whether there is a record, of a size to read, and not ahead of its time."""

    def __init__(self, settings: Settings, expected: str, longest: int) -> None:
        self._expected = expected
        self._longest = longest
        self._ahead_ms = int(settings.limits.ahead)

    def value(self, record: Record) -> bytes:
        value = record.value
        if value is None:
            raise Refused(Refusal.TOMBSTONE, "record", self._expected, "no value (a tombstone)")
        if len(value) > self._longest:
            found = f"{len(value)} bytes, beginning with {shown(value[:40].decode('utf-8', 'replace'))}"
            raise Refused(Refusal.TOO_LARGE, "record", f"at most {self._longest} bytes", found)
        return value

    def time(self, transaction: Transaction, record: Record) -> None:
        ahead_ms = transaction.event_time_ms - record.timestamp_ms
        if ahead_ms > self._ahead_ms and record.timestamp_ms != NO_TIMESTAMP:
            expected = f"a time before {iso(record.timestamp_ms + self._ahead_ms)}"
            raise Refused(Refusal.TIME_AHEAD, "event_time", expected, iso(transaction.event_time_ms))


def _legs(settings: Settings, source: Source, key: str, clients: Clients) -> tuple[Leg, ...]:
    compiled = compile_source(settings, source, key, clients)
    csv = source.csv if source.format == "csv" else None
    try:
        return tuple(Leg(fields, csv, settings.currency) for fields in compiled)
    except ValueError as error:
        raise ConfigurationError(f"{key}.mapping: {error}") from None


def _fields_of_sources(settings: Settings) -> set[str]:
    """Every canonical field that a source fills. Raises ConfigurationError for a source that cannot be used."""
    fields: set[str] = set()
    for name, source in settings.sources.items():
        key = f"sources.{name}"
        _legs(settings, source, key, {})
        fields.update(*mapped_legs(source, key))
    return fields
