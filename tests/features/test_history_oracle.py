"""Every column of the history equals a brute-force recomputation over everything that has arrived."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Features, Lateness, Settings
from fraudwatch.features.columns import Aggregate, Column, kept_windows, window_column
from fraudwatch.features.history import History
from fraudwatch.records import Outcome, Transaction

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_522_540_800_000


@dataclass
class Event:
    time: int
    amount: int
    counterparty: str | None
    winsor: int
    weight: float


@dataclass
class Oracle:
    """One account, told slowly: keeps everything for ever and recomputes each value from the definition."""

    settings: Settings
    events: list[Event] = field(default_factory=list)

    def judge(self, transaction: Transaction) -> tuple[bool, dict[str, float]]:
        now, amount = transaction.event_time_ms, transaction.amount_minor
        before = [event for event in self.events if event.time <= now]
        values = self._own(before, now, amount) | self._windows(before, now, amount)
        if transaction.counterparty_id is not None and before:
            met = any(event.counterparty == transaction.counterparty_id for event in before)
            values["NEW_COUNTERPARTY"] = float(not met)
        zone = ZoneInfo(self.settings.features.zone)
        values["HOUR"] = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone).hour
        return self.remember(transaction), values

    def remember(self, transaction: Transaction) -> bool:
        """True when the transaction is too late to be remembered."""
        now, amount = transaction.event_time_ms, transaction.amount_minor
        if now < max((event.time for event in self.events), default=now) - self.settings.lateness.grace:
            return True
        before = [event.winsor for event in self.events if event.time <= now]
        winsor, weight = amount, 0.0
        if len(before) >= 5:
            winsor = min(amount, 5 * sum(before) // len(before) + 1000)
            weight = max(0.0, math.log((amount + 100) / (sum(before) / len(before) + 100)))
        self.events.append(Event(now, amount, transaction.counterparty_id, winsor, weight))
        return False

    def _own(self, before: list[Event], now: int, amount: int) -> dict[str, float]:
        values = {
            "AMOUNT": amount,
            "OWN_COUNT": len(before),
            "OWN_SUM": sum(event.winsor for event in before),
            "PRESSURE": sum(event.weight * 2 ** (-(now - event.time) / (2 * DAY)) for event in before),
            "PRIOR_COUNT_24H": sum(event.time > now - DAY for event in before),
            "PRIOR_SUM_24H": sum(event.amount for event in before if event.time > now - DAY),
        }
        if before:
            values["OWN_STD"] = spread([event.winsor for event in before])
            values["OWN_MAX"] = max(event.amount for event in before)
            values["AGE"] = now - min(event.time for event in before)
            values["GAP"] = now - max(event.time for event in before)
        return values

    def _windows(self, before: list[Event], now: int, amount: int) -> dict[str, float]:
        values: dict[str, float] = {}
        for index, window in enumerate(kept_windows(self.settings.features.windows)):
            inside = [event.amount for event in before if event.time > now - window] + [amount]
            values[f"{index}:COUNT"] = len(inside)
            values[f"{index}:SUM"] = sum(inside)
            values[f"{index}:MEAN"] = sum(inside) / len(inside)
            values[f"{index}:STD"] = spread(inside)
            values[f"{index}:MAX"] = max(inside)
        return values


def spread(values: list[int]) -> float:
    """Population standard deviation in exact fractions, rounded once."""
    return math.sqrt(Fraction(len(values) * sum(v * v for v in values) - sum(values) ** 2, len(values) ** 2))


def column(name: str) -> int:
    if ":" in name:
        index, aggregate = name.split(":")
        return window_column(int(index), Aggregate[aggregate])
    return Column[name]


def make(index: int, account: str, time: int, amount: int, counterparty: str | None = None) -> Transaction:
    return Transaction(
        transaction_id=f"t{index}",
        account_id=account,
        event_time_ms=time,
        amount_minor=amount,
        currency="EUR",
        counterparty_id=counterparty,
    )


def assert_equal_to_oracle(configured: Settings, stream: list[Transaction], cuts: list[int]) -> None:
    history, oracles = History(configured), {}
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    for begin, end in pairwise(edges):
        batch = stream[begin:end]
        observed = history.fold(batch)
        for row, transaction in enumerate(batch):
            oracle = oracles.setdefault(transaction.account_id, Oracle(configured))
            is_late, expected = oracle.judge(transaction)
            assert (observed.outcome[row] == Outcome.LATE.value) == is_late
            scale = 1e-9 * (1 + transaction.amount_minor + sum(event.amount for event in oracle.events))
            for name in [*Column.__members__, *(name for name in expected if ":" in name)]:
                found, wanted = observed.columns[row, column(name)], expected.get(name, math.nan)
                if is_late and math.isnan(found):
                    continue  # a late transaction may ask for history already let go of, and says so
                assert math.isnan(found) == math.isnan(wanted), (name, row, found, wanted)
                assert math.isnan(found) or abs(found - wanted) <= scale, (name, row, found, wanted)


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


@st.composite
def streams(draw: st.DrawFn) -> list[Transaction]:
    accounts = draw(st.integers(1, 3))
    now, stream = START, []
    for index in range(draw(st.integers(1, 60))):
        now = max(START, now + draw(gaps))
        account = f"a{draw(st.integers(0, accounts - 1))}"
        counterparty = draw(st.sampled_from([None, "x", "y", "z"]))
        stream.append(make(index, account, now, draw(amounts), counterparty))
    return stream


@settings(max_examples=300, deadline=None)
@given(streams(), st.lists(st.integers(0, 60), max_size=6), st.sampled_from(["UTC", "Europe/Paris"]))
def test_columns_equal_a_recomputation_however_the_stream_is_cut(
    stream: list[Transaction], cuts: list[int], zone: str
) -> None:
    assert_equal_to_oracle(Settings(features=Features(zone=zone)), stream, cuts)


@settings(max_examples=60, deadline=None)
@given(streams(), st.lists(st.integers(1, 3_000_000_000), min_size=1, max_size=5, unique=True))
def test_columns_equal_a_recomputation_for_any_windows(stream: list[Transaction], windows: list[int]) -> None:
    lengths = tuple(Duration(length) for length in sorted(windows))
    configured = Settings(
        features=Features(windows=lengths), lateness=Lateness(grace=Duration(min(HOUR, windows[0])))
    )
    assert_equal_to_oracle(configured, stream, [])


def test_ten_thousand_transactions_on_one_account_stay_exact() -> None:
    random = np.random.default_rng(7)
    now, stream = START, []
    for index in range(10_000):
        now += int(random.exponential(10 * MINUTE))
        late = int(random.integers(0, HOUR)) if random.random() < 0.05 else 0
        stream.append(make(index, "one", now - late, int(random.lognormal(8, 2)), f"c{random.integers(300)}"))
    history = History(Settings())
    observed = history.fold(stream)
    oracle = Oracle(Settings())
    for index, transaction in enumerate(stream):
        if index % 97 == 0 or index > 9_980:
            _, expected = oracle.judge(transaction)
            scale = 1e-9 * sum(event.amount for event in oracle.events)
            for name, wanted in expected.items():
                found = observed.columns[index, column(name)]
                assert abs(found - wanted) <= scale, (name, index)
        else:
            oracle.remember(transaction)


@pytest.mark.parametrize("cut", [1, 7, 500])
def test_columns_are_the_same_to_the_bit_however_the_stream_is_cut(cut: int) -> None:
    random = np.random.default_rng(3)
    stream = [
        make(
            i, f"a{random.integers(40)}", START + 60_000 * i - int(random.integers(0, 2 * HOUR)), int(amount)
        )
        for i, amount in enumerate(random.lognormal(7, 1.5, 3_000))
    ]
    whole = History(Settings()).fold(stream)
    pieces = History(Settings())
    parts = [pieces.fold(stream[begin : begin + cut]) for begin in range(0, len(stream), cut)]
    assert np.concatenate([part.columns for part in parts]).tobytes() == whole.columns.tobytes()
    assert np.concatenate([part.outcome for part in parts]).tobytes() == whole.outcome.tobytes()


@pytest.mark.parametrize("quiet_days", [35, 45, 130, 365 * 29])
def test_a_transaction_years_late_has_no_pressure_made_of_rounding_errors(quiet_days: int) -> None:
    for seed in range(20):
        amounts_since = np.random.default_rng(seed).lognormal(6, 2, 30)
        begin = START + quiet_days * DAY
        stream = [make(0, "one", START, 500)]
        stream += [make(1 + i, "one", begin + 7 * i * MINUTE, int(a)) for i, a in enumerate(amounts_since)]
        stream.append(make(99, "one", START + DAY, 700))
        assert_equal_to_oracle(Settings(), stream, [])
