"""The composites of the lanes that `features.more_lanes` adds, told slowly, as those of `lanes_oracle`."""

import math
from collections.abc import Callable
from itertools import pairwise

from lanes_oracle import MOST, Past, is_credit, is_new
from oracle import DAY, HOUR, Event, Oracle, arc

from fraudwatch.records import Transaction


def pace(past: Past, is_one: Callable[[Event], bool], length: int, prior_days: float) -> float:
    """How improbable so many within a length are, the judged one inside, given those before it."""
    seen = past.kept[-MOST:]
    inside = 1 + sum(is_one(event) for event in seen if event.time > past.time - length)
    before = sum(is_one(event) for event in seen if event.time <= past.time - length)
    if inside < 3:
        return 0.0
    days = max(0, past.time - length - (seen[0].time if seen else past.time)) / DAY
    expected = (before + 1) / (days + prior_days) * length / DAY
    if inside <= expected:
        return 0.0
    return (inside * math.log(inside / expected) - inside + expected) / math.log(10)


def structuring(past: Past) -> float:
    judged = past.judged
    thresholds = [t for t in (100_000, 300_000, 1_000_000) if 0.8 * t <= judged.money < t]
    if not thresholds:
        return 0.0

    def is_one(event: Event) -> bool:
        is_under = 0.8 * thresholds[0] <= event.money < thresholds[0]
        return is_under and is_credit(event) == is_credit(judged)

    return pace(past, is_one, 10 * DAY, 20.0)


def young_mule(past: Past) -> float:
    if past.judged.transaction.direction != "debit" or past.judged.money == 0 or not past.paid:
        return 0.0
    age = past.time - past.all[0].time
    inside = past.within(2 * DAY)
    strangers = [
        place for place, event in enumerate(inside) if is_credit(event) and is_new(event) and event.money > 0
    ]
    if age >= 60 * DAY or not strangers:
        return 0.0
    received = sum(inside[place].money for place in strangers)
    later = [*inside[strangers[0] :], past.judged]
    gone = sum(event.money for event in later if event.transaction.direction == "debit")
    share = min(1.0, gone / received)
    size = math.log((share * received + 100) / (past.usual + 100))
    return max(0.0, size) * share * (1 - age / (60 * DAY))


def fan_in(past: Past) -> float:
    def is_one(event: Event) -> bool:
        return is_credit(event) and is_new(event) and event.is_paid

    return pace(past, is_one, 2 * DAY, 20.0) if is_one(past.judged) else 0.0


def round_amounts(past: Past) -> float:
    def is_round(event: Event) -> bool:
        is_transfer = not is_credit(event) and event.transaction.latitude is None
        return is_transfer and event.money > 0 and event.money % 5_000 == 0

    def is_one(event: Event) -> bool:
        if not is_round(event):
            return False
        if event.time <= past.time - 15 * DAY:
            return True
        other = event.transaction.counterparty_id
        return other is not None and past.met(other) > past.time - 15 * DAY

    return pace(past, is_one, 15 * DAY, 10.0) if is_one(past.judged) else 0.0


def impossible_travel(past: Past) -> float:
    if past.judged.transaction.latitude is None:
        return 0.0
    seen = [event for event in past.kept[-MOST:] if event.transaction.latitude is not None]
    before = [event for event in past.all if event.transaction.latitude is not None][-1:]
    legs = [*([] if seen else [(event, past.judged) for event in before]), *pairwise([*seen, past.judged])]
    if not legs or not impossible(*legs[-1]):
        return 0.0
    return sum(impossible(one, other) for one, other in legs if other.time > past.time - DAY)


def impossible(one: Event, other: Event) -> float:
    way = arc(one.transaction, other.transaction)
    speed = way / (max(other.time - one.time, 60_000) / HOUR)
    return 0.5 + min(2.0, math.log(speed / 500)) if way >= 100 and speed > 500 else 0.0


def unusual_hours(past: Past) -> float:
    inside = [event for event in past.kept[-MOST:][-24:] if event.time > past.time - 36 * HOUR]
    before = [event for event in past.all if not any(event is other for other in inside)]
    hours = [hour_of(event) for event in before]

    def rarity(event: Event) -> float:
        near = [(hour_of(event) + step) % 24 for step in (-1, 0, 1)]
        own = sum(hour in near for hour in hours)
        return max(0.0, -math.log10((own + 10 / 8) / (len(hours) + 10)) - 1.2)

    return sum(map(rarity, [*inside, past.judged])) if rarity(past.judged) else 0.0


def hour_of(event: Event) -> int:
    """UTC, as the settings of these tests have it."""
    return event.time // HOUR % 24


MORE_COMPOSITES: tuple[Callable[[Past], float], ...] = (
    structuring,
    young_mule,
    fan_in,
    round_amounts,
    impossible_travel,
    unusual_hours,
)


def more_composites(oracle: Oracle, judged: Transaction) -> list[float]:
    """By `MORE_LANES`; none of a transaction that is not in order."""
    if any(event.time > judged.event_time_ms for event in oracle.events):
        return [0.0] * len(MORE_COMPOSITES)
    past = Past(oracle, judged)
    return [composite(past) for composite in MORE_COMPOSITES]
