"""The transactions folded last, so that an alert can name those of its evidence."""

from bisect import bisect_right
from typing import NamedTuple

import numpy as np

from fraudwatch.records import ByteArray, IntArray, SmallIntArray, TextField, Transactions, text_in

KEPT_OFFSETS = 50_000
"""How far back in the log a transaction has a name: some 25 MB of what was decoded anyway."""

SMALL = 1_000
"""Rows. A quiet stream comes in batches of one or two, tens of thousands of which would take long to look through."""

NAMES = TextField.TRANSACTION_ID, TextField.COUNTERPARTY_ID


class _Part(NamedTuple):
    """Rows of the log in the order of their offsets, and the texts of each: `spans` as in `Transactions`."""

    offsets: IntArray
    spans: SmallIntArray
    text: ByteArray

    def followed_by(self, other: "_Part") -> "_Part":
        return _Part(
            np.concatenate([self.offsets, other.offsets]),
            np.concatenate([self.spans, other.spans + np.int32(len(self.text))]),
            np.concatenate([self.text, other.text]),
        )


class RecentTransactions:
    """Large batches by reference, so that a transaction costs nothing until it is asked for; small ones together."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._firsts: list[int] = []

    def add(self, transactions: Transactions) -> None:
        """Keep a batch whose offsets follow those of the one before, and let go of what is too far back."""
        if not len(transactions):
            return
        part = _Part(transactions.offsets, transactions.spans, transactions.text)
        if self._parts and len(self._parts[-1].offsets) + len(part.offsets) <= SMALL:
            self._parts[-1] = self._parts[-1].followed_by(part)
        else:
            self._parts.append(part)
            self._firsts.append(int(part.offsets[0]))
        oldest = int(part.offsets[0]) - KEPT_OFFSETS
        while int(self._parts[0].offsets[-1]) <= oldest:
            del self._parts[0], self._firsts[0]

    def ids(self, offset: int, of: int) -> tuple[str | None, str | None]:
        """Transaction and counterparty id at an offset as seen from a later one, `of`; None where it is too far back.

        What is found depends on the two offsets, not on how the log was cut into batches.
        """
        place = bisect_right(self._firsts, offset) - 1
        if offset <= of - KEPT_OFFSETS or place < 0:
            return None, None
        part = self._parts[place]
        row = int(part.offsets.searchsorted(offset))
        if row == len(part.offsets) or part.offsets[row] != offset:
            return None, None
        transaction_id, counterparty_id = (part.spans[row, field] for field in NAMES)
        return text_in(part.text, transaction_id), text_in(part.text, counterparty_id)
