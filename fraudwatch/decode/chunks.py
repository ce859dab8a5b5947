"""A chunk of records as transactions by column: the plain form, record by record, that every faster one must equal."""

from collections.abc import Callable, Iterable

import numpy as np

from fraudwatch.decode.columns import by_column
from fraudwatch.records import Chunk, DeadLetter, Record, Transaction, Transactions

Decode = Callable[[Record], Transaction | DeadLetter]


def one_by_one(
    decode: Decode, chunk: Chunk, rows: Iterable[int] | None = None
) -> tuple[Transactions, list[DeadLetter]]:
    """The chunk's `rows` (ascending; all of them by default), each by `decode`; both in the order of their offsets."""
    transactions: list[Transaction] = []
    kept: list[int] = []
    letters: list[DeadLetter] = []
    for row in range(len(chunk)) if rows is None else rows:
        decoded = decode(chunk.record(row))
        if isinstance(decoded, DeadLetter):
            letters.append(decoded)
        else:
            transactions.append(decoded)
            kept.append(row)
    places = np.array(kept, dtype=np.int64)
    return by_column(transactions, places, chunk.offsets[places]), letters
