"""Which transaction is meant: the one of an id, or the latest of an account, in a log that is read once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from fraudwatch.decode import Decoder
from fraudwatch.decode.columns import by_column
from fraudwatch.errors import UnusableInputError
from fraudwatch.records import Chunk, Record, TextField, Transaction, Transactions

CHUNK = 2_000
"""Records decoded at once."""


class Wanted(NamedTuple):
    """What a person asks for; at least one of both. Without an id it is the account's latest by event time."""

    transaction_id: str | None
    account_id: str | None

    def __str__(self) -> str:
        if self.transaction_id is None:
            return f"a transaction of account {self.account_id}"
        of_account = "" if self.account_id is None else f" of account {self.account_id}"
        return f"a transaction {self.transaction_id}{of_account}"


class Found(NamedTuple):
    """Where it is, and the hash of its account."""

    record: Record
    account: int


def find(chunks: Iterable[Chunk], decoder: Decoder, wanted: Wanted, where: str) -> Found:
    """Of an id that was repeated the first, which is the one that counts. `where` is named in messages.

    Raises UnusableInputError where there is none, or where two accounts have one of that id and none was named.
    """
    transaction_hash, account_hash = _hashes(wanted)
    found: Found | None = None
    latest_ms, records, letters = 0, 0, 0
    for chunk in chunks:
        transactions, dead = decoder.decode_chunk(chunk)
        records, letters = records + len(chunk), letters + len(dead)
        is_meant = np.ones(len(transactions), dtype=np.bool_)
        if wanted.account_id is not None:
            is_meant &= transactions.accounts == account_hash
        if wanted.transaction_id is not None:
            is_meant &= transactions.ids == transaction_hash
        for row in np.flatnonzero(is_meant).tolist():
            if wanted.transaction_id is None:
                if found is not None and int(transactions.event_time_ms[row]) < latest_ms:
                    continue
                latest_ms = int(transactions.event_time_ms[row])
                found = _found(chunk, transactions, row)
            elif found is None:
                found = _found(chunk, transactions, row)
            elif int(transactions.accounts[row]) != found.account:
                raise UnusableInputError(
                    f"expected one account with a transaction {wanted.transaction_id} in {where}, found two, "
                    f"{transactions.text_of(row, TextField.ACCOUNT_ID)} being one: name the one you mean with --account"
                )
    if found is None:
        unread = f", {letters:,} of which could not be read" if letters else ""
        raise UnusableInputError(
            f"expected {wanted} in {where}, found none among {records:,} records{unread}. Check the id, and that the "
            "configuration maps this source."
        )
    return found


class OwnRecords:
    """The records of one account, gathered while a log goes by."""

    def __init__(self, account: int) -> None:
        self._account = account
        self._records: list[Record] = []

    def add(self, chunk: Chunk, transactions: Transactions) -> None:
        """Keep those of the account; the transactions are what was decoded of the chunk."""
        for row in np.flatnonzero(transactions.accounts == self._account).tolist():
            self._records.append(chunk.record(int(transactions.rows[row])))

    def before(self, record: Record) -> list[Record]:
        """Those of its partition that lie before a record, in order."""
        return [
            own for own in self._records if own.partition == record.partition and own.offset < record.offset
        ]


def chunked(records: Iterable[Record]) -> Iterator[Chunk]:
    """Records of several partitions as chunks, in order within each."""
    waiting: defaultdict[int, list[Record]] = defaultdict(list)
    for record in records:
        own = waiting[record.partition]
        own.append(record)
        if len(own) == CHUNK:
            yield Chunk.of(waiting.pop(record.partition))
    for own in waiting.values():
        yield Chunk.of(own)


def _found(chunk: Chunk, transactions: Transactions, row: int) -> Found:
    return Found(chunk.record(int(transactions.rows[row])), int(transactions.accounts[row]))


def _hashes(wanted: Wanted) -> tuple[int, int]:
    """Of the id and of the account, as the decoder makes them."""
    nowhere = np.zeros(1, dtype=np.int64)
    meant = Transaction(wanted.transaction_id or "", wanted.account_id or "", 0, 0, "")
    told = by_column([meant], nowhere, nowhere)
    return int(told.ids[0]), int(told.accounts[0])
