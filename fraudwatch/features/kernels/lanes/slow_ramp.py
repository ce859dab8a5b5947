"""Slow ramp: payments to one counterparty, each a little larger than the one before."""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.clock import DAY_MS
from fraudwatch.features.kernels.event import CREDIT, NEW, UNPAID, Event
from fraudwatch.features.kernels.packed import asked_in, bits_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import LaneSpec, Text, Theme

WINDOW_MS = 30 * DAY_MS
LEAST, MOST = 4, 16
"""Payments that a rise can be told from, and transactions with the counterparty that are looked at: the latest ones."""
SCATTER = 0.2
"""Σ of squares of log amounts that any account's payments scatter by: a straight line through four is no proof."""
SLOW_DAYS = 15.0
ROOM = 100.0

SPEC = LaneSpec(
    name="slow_ramp",
    code="RAMP",
    theme=Theme.AMOUNT,
    sentence=Text(
        en="Payments to one recent counterparty grow steadily, one after the other.",
        fr="Les paiements à une contrepartie récente augmentent régulièrement, l’un après l’autre.",
    ),
    innocent=Text(en="Works paid in stages.", fr="Des travaux payés par étapes."),
    fields=("counterparty_id",),
    doc="Of the latest 16 transactions of 30 days with the judged one's counterparty, itself inside, where the "
    "account has known it for no longer, the payments that moved: how much better a rising line over time "
    "explains their logarithms than their mean (logarithm of the likelihoods' ratio), times the days since "
    "the counterparty was met, up to 15, as a part of 15. 0 for fewer than four, and where they fall.",
)


@borrowing
def composite(state: State, event: Event) -> float:
    """How surely payments to one counterparty rise, and for how long."""
    if event.pair < 0 or event.bits & (CREDIT | UNPAID | NEW):
        return 0.0
    account, since = state.accounts[event.slot], event.time - WINDOW_MS
    met = state.pairs[event.pair].first_time
    if met <= since or met < account.whole_from:
        return 0.0
    y = math.log(event.money + ROOM)
    count, sum_x, sum_y, sum_xx, sum_xy, sum_yy = 1, 0.0, y, 0.0, 0.0, y * y
    number = wide(state.pairs[event.pair].last)
    for _ in range(MOST - 1):
        if number < account.begin:
            break
        kept = state.events[place_of(account, number)]
        if time_in(kept) <= since:
            break
        if not bits_in(kept) & (CREDIT | UNPAID):
            x, y = (time_in(kept) - event.time) / DAY_MS, math.log(asked_in(kept) + ROOM)
            count += 1
            sum_x, sum_y = sum_x + x, sum_y + y
            sum_xx, sum_xy, sum_yy = sum_xx + x * x, sum_xy + x * y, sum_yy + y * y
        number = wide(kept.before)
    xx = sum_xx - sum_x * sum_x / count
    xy = sum_xy - sum_x * sum_y / count
    if count < LEAST or xy <= 0.0 or xx <= 0.0:
        return 0.0
    explained = xy * xy / xx
    left = max(0.0, sum_yy - sum_y * sum_y / count - explained)
    surely = 0.5 * (count - 1) * math.log1p(explained / (left + SCATTER))
    return surely * min(1.0, (event.time - met) / DAY_MS / SLOW_DAYS)
