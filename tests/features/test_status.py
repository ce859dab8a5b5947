"""Declined transactions count in counts and not in money; reversals are counted, not subtracted."""

import math

import pytest
from by_columns import columns_of

from fraudwatch.config.settings import Settings
from fraudwatch.features import Catalogue, History
from fraudwatch.features.columns import DAY, Aggregate, Column, kept_windows, window_column
from fraudwatch.records import FloatArray, Transaction

HOUR = 3_600_000
FIELDS = frozenset({"counterparty_id", "direction", "status"})


def stream(*statuses: str | None, amount: int = 1_000) -> list[Transaction]:
    """One transaction an hour, the last of five times the amount."""
    return [
        Transaction(
            transaction_id=f"t{index}",
            account_id="a",
            event_time_ms=1_530_000_000_000 + index * HOUR,
            amount_minor=amount if index < len(statuses) - 1 else 5 * amount,
            currency="EUR",
            direction="debit",
            status=status,
        )
        for index, status in enumerate(statuses)
    ]


def last(*statuses: str | None) -> FloatArray:
    return History(Settings(), described=True).fold(columns_of(stream(*statuses))).columns[-1]


def day(aggregate: Aggregate) -> int:
    return window_column(kept_windows(Settings().features.windows).index(DAY), aggregate)


@pytest.mark.parametrize("status", ["declined", "reversed"])
def test_what_moved_no_money_counts_and_adds_nothing(status: str) -> None:
    row = last("approved", status, status, "approved")
    assert row[day(Aggregate.COUNT)] == 4
    assert row[day(Aggregate.SUM)] == row[day(Aggregate.OUTFLOW)] == row[Column.MONTH_SUM] == 6_000
    assert row[Column.PRIOR_COUNT_24H] == row[Column.OWN_COUNT] == 3
    assert row[Column.PRIOR_SUM_24H] == row[Column.OWN_SUM] == 1_000
    assert row[Column.GAP] == HOUR
    assert row[day(Aggregate[status.upper()])] == 2


@pytest.mark.parametrize("status", ["declined", "reversed"])
def test_means_deviations_and_maxima_are_of_the_amounts_that_moved(status: str) -> None:
    row = last("approved", status, "approved", status)
    assert row[day(Aggregate.MEAN)] == row[day(Aggregate.MAX)] == row[Column.OWN_MAX] == 1_000
    assert row[day(Aggregate.STD)] == row[Column.OWN_STD] == 0
    assert row[Column.OWN_PAID] == 2


def test_declines_do_not_make_the_next_amount_look_large() -> None:
    catalogue = Catalogue(Settings(), FIELDS)
    calm = History(Settings(), described=True).fold(columns_of(stream(*["approved"] * 12))).columns
    population = catalogue.population(calm)
    names = [spec.name for spec in catalogue.specs]

    def ratio(*statuses: str) -> float:
        return float(catalogue.described(last(*statuses)[None], population)[0, names.index("amount_ratio")])

    assert ratio(*["approved"] * 6, "approved") == ratio(*["approved"] * 6, *["declined"] * 9, "approved")


def test_a_declined_transaction_is_judged_by_the_amount_it_asked_for() -> None:
    row = last("approved", "approved", "declined")
    assert row[Column.AMOUNT] == 5_000
    assert math.isnan(row[Column.MONEY])
    assert row[day(Aggregate.SUM)] == 2_000
    assert row[day(Aggregate.MAX)] == 1_000


def test_a_reversal_takes_nothing_away() -> None:
    assert last("approved", "approved", "reversed")[day(Aggregate.SUM)] == 2_000


def test_a_window_in_which_no_money_moved_has_a_sum_of_nothing_and_no_mean() -> None:
    row = last("declined", "declined")
    assert row[day(Aggregate.SUM)] == 0
    assert all(
        math.isnan(row[day(aggregate)]) for aggregate in (Aggregate.MEAN, Aggregate.STD, Aggregate.MAX)
    )
    assert math.isnan(row[Column.OWN_MAX])


def test_large_declined_amounts_put_no_pressure_on_what_follows() -> None:
    history = History(Settings(), described=True)
    calm = stream(*["approved"] * 8)
    asked = Transaction("x", "a", calm[-1].event_time_ms + 1, 10**9, "EUR", status="declined")
    after = Transaction("y", "a", calm[-1].event_time_ms + 2, 1_000, "EUR")
    columns = history.fold(columns_of([*calm, asked, after])).columns
    assert columns[-2, Column.PRESSURE] == pytest.approx(columns[-1, Column.PRESSURE], rel=1e-6)


def test_no_status_means_approved() -> None:
    assert last(None, None, None).tobytes() == last("approved", "approved", "approved").tobytes()
