"""How far a lane looks back."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element
from fraudwatch.features.kernels.wide import wide

MOST = 64
"""Transactions before the judged one that a lane looks at: what the busiest account costs, whatever a window holds."""


@borrowing
def oldest(account: Element) -> int:
    """Logical number of the oldest transaction that a lane looks at."""
    return max(wide(account.begin), wide(account.end) - MOST)
