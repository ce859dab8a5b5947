"""The transactions folded last, so that an alert can name those of its evidence."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fraudwatch.records import IntArray, SmallIntArray, TextField, Transactions

KEPT_OFFSETS = 50_000
"""How far back in the log a transaction has a name: some 25 MB."""

SMALL = 1_000
"""Rows. A quiet stream comes in batches of one or two, tens of thousands of which would take long to look through."""

NAMES = [TextField.TRANSACTION_ID, TextField.COUNTERPARTY_ID]

Ids = tuple[str | None, str | None]
"""Of a transaction and of its counterparty."""


class _Part(NamedTuple):
    """Rows of the log in the order of their offsets, from the `first` on, and the bytes of all their texts.

    `spans` int32[n, 4] says where in the text each of the two ids begins and ends.
    """

    first: int
    offsets: IntArray
    spans: SmallIntArray
    text: bytes

    def followed_by(self, other: "_Part") -> "_Part":
        return _Part(
            self.first,
            np.concatenate([self.offsets, other.offsets]),
            np.concatenate([self.spans, other.spans + np.int32(len(self.text))]),
            self.text + other.text,
        )

    def ids(self, offset: int) -> Ids:
        """None for both where no row has this offset."""
        row = offset - self.first  # where the log has no gaps
        if row >= len(self.offsets) or self.offsets[row] != offset:
            row = int(self.offsets.searchsorted(offset))
            if row == len(self.offsets) or self.offsets[row] != offset:
                return None, None
        begin, end, of_counterparty, its_end = self.spans[row].tolist()
        return self.text[begin:end].decode() or None, self.text[of_counterparty:its_end].decode() or None


class RecentTransactions:
    """Large batches as they came, so that a transaction costs nothing until it is asked for; small ones together."""

    def __init__(self) -> None:
        self._parts: list[_Part] = []
        self._firsts: list[int] = []

    def add(self, transactions: Transactions) -> None:
        """Keep a batch whose offsets follow those of the one before, and let go of what is too far back."""
        if not len(transactions):
            return
        spans = transactions.spans[:, NAMES].reshape(len(transactions), 4)
        part = _Part(int(transactions.offsets[0]), transactions.offsets, spans, transactions.text.tobytes())
        if self._parts and len(self._parts[-1].offsets) + len(part.offsets) <= SMALL:
            self._parts[-1] = self._parts[-1].followed_by(part)
        else:
            self._parts.append(part)
            self._firsts.append(part.first)
        oldest = part.first - KEPT_OFFSETS
        while int(self._parts[0].offsets[-1]) <= oldest:
            del self._parts[0], self._firsts[0]

    def ids(self, offsets: Sequence[int], of: int) -> list[Ids]:
        """The ids of transactions at some offsets as seen from a later one, `of`; None where one is too far back.

        What is found depends on the offsets, not on how the log was cut into batches.
        """
        found = []
        for offset in offsets:
            place = bisect_right(self._firsts, offset) - 1
            is_known = offset > of - KEPT_OFFSETS and place >= 0
            found.append(self._parts[place].ids(offset) if is_known else (None, None))
        return found
