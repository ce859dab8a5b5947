"""Unusual hours: payment after payment at hours of the day at which the account hardly ever does anything."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element, State
from fraudwatch.features.kernels.clock import HOUR_MS
from fraudwatch.features.kernels.event import HOURS, Event
from fraudwatch.features.kernels.lanes.reach import oldest
from fraudwatch.features.kernels.packed import moment_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 36 * HOUR_MS
MOST = 24
"""Transactions of the window that are looked at, each of which is compared with all of them."""
HABIT_WEIGHT = 10.0
"""Transactions spread evenly over the day that the account's own are shrunk towards."""
BESIDE = 3
"""Hours that count as one: a payment at five past does not make the hour before another one."""
LEAST_RARE = 1.2
"""−log10 of 6 % of the account's transactions; of 3 hours of 24 it would be 12.5 %."""

SPEC = LaneSpec(
    name="unusual_hours",
    code="NIGHT",
    theme=Theme.RHYTHM,
    sentence=Text(
        en="Several transactions within a day and a half at hours at which the account is hardly ever active.",
        fr="Plusieurs opérations en un jour et demi à des heures où le compte n’est presque jamais actif.",
    ),
    innocent=Text(
        en="Shift work, another time zone, a sleepless night.",
        fr="Un travail posté, un autre fuseau horaire, une nuit blanche.",
    ),
    doc="Over the latest 24 transactions of 36 h and the judged one: how much rarer than 6 % its local hour of the "
    "day, with the hours beside it, was for the account before them (negative decimal logarithm of the share, shrunk "
    "towards an even day). 0 unless the judged transaction's hour is so rare, which takes some ten earlier ones.",
)


@borrowing
def composite(state: State, event: Event) -> float:
    """How rare the hours of a day and a half are for the account."""
    account = state.accounts[event.slot]
    first, end = wide(account.end), wide(account.end)
    least = max(oldest(account), end - MOST)
    while first > least and time_in(state.events[place_of(account, first - 1)]) > event.time - WINDOW_MS:
        first -= 1
    total = _rarity(state, account, first, event.moment % HOURS)
    if total == 0.0:
        return 0.0
    for number in range(first, end):
        total += _rarity(state, account, first, moment_in(state.events[place_of(account, number)]) % HOURS)
    return total


@borrowing
def _rarity(state: State, account: Element, first: int, hour: int) -> float:
    """How rare an hour was for the account before the transaction with this logical number."""
    own = wide(account.hours[(hour - 1) % HOURS])
    own += wide(account.hours[hour]) + wide(account.hours[(hour + 1) % HOURS])
    end = wide(account.end)
    for number in range(first, end):
        other = moment_in(state.events[place_of(account, number)]) % HOURS
        own -= 1 if (other - hour + 1) % HOURS < BESIDE else 0
    count = wide(account.total) - (end - first)
    share = (own + HABIT_WEIGHT * BESIDE / HOURS) / (count + HABIT_WEIGHT)
    return max(0.0, -math.log10(share) - LEAST_RARE)
