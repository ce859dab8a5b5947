"""Local weekdays, hours and months, through changes of the clock."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from by_columns import columns_of
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.config.settings import Features, Limits, Settings
from fraudwatch.features import History
from fraudwatch.features.columns import Column
from fraudwatch.features.kernels.clock import moment_of, span_of
from fraudwatch.features.local_time import month_starts, offsets
from fraudwatch.features.population import HOURS, WEEKDAYS
from fraudwatch.records import Outcome, Transaction

ZONES = ["UTC", "Europe/Paris", "Asia/Kathmandu", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize("zone", ZONES)
def test_moments_and_months_are_those_of_calendars_and_clocks(zone: str) -> None:
    (changes, values), starts = offsets(zone, 2010, 2020), month_starts(zone, 2010, 2020)
    around = [change + second * 1000 for change in changes[1:].tolist() for second in (-1, 0, 1)]
    anywhere = np.random.default_rng(5).integers(ms("2010-02-01T00Z"), ms("2020-12-01T00Z"), 2_000)
    assert around or zone in ("UTC", "Asia/Kathmandu")
    offset = month = 0
    for time in anywhere.tolist() + around:
        local = datetime.fromtimestamp(time / 1000, UTC).astimezone(ZoneInfo(zone))
        offset, month = span_of(changes, time, offset), span_of(starts, time, month)
        assert moment_of(time + values[offset]) == 24 * local.weekday() + local.hour
        assert divmod(month, 12) == (local.year - 2010, local.month - 1)


@given(st.integers(-(2**62), 2**62))
def test_any_time_has_a_moment_of_the_week(local: int) -> None:
    assert 0 <= moment_of(local) < 7 * 24


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(ms("1902-01-01T00Z"), ms("2099-12-31T23:59Z")))),
    st.sampled_from(ZONES),
)
def test_hours_and_weekdays_lie_in_the_tables_that_are_read_at_them(
    stream: list[tuple[int, int]], zone: str
) -> None:
    configured = Settings(features=Features(zone=zone, max_accounts=2), limits=Limits(earliest="1902-01-01"))
    rows = [Transaction(str(i), f"a{i % 3}", time, i, "EUR") for i, time in stream]
    found = History(configured).fold(columns_of(rows))
    is_repeated = found.outcome == Outcome.DUPLICATE.value
    for column, bins in ((Column.HOUR, HOURS), (Column.WEEKDAY, WEEKDAYS)):
        of = found.columns[:, column]
        assert np.isnan(of).tolist() == is_repeated.tolist()
        assert np.isin(of[~is_repeated], np.arange(bins)).all()


def test_the_history_reads_the_clock_of_the_configured_zone() -> None:
    stream = [Transaction(str(i), "a", ms("2018-03-25T00:30Z") + i * 3_600_000, 1, "EUR") for i in range(3)]
    columns = History(Settings(features=Features(zone="Europe/Paris"))).fold(columns_of(stream)).columns
    assert columns[:, [Column.WEEKDAY, Column.HOUR]].tolist() == [[6, 1], [6, 3], [6, 4]]


def test_a_month_begins_at_local_midnight() -> None:
    starts = month_starts("Europe/Paris", 2018, 2018)
    assert starts[3] == ms("2018-04-01T00:00:00+02:00")
    assert starts[0] == ms("2018-01-01T00:00:00+01:00")


def judged(*times: str, zone: str = "Europe/Paris") -> list[tuple[float, float]]:
    """Count and money of the month as each transaction of 100 found them."""
    stream = [Transaction(str(i), "a", ms(time), 100, "EUR") for i, time in enumerate(times)]
    columns = History(Settings(features=Features(zone=zone))).fold(columns_of(stream)).columns
    return [tuple(row) for row in columns[:, [Column.MONTH_COUNT, Column.MONTH_SUM]].tolist()]


def test_counters_begin_anew_with_the_local_month() -> None:
    times = ("2018-03-30T12Z", "2018-03-31T21:59:59Z", "2018-03-31T22:00:00Z", "2018-04-02T00Z")
    assert judged(*times) == [(1, 100), (2, 200), (1, 100), (2, 200)]


def test_a_late_one_of_the_month_before_is_judged_and_counted_in_its_own_month() -> None:
    times = (
        "2018-03-31T21:30Z",
        "2018-03-31T22:10Z",  # April
        "2018-03-31T21:40Z",  # late, March
        "2018-03-31T22:20Z",  # April
        "2018-03-31T21:50Z",  # late, March
    )
    assert judged(*times) == [(1, 100), (1, 100), (2, 200), (2, 200), (3, 300)]


def test_a_late_one_before_the_first_is_the_first_of_its_month() -> None:
    assert judged("2018-03-31T22:10Z", "2018-03-31T21:40Z") == [(1, 100), (1, 100)]


def test_months_without_transactions_are_empty() -> None:
    assert judged("2018-01-10T00Z", "2018-03-31T22:10Z", "2018-03-31T21:40Z")[2] == (1, 100)


def test_of_a_month_no_longer_kept_nothing_is_said() -> None:
    count, money = judged("2018-01-10T00Z", "2018-05-10T00Z", "2018-02-10T00Z")[2]
    assert np.isnan(count)
    assert np.isnan(money)
