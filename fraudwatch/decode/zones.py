"""The offsets of a time zone as a table, for local times that kernels read."""

from datetime import datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np

from fraudwatch.records import IntArray

ALWAYS = -(2**62)
"""Before every time."""

UNKNOWN = -(2**62)
"""The offset of times that a table does not reach; what a kernel calls DOUBT."""

_EPOCH = datetime(1970, 1, 1)
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)
_MARGIN_MS = 2 * 86_400_000
"""An offset is less than a day."""

MOST_MS = 200 * 366 * 86_400_000


def in_utc() -> IntArray:
    """The table of a zone without offsets."""
    return np.array([[ALWAYS, 0]], dtype=np.int64)


@cache
def local_offsets(zone: ZoneInfo, earliest_ms: int, latest_ms: int) -> IntArray:
    """From which local time on (ms since 1970) a zone is how many milliseconds ahead of UTC, int64[n, 2].

    Local times that occur twice or not at all are read as `fold=0` of PEP 495 says. The table reaches over event times
    from `earliest_ms` to `latest_ms`, at most MOST_MS apart: ValueError otherwise. It is found by looking at every
    midnight, so a zone may not change twice in a day; in the tz database (2025) no two are nearer than 95 hours.
    """
    if latest_ms - earliest_ms > MOST_MS:
        raise ValueError(f"expected at most {MOST_MS} ms, found {latest_ms - earliest_ms}")
    try:
        begin, end = (
            _EPOCH + timedelta(milliseconds=edge)
            for edge in (earliest_ms - _MARGIN_MS, latest_ms + _MARGIN_MS)
        )
    except OverflowError as error:
        raise ValueError(str(error)) from None
    changes = [(begin, _offset(zone, begin))]
    day = begin
    while day < end:
        if _offset(zone, day + _DAY) != changes[-1][1]:
            changes.append(_change(zone, day, day + _DAY))
        day += _DAY
    rows = [(_ms(moment - _EPOCH), _ms(offset)) for moment, offset in changes]
    return np.array([*rows, (_ms(end - _EPOCH), UNKNOWN)], dtype=np.int64)


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> tuple[datetime, timedelta]:
    """The first second at or before `high` with the offset of `high`, which is not that of `low`."""
    after = _offset(zone, high)
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if _offset(zone, middle) == after:
            high = middle
        else:
            low = middle
    return high, after


def _offset(zone: ZoneInfo, local: datetime) -> timedelta:
    return zone.utcoffset(local) or timedelta()


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
