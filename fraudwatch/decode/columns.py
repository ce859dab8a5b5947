"""Transactions by column, from transactions one by one: the plain form, and the one for whatever is unusual."""

from collections.abc import Sequence

import numpy as np

from fraudwatch.decode.digests import TEXTS, digest_rows
from fraudwatch.records import IntArray, TextField, Trait, Transaction, Transactions

_TEXTS = tuple(field.name.lower() for field in TextField)
_TRAITS = {
    None: Trait(0),
    "approved": Trait(0),
    "credit": Trait.CREDIT,
    "debit": Trait.DEBIT,
    "declined": Trait.DECLINED,
    "reversed": Trait.REVERSED,
}


def by_column(transactions: Sequence[Transaction], rows: IntArray, offsets: IntArray) -> Transactions:
    """Transactions of the chunk's `rows` int64[n], with their `offsets` int64[n], as columns."""
    count = len(transactions)
    text = bytearray()
    spans = np.zeros((count, TEXTS, 2), dtype=np.int32)
    numbers = np.zeros((count, 5), dtype=np.int64)
    for row, transaction in enumerate(transactions):
        for field, name in enumerate(_TEXTS):
            if (found := getattr(transaction, name)) is not None:
                begin = len(text)
                text += found.encode()
                spans[row, field] = begin, len(text)
        numbers[row] = _numbers(transaction)
    names, contents = np.zeros((count, 3), dtype=np.int64), np.zeros(count, dtype=np.int64)
    buffer = np.frombuffer(bytes(text), dtype=np.uint8)
    with np.errstate(over="ignore"):  # hashes wrap on purpose, which only plain NumPy would warn of
        digest_rows(buffer, spans, numbers, names, contents)
    return Transactions(
        rows=rows,
        offsets=offsets,
        event_time_ms=numbers[:, 0].copy(),
        amount_minor=numbers[:, 1].copy(),
        latitude=numbers[:, 2].astype(np.int32),
        longitude=numbers[:, 3].astype(np.int32),
        traits=numbers[:, 4].astype(np.uint8),
        spans=spans,
        text=buffer,
        ids=names[:, 0].copy(),
        accounts=names[:, 1].copy(),
        counterparties=names[:, 2].copy(),
        contents=contents,
    )


def _numbers(transaction: Transaction) -> tuple[int, int, int, int, int]:
    """Event time, amount, latitude and longitude in millionths of a degree, traits."""
    traits = _TRAITS[transaction.direction] | _TRAITS[transaction.status]
    latitude = longitude = 0
    if transaction.counterparty_id is not None:
        traits |= Trait.HAS_COUNTERPARTY
    if transaction.latitude is not None and transaction.longitude is not None:
        latitude, longitude = round(transaction.latitude * 1e6), round(transaction.longitude * 1e6)
        traits |= Trait.HAS_PLACE
    return transaction.event_time_ms, transaction.amount_minor, latitude, longitude, int(traits)
