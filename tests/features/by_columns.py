"""Transactions as the history takes them, from transactions one by one."""

from collections.abc import Sequence

import numpy as np

from fraudwatch.decode.columns import by_column
from fraudwatch.records import Transaction, Transactions


def columns_of(transactions: Sequence[Transaction], first_offset: int = 0) -> Transactions:
    """All of them, their offsets following one another."""
    rows = np.arange(len(transactions), dtype=np.int64)
    return by_column(transactions, rows, first_offset + rows)
