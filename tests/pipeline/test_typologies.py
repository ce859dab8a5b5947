"""Each row of the catalogue of typologies, injected into a quiet account, is the first reason of an alert.

One simulated stream without any case, a model of its first weeks, and beside it an account for each row that does the
same every day until its case begins. All lanes are on.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest

from fraudwatch.alerts import Alert
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Alerts, Detection, Features, Settings, Training
from fraudwatch.features import LANES, MORE_LANES
from fraudwatch.pipeline import Pipeline, train
from fraudwatch.records import NO_TIMESTAMP, Chunk, Record
from fraudwatch.simulate import Plan, rows

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_709_251_200_000
"""2024-03-01."""
SKIPPED_DAYS, TRAINED_DAYS, DAYS = 45, 68, 92
"""A model that is fitted on the first days of a log takes every account for a young one."""
SETTINGS = Settings(
    alerts=Alerts(alerts_per_day=6, explore=0.0),
    training=Training(min_transactions=2_000, min_span=Duration(7 * DAY), skip=Duration(SKIPPED_DAYS * DAY)),
    detection=Detection(detectors=()),
    features=Features(more_lanes=tuple(lane.name for lane in MORE_LANES)),  # type: ignore[misc]
)
IN_TOWN = {"latitude": 48.85, "longitude": 2.35}
FAR = ({"latitude": 40.7, "longitude": -74.0}, {"latitude": -33.9, "longitude": 151.2})
Payment = dict[str, Any]


class Row(NamedTuple):
    """Of the catalogue: what the case is, from a moment on, and the account it befalls: its usual payment, the days
    before the case on which it is quiet. `codes` are those of the features that tell this typology."""

    case: Callable[[int], list[Payment]]
    habit: float = 20.0
    quiet_days: range = range(40, 0, -1)
    codes: frozenset[str] = frozenset()


def paid(at_ms: int, amount: float, counterparty: str, **fields: str | float) -> Payment:
    told = {"at_ms": at_ms, "amount": round(amount, 2), "counterparty_id": counterparty, "direction": "debit"}
    return told | fields


def received(at_ms: int, amount: float, counterparty: str) -> Payment:
    return paid(at_ms, amount, counterparty, direction="credit")


def large_amount(at: int) -> list[Payment]:
    return [paid(at, 9_312.5, "shop1", device_id="mine")]


def burst(at: int) -> list[Payment]:
    return [paid(at + i * 4 * HOUR, 140.0 + 9 * i, f"new{i}", device_id="mine", **IN_TOWN) for i in range(9)]


def structuring(at: int) -> list[Payment]:
    return [received(at + i * DAY, 912.0 + 11 * i, "machine") for i in range(7)]


def pass_through(at: int) -> list[Payment]:
    comes = [received(at + i * HOUR, 900.0 + i, f"stranger{i}") for i in range(2)]
    return [*comes, paid(at + 6 * HOUR, 1_700.0, "taker", device_id="mine")]


def fan_in(at: int) -> list[Payment]:
    return [received(at + i * 2 * HOUR, 30.0, f"payer{i}") for i in range(12)]


def fan_out(at: int) -> list[Payment]:
    return [paid(at + i * 20 * MINUTE, 22.0 + i, f"payee{i}", device_id="mine") for i in range(12)]


def dormant(at: int) -> list[Payment]:
    return [paid(at + i * 9 * HOUR, 55.0 + i, f"payee{i}") for i in range(5)]


def round_amounts(at: int) -> list[Payment]:
    return [paid(at + i * DAY, 50.0, f"taker{i % 2}", device_id="mine") for i in range(11)]


def card_testing(at: int) -> list[Payment]:
    return [paid(at + i * 3 * MINUTE, 1.5 + i / 10, f"online{i}") for i in range(7)]


def take_over(at: int) -> list[Payment]:
    return [paid(at + i * 40 * MINUTE, 120.0 + i, "taker", device_id="theirs") for i in range(4)]


def impossible_travel(at: int) -> list[Payment]:
    return [paid(at + i * HOUR, 21.0 + i, f"far{i}", **FAR[i % 2]) for i in range(5)]


def unusual_hours(at: int) -> list[Payment]:
    return [
        paid(at - 8 * HOUR + i * 20 * MINUTE, 21.0 + i, f"shop{i % 5}", device_id="mine") for i in range(8)
    ]


ROWS: dict[str, Row] = {
    "VEL": Row(burst),
    "FRAC": Row(structuring, habit=500.0),
    "PASS": Row(pass_through, habit=500.0),
    "MULE": Row(pass_through, habit=500.0, quiet_days=range(12, 0, -1)),
    "FANIN": Row(fan_in),
    "FANOUT": Row(fan_out),
    "DORM": Row(dormant, quiet_days=range(46, 34, -1)),
    "ROUND": Row(round_amounts),
    "CTEST": Row(card_testing),
    "ATO": Row(take_over),
    "GEO": Row(impossible_travel),
    "NIGHT": Row(unusual_hours),
    "AMT": Row(large_amount, codes=frozenset({"AMT_SIZE", "AMT_OWN"})),
}
"""CPTY, the last row, is none of an account's history: it exists where verdicts do."""


def case_begins(row: str) -> int:
    """Noon of a day of its own each, that no day's ceiling cuts."""
    return START + (TRAINED_DAYS + 3 + list(ROWS).index(row)) * DAY + 12 * HOUR


def quiet(row: str) -> Iterator[Payment]:
    """Two payments a day to one of five shops in town, from one device, by day."""
    random = np.random.default_rng(2)
    for day in ROWS[row].quiet_days:
        for hour in (9, 16):
            at = case_begins(row) - day * DAY + (hour - 12 + int(random.integers(0, 3))) * HOUR
            amount = ROWS[row].habit * (1 + day % 3 / 10) + 0.3
            yield paid(at, amount, f"shop{random.integers(5)}", device_id="mine", **IN_TOWN)


def told(row: str, number: int, payment: Payment) -> bytes:
    fields = {name: value for name, value in payment.items() if name != "at_ms"}
    at = datetime.fromtimestamp(payment["at_ms"] / 1000, UTC).isoformat()
    is_case = number >= 2 * len(ROWS[row].quiet_days)
    fields |= {"transaction_id": f"{row}{'!' * is_case}{number}", "account_id": row, "event_time": at}
    return msgspec.json.encode(fields | {"currency": "EUR"})


def whole_stream() -> list[bytes]:
    """Everything in order of event time."""
    plan = Plan(accounts=200, days=DAYS, seed=3, start=date(2024, 3, 1), cases_per_day=0.0)
    found = [(msgspec.json.decode(row)["event_time"][:19], row) for row in rows(plan)]
    for row, (case, *_) in ROWS.items():
        payments = [*quiet(row), *case(case_begins(row))]
        for number, payment in enumerate(payments):
            at = datetime.fromtimestamp(payment["at_ms"] / 1000, UTC).isoformat()[:19]
            found.append((at, told(row, number, payment)))
    return [value for _, value in sorted(found, key=lambda each: each[0])]


@pytest.fixture(scope="module")
def opened() -> dict[str, Alert]:
    """By row the first alert that its case opened."""
    values = whole_stream()
    records = [Record("t", 0, offset, NO_TIMESTAMP, None, value) for offset, value in enumerate(values)]
    begin = datetime.fromtimestamp((START + TRAINED_DAYS * DAY) / 1000, UTC).isoformat()[:19]
    first = next(
        i for i, value in enumerate(values) if msgspec.json.decode(value)["event_time"][:19] >= begin
    )
    pipeline = Pipeline(SETTINGS)
    pipeline.fold(Chunk.of(records[:first]))
    pipeline.use(train(SETTINGS, pipeline.training))
    found: dict[str, Alert] = {}
    for alert in pipeline.fold(Chunk.of(records[first:])).alerts:
        if "!" in alert.episode.transactions[0].transaction_id:
            found.setdefault(alert.entity.account_id, alert)
    return found


@pytest.mark.parametrize("row", ROWS)
def test_a_typology_injected_into_a_quiet_account_is_the_first_reason_of_an_alert(
    opened: dict[str, Alert], row: str
) -> None:
    assert row in opened, "its case raised nothing"
    first = opened[row].reasons[0]
    assert first.code in (ROWS[row].codes or {row}), [reason.code for reason in opened[row].reasons]
    for text in (first.sentence.en, first.sentence.fr, first.innocent.en, first.innocent.fr):
        assert text.endswith(".")
    assert first.sentence.en != first.sentence.fr


def test_a_saved_state_keeps_what_added_lanes_were_told(stream: list[Record]) -> None:
    settings = msgspec.structs.replace(SETTINGS, training=Training())
    pipeline = Pipeline(settings)
    pipeline.fold(Chunk.of(stream[:6_000]))
    again, loaded = Pipeline.of(settings, pipeline.state())
    assert loaded.anew == {}
    assert again.training.maxima().tobytes() == pipeline.training.maxima().tobytes()
    assert again.training.maxima()[:, len(LANES) :].any(axis=0).sum() >= 5
