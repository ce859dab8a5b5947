"""What is known of an account's whole history before a transaction, and the columns it becomes."""

from typing import NamedTuple

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element
from fraudwatch.features.columns import Column
from fraudwatch.features.kernels.contacts import NOBODY
from fraudwatch.features.kernels.event import HOURS, UNPAID, Event
from fraudwatch.features.kernels.exact import LOW_BITS, deviation, square_parts
from fraudwatch.records import FloatArray

OWN_COUNT, OWN_PAID = Column.OWN_COUNT.value, Column.OWN_PAID.value
OWN_SUM, OWN_STD, OWN_MAX = Column.OWN_SUM.value, Column.OWN_STD.value, Column.OWN_MAX.value
AGE, GAP, PRESSURE = Column.AGE.value, Column.GAP.value, Column.PRESSURE.value
OWN_HOUR, OWN_WEEKDAY = Column.OWN_HOUR.value, Column.OWN_WEEKDAY.value


class Own(NamedTuple):
    """Before the judged transaction: transactions and those that moved money, winsorised sums, largest amount,
    time of the last one, pressure at the judged time, transactions in its hour and on its weekday."""

    total: int
    paid: int
    sum: int
    high: int
    low: int
    peak: int
    last: int
    pressure: float
    hour: int
    weekday: int


@borrowing
def write_own(account: Element, event: Event, own: Own, row: FloatArray) -> None:
    """The columns of the whole history but those of the month."""
    row[OWN_COUNT] = own.total
    row[OWN_PAID] = own.paid
    row[OWN_SUM] = own.sum
    row[PRESSURE] = own.pressure
    row[OWN_HOUR] = own.hour
    row[OWN_WEEKDAY] = own.weekday
    if own.paid > 0:
        row[OWN_STD] = deviation(own.paid, own.sum, own.high, own.low)
        row[OWN_MAX] = own.peak
    if own.total > 0:
        row[AGE] = event.time - account.first
        row[GAP] = event.time - own.last


@borrowing
def remember_own(account: Element, event: Event, winsor: int) -> None:
    """Add a transaction to the whole history, whatever its place in it."""
    account.first = event.time if account.total == 0 else min(account.first, event.time)
    account.total += 1
    account.hours[event.moment % HOURS] += 1
    account.weekdays[event.moment // HOURS] += 1
    if event.device != NOBODY:
        account.with_device += 1
        if event.is_new_device:
            account.new_devices += 1
    if event.bits & UNPAID:
        return
    account.paid += 1
    account.own_sum += winsor
    high, low = square_parts(winsor)
    low += account.own_low
    account.own_high += high + (low >> 40)
    account.own_low = low & LOW_BITS
    account.peak = max(account.peak, event.money)
