"""What is fed: any file by its mapping, or a labelled stream of our own that reaches the present."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fraudwatch.broker.replay import Row
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder, read_rows
from fraudwatch.records import NO_TIMESTAMP, Record, Transaction
from fraudwatch.simulate import Plan, messages

ACCOUNTS = 4_000
"""Some 10,000 transactions a day: a first model after the first seconds, and an event day in a few more."""

DAYS_BACK = 90
DAYS_AHEAD = 3_000
"""A demo that is left alone reaches the present, and goes on with it."""


def file_rows(settings: Settings, file: Path) -> Iterator[Row]:
    """The rows of a file as records, keyed by account where they can be decoded.

    Others are sent as they are, without a key: they become dead letters downstream. Raises at once, as `read_rows`
    does, and ConfigurationError for a mapping that cannot be used.
    """
    decode = Decoder(settings).decode

    def row(value: bytes) -> Row:
        decoded = decode(Record(file.name, 0, 0, NO_TIMESTAMP, None, value))
        if isinstance(decoded, Transaction):
            return Row(decoded.account_id.encode(), value, decoded.event_time_ms)
        return Row(None, value)

    return map(row, read_rows(file))


def own_rows() -> Iterator[Row]:
    """The simulated stream from DAYS_BACK days ago on, without an end in sight."""
    start = datetime.now(UTC).date() - timedelta(days=DAYS_BACK)
    plan = Plan(accounts=ACCOUNTS, days=DAYS_BACK + DAYS_AHEAD, start=start)
    return (Row(message.key, message.value, message.event_time_ms) for message in messages(plan))
