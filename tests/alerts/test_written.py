"""Values as people write them."""

import pytest

from fraudwatch.alerts import written
from fraudwatch.records import Unit

HOUR_MS = 3_600_000


def plain(text: str) -> str:
    """No-break spaces as `_`, narrow ones as `,`-less `'`, so that a table of expectations can be read."""
    return text.replace("\u00a0", "_").replace("\u202f", "'")


@pytest.mark.parametrize(
    ("minor", "currency", "english", "french"),
    [
        (123_450, "EUR", "1,234.50_€", "1'234,50_€"),
        (0, "EUR", "0.00_€", "0,00_€"),
        (-1_250, "USD", "−12.50_$", "−12,50_$"),
        (1_234.5678, "EUR", "12.35_€", "12,35_€"),
        (12_345_678_900, "EUR", "123,456,789_€", "123'456'789_€"),
        (1_234, "JPY", "1,234_¥", "1'234_¥"),
        (1_234_567, "KWD", "1,234.567_KWD", "1'234,567_KWD"),
        (1e300, "EUR", "1.0_×_10^298_€", "1,0_×_10^298_€"),
    ],
)
def test_money_has_the_decimals_of_its_currency(
    minor: float, currency: str, english: str, french: str
) -> None:
    assert plain(written.money(minor, currency, "en")) == english
    assert plain(written.money(minor, currency, "fr")) == french


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (81_240, "EUR", "812.40"),
        (5, "EUR", "0.05"),
        (-5, "EUR", "-0.05"),
        (7, "JPY", "7"),
        (1, "KWD", "0.001"),
        (2**62, "EUR", "46116860184273879.04"),
    ],
)
def test_amounts_for_machines_are_exact(minor: int, currency: str, text: str) -> None:
    assert written.decimal_text(minor, currency) == text


@pytest.mark.parametrize(
    ("milliseconds", "english", "french"),
    [
        (0, "0_s", "0_s"),
        (400, "less than 1_s", "moins de 1_s"),
        (45_000, "45_s", "45_s"),
        (90_000, "1_min_30_s", "1_min_30_s"),
        (3 * HOUR_MS + 20 * 60_000, "3_h_20_min", "3_h_20_min"),
        (2 * HOUR_MS + 5_000, "2_h", "2_h"),
        (24 * HOUR_MS, "1_day", "1_jour"),
        (52 * HOUR_MS, "2_days_4_h", "2_jours_4_h"),
        (1_500 * 24 * HOUR_MS, "1,500_days", "1'500_jours"),
    ],
)
def test_durations_show_their_two_largest_units(milliseconds: float, english: str, french: str) -> None:
    assert plain(written.duration(milliseconds, "en")) == english
    assert plain(written.duration(milliseconds, "fr")) == french


@pytest.mark.parametrize(
    ("hours", "english", "french"),
    [(1, "1_h", "1_h"), (24, "24_h", "24_h"), (48, "48_h", "48_h"), (168, "7_days", "7_jours")],
)
def test_windows_go_by_their_names(hours: int, english: str, french: str) -> None:
    assert plain(written.window(hours * HOUR_MS, "en")) == english
    assert plain(written.window(hours * HOUR_MS, "fr")) == french


def test_an_odd_window_is_written_as_a_duration() -> None:
    assert plain(written.window(90_000, "en")) == "1_min_30_s"


@pytest.mark.parametrize(
    ("value", "english", "french"),
    [
        (3.0, "03:00", "3_h"),
        (3.5, "03:30", "3_h_30"),
        (0.0, "00:00", "0_h"),
        (23.999, "00:00", "0_h"),
        (1e306, "00:00", "0_h"),
    ],
)
def test_hours_of_the_day(value: float, english: str, french: str) -> None:
    assert plain(written.hour(value, "en")) == english
    assert plain(written.hour(value, "fr")) == french


@pytest.mark.parametrize(
    ("value", "unit", "english", "french"),
    [
        (14.3, Unit.RATIO, "14", "14"),
        (3.21, Unit.RATIO, "3.2", "3,2"),
        (2.0, Unit.RATIO, "2", "2"),
        (0.256, Unit.RATIO, "0.26", "0,26"),
        (0.0123, Unit.NUMBER, "0.012", "0,012"),
        (12_345.0, Unit.COUNT, "12,345", "12'345"),
        (2.34, Unit.COUNT, "2.3", "2,3"),
        (0.974, Unit.SHARE, "97_%", "97_%"),
        (0.0123, Unit.SHARE, "1.2_%", "1,2_%"),
        (1.0, Unit.SHARE, "100_%", "100_%"),
        (0.0, Unit.SHARE, "0_%", "0_%"),
        (12_345.6, Unit.DISTANCE, "12,346_km", "12'346_km"),
        (0.25, Unit.DISTANCE, "0.25_km", "0,25_km"),
        (1_234.5, Unit.SPEED, "1,234_km/h", "1'234_km/h"),
    ],
)
def test_numbers_are_rounded_to_be_read(value: float, unit: Unit, english: str, french: str) -> None:
    assert plain(written.by_unit(value, unit, "EUR", "en") or "") == english
    assert plain(written.by_unit(value, unit, "EUR", "fr") or "") == french


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf"), 1.8e306, -1.8e306])
def test_a_missing_value_is_not_written(missing: float | None) -> None:
    assert all(written.by_unit(missing, unit, "EUR", "en") is None for unit in Unit)


def test_dates_follow_the_language() -> None:
    first_of_august_ms = 1_533_096_720_000
    assert plain(written.moment(first_of_august_ms, "en")) == "1_August_2018,_04:12_UTC"
    assert plain(written.moment(first_of_august_ms, "fr")) == "1er_août_2018_à_04:12_UTC"


def test_instants_are_iso_8601_in_utc_to_the_millisecond() -> None:
    assert written.instant(1_533_096_720_007) == "2018-08-01T04:12:00.007Z"
    assert written.instant(-1) == "1969-12-31T23:59:59.999Z"
