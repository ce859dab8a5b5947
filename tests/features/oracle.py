"""One account, told slowly: the definition of every column, and streams to try it on."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from by_columns import columns_of
from hypothesis import strategies as st

from fraudwatch.config.settings import Settings
from fraudwatch.features import History, Observations
from fraudwatch.features.columns import Aggregate, Column, kept_windows, window_column
from fraudwatch.records import Outcome, Transaction

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_522_540_800_000 - 30 * 60_000
"""Half an hour before April 2018 in UTC, an hour and a half into it in Paris."""


@dataclass
class Event:
    transaction: Transaction
    winsor: int
    weight: float
    is_new: bool

    @property
    def time(self) -> int:
        return self.transaction.event_time_ms

    @property
    def is_paid(self) -> bool:
        return self.transaction.status not in ("declined", "reversed")

    @property
    def money(self) -> int:
        return self.transaction.amount_minor if self.is_paid else 0


@dataclass
class Oracle:
    """One account, told slowly: keeps everything for ever and recomputes each value from the definition."""

    settings: Settings
    whole_from: float = -math.inf
    """Of an account that was let go of and returned: from when on its history is whole again."""
    events: list[Event] = field(default_factory=list)

    def judge(self, transaction: Transaction) -> tuple[bool, dict[str, float]]:
        now = transaction.event_time_ms
        before = sorted((event for event in self.events if event.time <= now), key=lambda event: event.time)
        judged = self.event(transaction)
        values = (
            self._own(before, judged)
            | self._habits(before, judged)
            | self._place(before, judged)
            | self._windows(before, judged)
        )
        if cohort := int(columns_of([transaction]).cohorts[0]):  # tests/decode says what is one
            values["COHORT"] = cohort
        is_known = transaction.counterparty_id in counterparties(before)
        if transaction.counterparty_id is not None and before and (is_known or now >= self.whole_from):
            values["NEW_COUNTERPARTY"] = float(not is_known)
        if now < self.whole_from:
            for name in ("AGE", "MONTH_COUNT", "MONTH_SUM", "PRIOR_NEW_24H"):
                values.pop(name, None)
        return self.remember(transaction), values

    def event(self, transaction: Transaction) -> Event:
        """The transaction as it is when it comes."""
        before = [event for event in self.events if event.time <= transaction.event_time_ms]
        paid = [event.winsor for event in before if event.is_paid]
        is_unmet = transaction.counterparty_id not in counterparties(before)
        event = Event(transaction, 0, 0.0, is_unmet and transaction.event_time_ms >= self.whole_from)
        if event.is_paid:
            event.winsor = event.money
            if len(paid) >= 5:
                event.winsor = min(event.money, 5 * sum(paid) // len(paid) + 1000)
                ratio = (event.money + 100) / (sum(paid) / len(paid) + 100)
                event.weight = float(np.float32(max(0.0, math.log(ratio))))
        return event

    def remember(self, transaction: Transaction) -> bool:
        """True when the transaction is too late to be remembered."""
        newest = max((event.time for event in self.events), default=transaction.event_time_ms)
        if transaction.event_time_ms < newest - self.settings.lateness.grace:
            return True
        self.events.append(self.event(transaction))
        return False

    def _own(self, before: list[Event], judged: Event) -> dict[str, float]:
        now = judged.time
        paid = [event for event in before if event.is_paid]
        day = [event for event in before if event.time > now - DAY]
        known = [event for event in day if event.transaction.counterparty_id is not None]
        values = {
            "AMOUNT": judged.transaction.amount_minor,
            "OWN_COUNT": len(before),
            "OWN_PAID": len(paid),
            "OWN_SUM": sum(event.winsor for event in paid),
            "PRESSURE": sum(event.weight * 2 ** (-(now - event.time) / (2 * DAY)) for event in before),
            "PRIOR_COUNT_24H": len(day),
            "PRIOR_SUM_24H": sum(event.money for event in day),
            "PRIOR_KNOWN_24H": len(known),
            "PRIOR_NEW_24H": sum(event.is_new for event in known),
        }
        if judged.is_paid:
            values["MONEY"] = judged.money
        if paid:
            values["OWN_STD"] = spread([event.winsor for event in paid])
            values["OWN_MAX"] = max(event.money for event in paid)
        if before:
            values["AGE"] = now - before[0].time
            values["GAP"] = now - before[-1].time
        return values

    def _habits(self, before: list[Event], judged: Event) -> dict[str, float]:
        here = self._local(judged)
        month = [event for event in before if self._month(event) == self._month(judged)]
        return {
            "HOUR": here.hour,
            "WEEKDAY": here.weekday(),
            "OWN_HOUR": sum(self._local(event).hour == here.hour for event in before),
            "OWN_WEEKDAY": sum(self._local(event).weekday() == here.weekday() for event in before),
            "MONTH_COUNT": len(month) + 1,
            "MONTH_SUM": sum(event.money for event in month) + judged.money,
        }

    def _local(self, event: Event) -> datetime:
        zone = ZoneInfo(self.settings.features.zone)
        return datetime.fromtimestamp(event.time / 1000, UTC).astimezone(zone)

    def _month(self, event: Event) -> tuple[int, int]:
        return self._local(event).year, self._local(event).month

    def _place(self, before: list[Event], judged: Event) -> dict[str, float]:
        placed = [event for event in before if event.transaction.latitude is not None]
        if not placed or judged.transaction.latitude is None:
            return {}
        return {
            "PLACE_DISTANCE": arc(placed[-1].transaction, judged.transaction),
            "PLACE_GAP": judged.time - placed[-1].time,
        }

    def _windows(self, before: list[Event], judged: Event) -> dict[str, float]:
        values: dict[str, float] = {}
        for index, window in enumerate(kept_windows(self.settings.features.windows)):
            inside = [event for event in before if event.time > judged.time - window] + [judged]
            paid = [event.money for event in inside if event.is_paid]
            known = [event for event in inside if event.transaction.counterparty_id is not None]
            values[f"{index}:COUNT"] = len(inside)
            values[f"{index}:SUM"] = sum(paid)
            if paid:
                values[f"{index}:MEAN"] = sum(paid) / len(paid)
                values[f"{index}:STD"] = spread(paid)
                values[f"{index}:MAX"] = max(paid)
            for name, direction in (("INFLOW", "credit"), ("OUTFLOW", "debit")):
                values[f"{index}:{name}"] = sum(
                    event.money for event in inside if event.transaction.direction == direction
                )
            for name in ("DECLINED", "REVERSED"):
                values[f"{index}:{name}"] = sum(event.transaction.status == name.lower() for event in inside)
            values[f"{index}:COUNTERPARTIES"] = len(counterparties(inside))
            if known:
                values[f"{index}:NEW_SHARE"] = sum(event.is_new for event in known) / len(known)
        return values


def counterparties(events: list[Event]) -> set[str]:
    return {
        event.transaction.counterparty_id for event in events if event.transaction.counterparty_id is not None
    }


def arc(one: Transaction, other: Transaction) -> float:
    """Kilometres along the great circle, from the chord between two points in space."""

    def point(transaction: Transaction) -> tuple[float, float, float]:
        latitude, longitude = (
            math.radians(round(degrees, 6)) for degrees in (transaction.latitude, transaction.longitude)
        )
        flat = math.cos(latitude)
        return flat * math.cos(longitude), flat * math.sin(longitude), math.sin(latitude)

    chord = math.dist(point(one), point(other))
    return 2 * 6371.0088 * math.asin(min(1.0, chord / 2))


def spread(values: list[int]) -> float:
    """Population standard deviation in exact fractions, rounded once."""
    return math.sqrt(Fraction(len(values) * sum(v * v for v in values) - sum(values) ** 2, len(values) ** 2))


def column(name: str) -> int:
    if ":" in name:
        index, aggregate = name.split(":")
        return window_column(int(index), Aggregate[aggregate])
    return Column[name]


def slack(name: str, moved: int) -> float:
    """How far a column may be off: counts, sums, maxima, means and times not at all."""
    if name.endswith("STD"):
        return 1e-9 * moved
    return {"PRESSURE": 1e-9, "PLACE_DISTANCE": 1e-6}.get(name, 0.0)


def make(index: int, account: str, time: int, amount: int, **fields: Any) -> Transaction:
    return Transaction(
        transaction_id=f"t{index}",
        account_id=account,
        event_time_ms=time,
        amount_minor=amount,
        currency="EUR",
        **fields,
    )


def assert_equal_to_oracle(configured: Settings, stream: list[Transaction], cuts: list[int]) -> None:
    history, oracles = History(configured, described=True), {}
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for begin, end in pairwise(edges):
        batch = stream[begin:end]
        observed = history.fold(columns_of(batch))
        for row, transaction in enumerate(batch):
            oracle = oracles.setdefault(transaction.account_id, Oracle(configured))
            assert_row_equals(oracle, transaction, observed, row)


def assert_row_equals(oracle: Oracle, transaction: Transaction, observed: Observations, row: int) -> None:
    """What the history says of a transaction is what its account's oracle says, which then remembers it."""
    is_late, expected = oracle.judge(transaction)
    assert (observed.outcome[row] == Outcome.LATE.value) == is_late
    moved = sum(event.money for event in oracle.events) + transaction.amount_minor
    for name in [*Column.__members__, *(name for name in expected if ":" in name)]:
        found, wanted = observed.columns[row, column(name)], expected.get(name, math.nan)
        if is_late and math.isnan(found):
            continue  # a late transaction may ask for history already let go of, and says so
        assert math.isnan(found) == math.isnan(wanted), (name, row, found, wanted)
        assert math.isnan(found) or abs(found - wanted) <= slack(name, moved), (name, row, found, wanted)


gaps = st.one_of(
    st.just(0),
    st.integers(1, 30 * MINUTE),
    st.sampled_from([HOUR, DAY, 7 * DAY, HOUR - 1, DAY + 1]),
    st.integers(DAY, 20 * DAY),
    st.integers(-HOUR, 0),
    st.integers(-3 * HOUR, -HOUR),
    st.integers(-40 * DAY, -DAY),
)
amounts = st.one_of(st.just(0), st.integers(1, 10_000), st.integers(10**11, 10**12), st.just(2_500))


places = st.sampled_from(
    [
        (48.8566, 2.3522),
        (-41.2865, 174.7762),
        (0.0, 0.0),
        (1e-6, 0.0),
        (0.0, 180.0),
        (90.0, 5.0),
        (40.4, -3.7),
    ]
)
optional_fields = st.fixed_dictionaries(
    {
        "counterparty_id": st.sampled_from([None, "x", "y", "z", "x"]),
        "direction": st.sampled_from([None, "credit", "debit"]),
        "status": st.sampled_from([None, None, "approved", "declined", "reversed"]),
    },
    optional={"place": places},
).map(lambda drawn: drawn | dict(zip(("latitude", "longitude"), drawn.pop("place", ()), strict=False)))


@st.composite
def streams(draw: st.DrawFn, accounts: int = 3) -> list[Transaction]:
    accounts = draw(st.integers(1, accounts))
    now, stream = START, []
    for index in range(draw(st.integers(1, 60))):
        now = max(START, now + draw(gaps))
        account = f"a{draw(st.integers(0, accounts - 1))}"
        stream.append(make(index, account, now, draw(amounts), **draw(optional_fields)))
    return stream
