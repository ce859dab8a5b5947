"""ISO 8601 times in their usual spellings, to whole milliseconds since 1970 UTC."""

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.decode.kernels.numbers import DOUBT
from fraudwatch.decode.kernels.scan import COLON, COMMA, DOT, MINUS, PLUS, SPACE, ZERO, is_digit
from fraudwatch.records import ByteArray, IntArray

UPPER_T, UPPER_Z = b"TZ"
_DAY_MS, _HOUR_MS, _MINUTE_MS = 86_400_000, 3_600_000, 60_000
_DAYS_BEFORE = np.array([0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334])
_DAYS_IN = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_LONGEST_FRACTION = 12


@compiled
def _two(text: ByteArray, place: int) -> int:
    """The number of two digits at `place`, or more than any that is allowed."""
    tens, ones = int(text[place]), int(text[place + 1])
    return (tens - ZERO) * 10 + ones - ZERO if is_digit(tens) and is_digit(ones) else 100


@compiled
def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@compiled
def _day_at(text: ByteArray, place: int) -> int:
    """Days since 1970 of the ten characters `YYYY-MM-DD`, or DOUBT."""
    century, years, month, day = (
        _two(text, place),
        _two(text, place + 2),
        _two(text, place + 5),
        _two(text, place + 8),
    )
    if century > 99 or years > 99 or not 1 <= month <= 12 or text[place + 4] != MINUS:
        return DOUBT
    year = century * 100 + years
    last = int(_DAYS_IN[month]) + (month == 2 and _is_leap(year))
    if year < 1 or not 1 <= day <= last or text[place + 7] != MINUS:
        return DOUBT
    past = year - 1
    days = past * 365 + past // 4 - past // 100 + past // 400 + int(_DAYS_BEFORE[month]) + day - 1
    return days + (month > 2 and _is_leap(year)) - 719_162


@compiled
def _offset_at(text: ByteArray, place: int, end: int) -> int:
    """Milliseconds ahead of UTC by `Z`, `+02`, `+0200` or `+02:00`, all of what is left, or DOUBT."""
    if end - place == 1 and text[place] == UPPER_Z:
        return 0
    length = end - place
    if (text[place] != PLUS and text[place] != MINUS) or not (length == 3 or length == 5 or length == 6):
        return DOUBT
    if length == 6 and text[place + 3] != COLON:
        return DOUBT
    hours = _two(text, place + 1)
    minutes = _two(text, end - 2) if length > 3 else 0
    if hours > 23 or minutes > 59:
        return DOUBT
    offset = hours * _HOUR_MS + minutes * _MINUTE_MS
    return -offset if text[place] == MINUS else offset


@compiled
def in_zone(local_ms: int, zone: IntArray, zones: int) -> int:
    """A local time in UTC, or DOUBT.

    `zone` is [zones, 2]: from which local time on, how many milliseconds ahead of UTC, or DOUBT.
    """
    low, high = 0, zones
    while high - low > 1:
        middle = (low + high) >> 1
        if zone[2 * middle] <= local_ms:
            low = middle
        else:
            high = middle
    offset = int(zone[2 * low + 1])
    return DOUBT if zone[2 * low] > local_ms or offset == DOUBT else local_ms - offset


@compiled
def iso_at(text: ByteArray, begin: int, end: int, zone: IntArray, zones: int) -> int:
    """The time written as `2024-05-31[T ]12:00[:00[.250]][Z]` or a bare date, or DOUBT.

    A time without an offset is in `zone` (as for `in_zone`).
    """
    length = end - begin
    if length < 10:
        return DOUBT
    days = _day_at(text, begin)
    if days == DOUBT:
        return DOUBT
    local_ms = days * _DAY_MS
    if length == 10:
        return in_zone(local_ms, zone, zones)
    if length < 16 or (text[begin + 10] != UPPER_T and text[begin + 10] != SPACE):
        return DOUBT
    hour, minute = _two(text, begin + 11), _two(text, begin + 14)
    if hour > 23 or minute > 59 or text[begin + 13] != COLON:
        return DOUBT
    local_ms += hour * _HOUR_MS + minute * _MINUTE_MS
    place = begin + 16
    if place < end and text[place] == COLON:
        second = _two(text, place + 1)
        if second > 59:
            return DOUBT
        local_ms += second * 1000
        place += 3
        if place < end and (text[place] == DOT or text[place] == COMMA):
            after = place + 1
            worth = 100
            while after < end and is_digit(text[after]):
                local_ms += (int(text[after]) - ZERO) * worth
                worth //= 10
                after += 1
            if not 1 <= after - place - 1 <= _LONGEST_FRACTION:
                return DOUBT
            place = after
    if place == end:
        return in_zone(local_ms, zone, zones)
    offset = _offset_at(text, place, end)
    return DOUBT if offset == DOUBT else local_ms - offset
