"""What a window holds: sums of money and counts, and the columns they become."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element
from fraudwatch.features.columns import Aggregate, Column
from fraudwatch.features.kernels.contacts import NOBODY
from fraudwatch.features.kernels.event import CREDIT, DEBIT, DECLINED, LATEST, NEW, REVERSED
from fraudwatch.features.kernels.exact import LOW_BITS, deviation, square_parts
from fraudwatch.features.kernels.packed import bits_in, money_in
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import FloatArray

PRIOR_COUNT, PRIOR_SUM = Column.PRIOR_COUNT_24H.value, Column.PRIOR_SUM_24H.value
PRIOR_KNOWN, PRIOR_NEW = Column.PRIOR_KNOWN_24H.value, Column.PRIOR_NEW_24H.value
WINDOWS, AGGREGATES = len(Column), len(Aggregate)
COUNT, SUM, MEAN = Aggregate.COUNT.value, Aggregate.SUM.value, Aggregate.MEAN.value
STD, MAX = Aggregate.STD.value, Aggregate.MAX.value
INFLOW, OUTFLOW = Aggregate.INFLOW.value, Aggregate.OUTFLOW.value
COLUMN_DECLINED, COLUMN_REVERSED = Aggregate.DECLINED.value, Aggregate.REVERSED.value
COUNTERPARTIES, NEW_SHARE = Aggregate.COUNTERPARTIES.value, Aggregate.NEW_SHARE.value


@borrowing
def tally(window: Element, money: int, pair: int, bits: int, sign: int) -> None:
    """Add a transaction to a window, or take it away (sign −1).

    Distinct counterparties are not touched: they are not a matter of one transaction.
    """
    if money > 0:
        _tally_money(window, money, bits, sign)
    if bits & DECLINED:
        window.declined += sign
    if bits & REVERSED:
        window.reversed += sign
    if pair != NOBODY:
        window.known += sign
        if bits & NEW:
            window.new += sign


@borrowing
def _tally_money(window: Element, money: int, bits: int, sign: int) -> None:
    high, low = square_parts(money)
    window.moved += sign * money
    window.high += sign * high
    low = window.low + sign * low
    if low > 2**60 or low < -(2**60):  # millions of transactions: carry before it overflows
        window.high += low >> 40
        low &= LOW_BITS
    window.low = low
    if bits & CREDIT:
        window.inflow += sign * money
    if bits & DEBIT:
        window.outflow += sign * money


@borrowing
def merge(window: Element, other: Element, sign: int) -> None:
    """Add what another window holds, or take it away (sign −1); of counterparties how many are marked."""
    window.moved += sign * other.moved
    window.high += sign * other.high
    window.low += sign * other.low
    window.inflow += sign * other.inflow
    window.outflow += sign * other.outflow
    window.declined += sign * other.declined
    window.reversed += sign * other.reversed
    window.known += sign * other.known
    window.new += sign * other.new
    window.counterparties += sign * other.counterparties


@borrowing
def tally_kept(window: Element, kept: Element, sign: int) -> None:
    """Add a kept transaction, or take it away; of counterparties whether it is marked LATEST."""
    bits = bits_in(kept)
    tally(window, money_in(kept), wide(kept.pair), bits, sign)
    if bits & LATEST:
        window.counterparties += sign


@borrowing
def write_prior(row: FloatArray, day: Element, count: int) -> None:
    """The columns of the 24 h before the judged transaction: a window without it, of so many transactions."""
    row[PRIOR_COUNT] = count
    row[PRIOR_SUM] = day.moved
    row[PRIOR_KNOWN] = day.known
    row[PRIOR_NEW] = day.new


@borrowing
def clear(window: Element) -> None:
    """Nothing in it."""
    window.moved = window.high = window.low = window.inflow = window.outflow = 0
    window.declined = window.reversed = window.known = window.new = window.counterparties = 0


@borrowing
def described(row: FloatArray) -> int:
    """How many windows a row has columns for: all or none."""
    return (len(row) - WINDOWS) // AGGREGATES


@borrowing
def write_window(row: FloatArray, index: int, window: Element, count: int, peak: int) -> None:
    """The columns of the index-th window; it holds so many transactions, the largest amount of which is `peak`."""
    at = WINDOWS + index * AGGREGATES
    paid = count - wide(window.declined) - wide(window.reversed)
    row[at + COUNT] = count
    row[at + SUM] = window.moved
    if paid > 0:
        row[at + MEAN] = window.moved / paid
        row[at + STD] = deviation(paid, window.moved, window.high, window.low)
        row[at + MAX] = peak
    row[at + INFLOW] = window.inflow
    row[at + OUTFLOW] = window.outflow
    row[at + COLUMN_DECLINED] = window.declined
    row[at + COLUMN_REVERSED] = window.reversed
    row[at + COUNTERPARTIES] = window.counterparties
    if window.known > 0:
        row[at + NEW_SHARE] = window.new / window.known
