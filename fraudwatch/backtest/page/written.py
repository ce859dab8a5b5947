"""Figures as the page writes them."""

from datetime import UTC, datetime, timedelta

from fraudwatch.alerts.written import SPACE, number
from fraudwatch.backtest.measures import Share

NOTHING = "–"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def count(value: int) -> str:
    """`1,234`."""
    return number(value, "en")


def counted(value: int, one: str, many: str | None = None) -> str:
    """`1 alert`, `1,234 alerts`."""
    return f"{count(value)} {one if value == 1 else many or one + 's'}"


def decimal(value: float | None, places: int = 1) -> str:
    """`38.9`; `–` where there is none."""
    return NOTHING if value is None else number(value, "en", places)


def budget(value: float) -> str:
    """`40`, `6.5`."""
    return number(value, "en", 0 if value == round(value) else 1)


def percent(value: float | None) -> str:
    """`42 %`; with a decimal below ten; `–` where there is none."""
    if value is None:
        return NOTHING
    hundredth = 100 * value
    places = 1 if 0 < hundredth < 9.95 else 0
    return f"{number(hundredth, 'en', places)}{SPACE}%"


def interval(share: Share) -> str:
    """`37 % to 47 %`."""
    return NOTHING if share.value is None else f"{percent(share.low)} to {percent(share.high)}"


def hours(value: float | None) -> str:
    """`0 h`, `35 min`, `3.2 h`, `2.5 days`; `–` where there is none."""
    if value is None:
        return NOTHING
    if value == 0:
        return f"0{SPACE}h"
    if value < 1:
        return f"{max(1, round(value * 60))}{SPACE}min"
    if value < 48:
        return f"{number(value, 'en', 0 if value == round(value) else 1)}{SPACE}h"
    return f"{number(value / 24, 'en', 0 if value % 24 == 0 else 1)}{SPACE}days"


def day(event_time_ms: int) -> str:
    """`8 Aug 2018`."""
    time = _at(event_time_ms)
    return f"{time.day}{SPACE}{_MONTHS[time.month - 1]}{SPACE}{time.year}"


def short_day(event_time_ms: int) -> str:
    """`8 Aug`."""
    time = _at(event_time_ms)
    return f"{time.day}{SPACE}{_MONTHS[time.month - 1]}"


def moment(event_time_ms: int) -> str:
    """`8 Aug 2018, 03:12`, in UTC as everything on the page."""
    time = _at(event_time_ms)
    return f"{day(event_time_ms)}, {time.hour:02}:{time.minute:02}"


def _at(event_time_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=event_time_ms)
