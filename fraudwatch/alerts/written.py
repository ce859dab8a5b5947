"""Values as people write them, in English and French.

One house style for both languages: the currency sign follows the amount (812.40 €, 812,40 €), groups of digits are
parted by a comma in English and a narrow no-break space in French, and a no-break space stands before signs and
units, so that no terminal tears a value apart. Rounding is for reading; the exact value is in the alert beside it.
"""

# ruff: noqa: SIM905 (lists of words read better as words)

import math
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

from fraudwatch.config.currencies import minor_digits
from fraudwatch.records import Unit

Language = Literal["en", "fr"]

SPACE = "\u00a0"
_NARROW = "\u202f"
_MINUS = "\u2212"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR_MS = 3_600_000

SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
_WHOLE_MONEY_FROM = 100_000
"""From this many major units on a sentence leaves the minor ones out."""
_LARGEST_WRITTEN_OUT = 1e15

_MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
}
_SECONDS = {"d": 86_400, "h": 3_600, "min": 60, "s": 1}


def decimal_text(amount_minor: int, currency: str) -> str:
    """The exact amount in major units for machines: `-1234.50`, no grouping, always the currency's decimals."""
    places = minor_digits(currency)
    if not places:
        return str(amount_minor)
    digits = str(abs(amount_minor)).zfill(places + 1)
    sign = "-" if amount_minor < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def number(value: float, language: Language, places: int = 0) -> str:
    """Grouped and rounded; from 10^15 on in powers of ten."""
    if abs(value) >= _LARGEST_WRITTEN_OUT:
        digits, _, exponent = f"{abs(value):.1e}".partition("e")
        text = f"{digits}{SPACE}×{SPACE}10^{int(exponent)}"
    else:
        text = f"{abs(value):,.{places}f}"
    if language == "fr":
        text = text.replace(",", _NARROW).replace(".", ",")
    return _MINUS + text if value < 0 else text


def money(amount_minor: float, currency: str, language: Language) -> str:
    """`1,234.50 €` or `1 234,50 €`; without cents from 100,000 on."""
    places = minor_digits(currency)
    major = amount_minor / 10**places
    text = number(major, language, 0 if abs(major) >= _WHOLE_MONEY_FROM else places)
    return f"{text}{SPACE}{SIGNS.get(currency, currency)}"


def duration(milliseconds: float, language: Language) -> str:
    """The two largest units: `3 h 20 min`, `2 days 4 h`, `45 s`."""
    seconds = round(milliseconds / 1_000)
    if seconds < 1:
        return _units(0, "s", language) if milliseconds == 0 else _less_than_a_second(language)
    units = list(_SECONDS)
    first = next(index for index, unit in enumerate(units) if seconds >= _SECONDS[unit])
    whole, rest = divmod(seconds, _SECONDS[units[first]])
    parts = [_units(whole, units[first], language)]
    if units[first] != "s" and (second := rest // _SECONDS[units[first + 1]]):
        parts.append(_units(second, units[first + 1], language))
    return SPACE.join(parts)


def window(milliseconds: int, language: Language) -> str:
    """A window by its name: hours up to two days (`24 h`), then days (`7 days`)."""
    days, rest = divmod(milliseconds, 86_400_000)
    if rest == 0 and days > 2:
        return _units(days, "d", language)
    hours, rest = divmod(milliseconds, 3_600_000)
    if rest == 0 and hours <= 48:
        return _units(hours, "h", language)
    return duration(milliseconds, language)


def days(value: float, language: Language) -> str:
    """Days with one decimal: `1.0 days` or `1,0 jour`, `8.2 days` or `8,2 jours`."""
    name = "days" if language == "en" else "jour" if round(value, 1) < 2 else "jours"
    return f"{number(value, language, 1)}{SPACE}{name}"


def hour(value: float, language: Language) -> str:
    """An hour of the day, 0 ≤ value < 24: `03:00` or `3 h`, `03:30` or `3 h 30`."""
    hours, minutes = divmod(round(value % 24 * 60) % 1440, 60)
    if language == "en":
        return f"{hours:02}:{minutes:02}"
    return f"{hours}{SPACE}h" + (f"{SPACE}{minutes:02}" if minutes else "")


def moment(event_time_ms: int, language: Language) -> str:
    """Date and time in UTC: `8 August 2018, 03:12 UTC` or `8 août 2018 à 03:12 UTC`."""
    time = _EPOCH + timedelta(milliseconds=event_time_ms)
    day = "1er" if language == "fr" and time.day == 1 else str(time.day)
    at = f"{SPACE}à{SPACE}" if language == "fr" else f",{SPACE}"
    date = SPACE.join((day, _MONTHS[language][time.month - 1], str(time.year)))
    return f"{date}{at}{time.hour:02}:{time.minute:02}{SPACE}UTC"


def instant(event_time_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds, for machines."""
    hour, rest = divmod(event_time_ms, _HOUR_MS)
    return f"{_hour(hour)}:{rest // 60_000:02}:{rest // 1_000 % 60:02}.{rest % 1_000:03}Z"


@lru_cache(maxsize=4_096)
def _hour(number: int) -> str:
    """Date and hour, by its number since the epoch: an alert lists dozens of transactions of few hours."""
    return (_EPOCH + timedelta(hours=number)).isoformat(timespec="hours")[:13]


def by_unit(value: float | None, unit: Unit, currency: str, language: Language) -> str | None:
    """A feature's value by its unit; None where it is missing: None, NaN, or infinite once it is written in percent."""
    if value is None or not math.isfinite(value * 100):
        return None
    match unit:
        case Unit.MONEY:
            return money(value, currency, language)
        case Unit.DURATION:
            return duration(value, language)
        case Unit.HOUR:
            return hour(value, language)
        case Unit.SHARE:
            return f"{number(100 * value, language, _places(100 * value, unit))}{SPACE}%"
        case Unit.DISTANCE:
            return f"{number(value, language, _places(value, unit))}{SPACE}km"
        case Unit.SPEED:
            return f"{number(value, language, _places(value, unit))}{SPACE}km/h"
        case Unit.COUNT | Unit.RATIO | Unit.NUMBER:
            return number(value, language, _places(value, unit))


def _places(value: float, unit: Unit) -> int:
    """Enough to read: whole from 10 on, one decimal below, more for small ratios; whole values stay whole."""
    magnitude = abs(value)
    if value == round(value) or magnitude >= 9.95:
        return 0
    if magnitude >= 0.95 or unit is Unit.COUNT:
        return 1
    return 2 if magnitude >= 0.1 else 3


def _units(count: int, unit: str, language: Language) -> str:
    if unit != "d":
        return f"{number(count, language)}{SPACE}{unit}"
    name = {"en": "day", "fr": "jour"}[language]
    is_plural = count >= 2 if language == "fr" else count != 1
    return f"{number(count, language)}{SPACE}{name}{'s' if is_plural else ''}"


def _less_than_a_second(language: Language) -> str:
    return {"en": "less than 1", "fr": "moins de 1"}[language] + f"{SPACE}s"
