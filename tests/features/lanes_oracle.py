"""The composites of every lane, told slowly: from everything an account did, as their definitions say."""

import math
from collections.abc import Callable

from oracle import DAY, HOUR, Event, Oracle

from fraudwatch.features.columns import kept_windows
from fraudwatch.records import Transaction

MOST = 64


class Past:
    """What a lane may look at: all before the judged transaction, and of that what is kept."""

    def __init__(self, oracle: Oracle, judged: Transaction) -> None:
        windows = kept_windows(oracle.settings.features.windows)
        self.judged = oracle.event(judged)
        self.time = judged.event_time_ms
        self.arrived = oracle.events
        self.all = sorted(oracle.events, key=lambda event: event.time)
        newest = self.all[-1].time if self.all else self.time
        keeping = windows[-1] + oracle.settings.lateness.grace
        self.kept = [event for event in self.all if event.time > newest - keeping]
        self.longest = windows[-1]

    def within(self, length: int) -> list[Event]:
        return [event for event in self.kept[-MOST:] if event.time > self.time - length]

    @property
    def usual(self) -> float:
        paid = [event.winsor for event in self.all if event.is_paid]
        return sum(paid) / len(paid)

    @property
    def paid(self) -> int:
        return sum(event.is_paid for event in self.all)

    def met(self, counterparty: str | None) -> int:
        """When the account first dealt with it, the judged transaction inside."""
        return min(e.time for e in [*self.all, self.judged] if e.transaction.counterparty_id == counterparty)


def is_credit(event: Event) -> bool:
    return event.transaction.direction == "credit"


def size(event: Event) -> float:
    return math.log(event.transaction.amount_minor + 100)


def habit(events: list[Event]) -> float | None:
    sizes = [size(event) for event in events if not is_credit(event)]
    return sum(sizes) / len(sizes) if len(sizes) >= 3 else None


def testing(past: Past) -> float:
    judged = past.judged
    if not is_new(judged) or is_credit(judged) or past.paid < 5:
        return 0.0
    largest = past.usual / 4 + 100
    if judged.transaction.amount_minor > largest:
        return 0.0
    small = [
        event
        for event in past.within(2 * HOUR)
        if not is_credit(event) and event.transaction.amount_minor <= largest
    ]
    met = sum(is_new(event) for event in small)
    declined = sum(event.transaction.status == "declined" for event in [*small, judged])
    smallness = math.log(largest * 4 / (judged.transaction.amount_minor + 1))
    return (met + 0.5 * declined + 0.3 * max(0.0, smallness)) * (met > 0)


def is_new(event: Event) -> bool:
    return event.is_new and event.transaction.counterparty_id is not None


def take_over(past: Past) -> float:
    device = past.judged.transaction.device_id
    if device is None or is_credit(past.judged):
        return 0.0
    events = [*past.all, past.judged]
    since = min(event.time for event in events if event.transaction.device_id == device)
    if past.time - since >= DAY:
        return 0.0
    kept = past.kept[-MOST:]
    usual = habit([event for event in kept if event.time < since])
    if usual is None:
        return 0.0
    paid = sum(
        max(0.0, size(event) - usual)
        for event in [*(event for event in kept if event.time >= since), past.judged]
        if event.transaction.counterparty_id is not None
        and not is_credit(event)
        and past.met(event.transaction.counterparty_id) >= since
    )
    is_new_now = all(event.transaction.device_id != device for event in past.all)
    with_device = [event for event in past.arrived if event.transaction.device_id is not None]
    new = sum(is_new_device(past.arrived, place) for place in range(len(past.arrived)))
    others = 0 if is_new_now else 1
    return paid * max(0.0, math.log10((len(with_device) - others + 2) / (new - others + 1)))


def is_new_device(arrived: list[Event], place: int) -> bool:
    """Whether it was new when it came."""
    event = arrived[place]
    device = event.transaction.device_id
    return device is not None and not any(
        before.transaction.device_id == device and before.time <= event.time for before in arrived[:place]
    )


def dormant(past: Past) -> float:
    if is_credit(past.judged) or not past.all:
        return 0.0
    since = past.within(3 * DAY)
    earlier = past.all[: len(past.all) - len(since)]
    woken = since[0].time if since else past.time
    if not earlier or woken - earlier[-1].time < 7 * DAY:
        return 0.0
    strangers = [event for event in [*since, past.judged] if is_new(event) and not is_credit(event)]
    silence = math.log((woken - earlier[-1].time) / DAY)
    return silence**2 * sum(0.5 + event.weight for event in strangers)


def pass_through(past: Past) -> float:
    if past.judged.transaction.direction != "debit" or past.judged.money == 0 or not past.paid:
        return 0.0
    inside = past.within(DAY)
    strangers = [
        place for place, event in enumerate(inside) if is_credit(event) and is_new(event) and event.money > 0
    ]
    if not strangers:
        return 0.0
    received = sum(inside[place].money for place in strangers)
    gone = sum(
        event.money
        for event in [*inside[strangers[0] :], past.judged]
        if event.transaction.direction == "debit"
        and event.transaction.counterparty_id is not None
        and past.met(event.transaction.counterparty_id) > past.time - DAY
    )
    share = min(1.0, gone / received)
    days = max(7.0, (past.time - past.all[0].time) / DAY)
    usual = math.sqrt((past.usual + 100) * (past.usual * past.paid / days + 100))
    return max(0.0, math.log((share * received + 100) / usual)) * share


def fan_out(past: Past) -> float:
    least = past.usual / 4 if past.paid else 0.0

    def is_counted(event: Event) -> bool:
        is_transfer = not is_credit(event) and event.transaction.latitude is None
        return is_new(event) and is_transfer and event.transaction.amount_minor >= least

    if not is_counted(past.judged) or len(past.all) < 10:
        return 0.0
    met = 1 + sum(is_counted(event) for event in past.within(12 * HOUR))
    if met < 2:
        return 0.0
    longest = [event for event in past.all if event.time > past.time - past.longest]
    before = max(0, sum(is_new(event) for event in longest) - (met - 1))
    days = min(past.time - past.all[0].time, past.longest) / DAY
    expected = (before + 2) / (days + 4) / 2
    return max(0.0, (met * math.log(met / expected) - (met - expected)) / math.log(10)) * (met > expected)


def burst(past: Past) -> float:
    def is_stranger(event: Event) -> bool:
        return is_new(event) and not is_credit(event)

    inside = past.within(36 * HOUR)
    latest = past.kept[-MOST:]
    usual = habit(latest[: len(latest) - len(inside)])
    if usual is None or not is_stranger(past.judged):
        return 0.0
    strangers = [event for event in [*inside, past.judged] if is_stranger(event)]
    large = [event for event in strangers if event.weight > 0.5]
    above = [size(event) - usual - 0.75 for event in strangers]
    if (
        len(large) < 3
        or large[-1] is not past.judged
        or above[-1] <= 0
        or sum(each > 0 for each in above) < 3
    ):
        return 0.0
    return max(0.0, sum(min(max(each, -0.5), 1.0) for each in above))


def slow_ramp(past: Past) -> float:
    judged = past.judged
    counterparty = judged.transaction.counterparty_id
    if counterparty is None or is_new(judged) or is_credit(judged) or not judged.is_paid:
        return 0.0
    if past.met(counterparty) <= past.time - 30 * DAY:
        return 0.0
    latest = [event for event in past.kept if event.transaction.counterparty_id == counterparty][-15:]
    payments = [
        event
        for event in latest
        if event.is_paid and not is_credit(event) and event.time > past.time - 30 * DAY
    ]
    if len(payments) < 3:
        return 0.0
    y = [math.log(event.transaction.amount_minor + 100) for event in [*payments, judged]]
    x = [(event.time - past.time) / DAY for event in [*payments, judged]]
    mean_x, mean_y = sum(x) / len(y), sum(y) / len(y)
    xy = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    xx = sum((a - mean_x) ** 2 for a in x)
    if xy <= 0 or xx <= 0:
        return 0.0
    left = max(0.0, sum((b - mean_y) ** 2 for b in y) - xy**2 / xx)
    surely = 0.5 * (len(y) - 1) * math.log1p(xy**2 / xx / (left + 0.2))
    return surely * min(1.0, (past.time - past.met(counterparty)) / DAY / 15)


COMPOSITES: tuple[Callable[[Past], float], ...] = (
    testing,
    take_over,
    dormant,
    pass_through,
    fan_out,
    burst,
    slow_ramp,
)


def composites(oracle: Oracle, judged: Transaction) -> list[float]:
    """By `LANES`; none of a transaction that is not in order."""
    if any(event.time > judged.event_time_ms for event in oracle.events):
        return [0.0] * len(COMPOSITES)
    past = Past(oracle, judged)
    return [composite(past) for composite in COMPOSITES]
