"""Counters of local calendar months: that of an account's newest transaction, and the month before it."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element
from fraudwatch.features.columns import Column
from fraudwatch.features.kernels.event import Event
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import FloatArray

MONTH_COUNT, MONTH_SUM = Column.MONTH_COUNT.value, Column.MONTH_SUM.value

NO_MONTH = -10
"""Not even the month before that of the first transaction."""


@borrowing
def turn_month(account: Element, month: int) -> None:
    """Begin a month that is not before the newest: what was counted becomes the month before, or is past that."""
    if month == account.month:
        return
    follows = month == account.month + 1
    account.former_count = account.month_count if follows else 0
    account.former_sum = account.month_sum if follows else 0
    account.month = month
    account.month_count = 0
    account.month_sum = 0


@borrowing
def add_to_month(account: Element, event: Event) -> None:
    """Count a transaction in its month, while that is kept."""
    if event.month == account.month:
        account.month_count += 1
        account.month_sum += event.money
    elif event.month == account.month - 1:
        account.former_count += 1
        account.former_sum += event.money


@borrowing
def write_month(account: Element, event: Event, later_count: int, later_sum: int, row: FloatArray) -> None:
    """The columns of the month, without what came later in it; missing when the month is no longer kept."""
    if event.month == account.month:
        count, total = wide(account.month_count), account.month_sum
    elif event.month == account.month - 1:
        count, total = wide(account.former_count), account.former_sum
    else:
        return
    row[MONTH_COUNT] = count - later_count + 1
    row[MONTH_SUM] = total - later_sum + event.money
