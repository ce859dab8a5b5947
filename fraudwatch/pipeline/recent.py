"""The transactions folded last, so that an alert can name those of its evidence."""

from collections import deque

from fraudwatch.records import TextField, Transactions

KEPT_OFFSETS = 50_000
"""How far back in the log a transaction has a name: some 25 MB of what was decoded anyway."""


class RecentTransactions:
    """Whole batches by reference: a transaction costs nothing until it is asked for."""

    def __init__(self) -> None:
        self._batches: deque[Transactions] = deque()

    def add(self, transactions: Transactions) -> None:
        """Keep a batch whose offsets follow those of the one before, and let go of what is too far back."""
        if not len(transactions):
            return
        self._batches.append(transactions)
        oldest = int(transactions.offsets[0]) - KEPT_OFFSETS
        while int(self._batches[0].offsets[-1]) <= oldest:
            self._batches.popleft()

    def ids(self, offset: int, of: int) -> tuple[str | None, str | None]:
        """Transaction and counterparty id at an offset as seen from a later one, `of`; None where it is too far back.

        What is found depends on the two offsets, not on how the log was cut into batches.
        """
        if offset <= of - KEPT_OFFSETS:
            return None, None
        for batch in reversed(self._batches):
            if offset >= batch.offsets[0]:
                row = int(batch.offsets.searchsorted(offset))
                if row == len(batch) or batch.offsets[row] != offset:
                    break
                return (
                    batch.text_of(row, TextField.TRANSACTION_ID),
                    batch.text_of(row, TextField.COUNTERPARTY_ID),
                )
        return None, None
