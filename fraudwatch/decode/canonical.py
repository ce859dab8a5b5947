"""A transaction as intake writes it to the log: JSON in canonical names, read again by an empty mapping."""

import msgspec

from fraudwatch.config.currencies import minor_digits
from fraudwatch.records import Transaction


class _Line(msgspec.Struct, gc=False, omit_defaults=True):
    """The names of an empty mapping, in the order of Transaction."""

    transaction_id: str
    account_id: str
    event_time: int
    amount: float
    currency: str
    direction: str | None = None
    counterparty_id: str | None = None
    counterparty_country: str | None = None
    channel: str | None = None
    country: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    device_id: str | None = None
    category: str | None = None
    status: str | None = None


_encode = msgspec.json.Encoder().encode


def canonical(transaction: Transaction) -> bytes:
    """JSON that `Decoder` with an empty mapping reads back as the equal transaction.

    The amount is in major units: up to the largest one (2^40 minor units, 13 digits) a double names each
    minor unit exactly. The event time is whole milliseconds since 1970 UTC.
    """
    transaction_id, account_id, time_ms, minor, currency, *optional = msgspec.structs.astuple(transaction)
    amount = minor / 10 ** minor_digits(currency)
    return _encode(_Line(transaction_id, account_id, time_ms, amount, currency, *optional))
