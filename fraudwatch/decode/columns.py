"""Transactions by column, from transactions one by one: the plain form, and the one for whatever is unusual."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fraudwatch.decode.digests import HASHES, MARGIN, TEXTS, digest_rows
from fraudwatch.records import (
    ByteArray,
    IntArray,
    SmallIntArray,
    TextField,
    Trait,
    Transaction,
    Transactions,
)

_TEXTS = tuple(field.name.lower() for field in TextField)
_TRAITS = {
    None: Trait(0),
    "approved": Trait(0),
    "credit": Trait.CREDIT,
    "debit": Trait.DEBIT,
    "declined": Trait.DECLINED,
    "reversed": Trait.REVERSED,
}


class Columns(NamedTuple):
    """The columns of n transactions while they are filled.

    `longs` int64[2, n]: event time and amount; `places` int32[2, n]: latitude and longitude; `traits` uint8[n];
    `spans` int32[n, TEXTS, 2]; `hashes` int64[HASHES, n]: id, account, counterparty, contents, device,
    cohort.
    """

    longs: IntArray
    places: SmallIntArray
    traits: ByteArray
    spans: SmallIntArray
    hashes: IntArray

    @classmethod
    def of(cls, count: int) -> "Columns":
        """So many rows, each still without a meaning."""
        return cls(
            np.empty((2, count), dtype=np.int64),
            np.empty((2, count), dtype=np.int32),
            np.empty(count, dtype=np.uint8),
            np.empty((count, TEXTS, 2), dtype=np.int32),
            np.empty((HASHES, count), dtype=np.int64),
        )

    def enter(self, others: Transactions, begin: int) -> None:
        """Fill the rows of `others`, whose texts lie in a buffer that will follow `begin` bytes of another."""
        rows = others.rows
        self.longs[:, rows] = others.event_time_ms, others.amount_minor
        self.places[:, rows] = others.latitude, others.longitude
        self.traits[rows] = others.traits
        self.spans[rows] = others.spans + np.int32(begin)
        hashes = (others.ids, others.accounts, others.counterparties, others.contents, others.devices)
        self.hashes[:, rows] = *hashes, others.cohorts

    def only(self, rows: IntArray) -> "Columns":
        """Some of the rows."""
        return Columns(
            self.longs.take(rows, axis=1),
            self.places.take(rows, axis=1),
            self.traits.take(rows),
            self.spans.take(rows, axis=0),
            self.hashes.take(rows, axis=1),
        )

    def finished(self, rows: IntArray, offsets: IntArray, text: ByteArray) -> Transactions:
        """The transactions that are in them now."""
        return Transactions(
            rows=rows,
            offsets=offsets,
            event_time_ms=self.longs[0],
            amount_minor=self.longs[1],
            latitude=self.places[0],
            longitude=self.places[1],
            traits=self.traits,
            spans=self.spans,
            text=text,
            ids=self.hashes[0],
            accounts=self.hashes[1],
            counterparties=self.hashes[2],
            contents=self.hashes[3],
            devices=self.hashes[4],
            cohorts=self.hashes[5],
        )


def by_column(transactions: Sequence[Transaction], rows: IntArray, offsets: IntArray) -> Transactions:
    """Transactions of the chunk's `rows` int64[n], with their `offsets` int64[n], as columns."""
    columns = Columns.of(len(transactions))
    text = bytearray()
    columns.spans[:] = 0
    for row, transaction in enumerate(transactions):
        for field, name in enumerate(_TEXTS):
            if (found := getattr(transaction, name)) is not None:
                begin = len(text)
                text += found.encode()
                columns.spans[row, field] = begin, len(text)
        columns.longs[:, row] = transaction.event_time_ms, transaction.amount_minor
        place = place_of(transaction.latitude, transaction.longitude)
        columns.places[:, row] = place or (0, 0)
        columns.traits[row] = traits_of(transaction) | (Trait.HAS_PLACE if place else 0)
    buffer = np.frombuffer(bytes(text) + bytes(MARGIN), dtype=np.uint8)
    with np.errstate(over="ignore"):  # hashes wrap on purpose, which only plain NumPy would warn of
        digest_rows(buffer, *columns)
    return columns.finished(rows, offsets, buffer)


def place_of(latitude: float | None, longitude: float | None) -> tuple[int, int] | None:
    """Millionths of a degree; None for no place, or half of one."""
    if latitude is None or longitude is None:
        return None
    return round(latitude * 1e6), round(longitude * 1e6)


def traits_of(transaction: Transaction) -> int:
    """All traits but HAS_PLACE."""
    traits = word_trait(transaction.direction) | word_trait(transaction.status)
    return traits | (Trait.HAS_COUNTERPARTY if transaction.counterparty_id is not None else 0)


def word_trait(word: str | None) -> int:
    """What a direction or a status is among the traits. Raises KeyError for any other word."""
    return int(_TRAITS[word])
