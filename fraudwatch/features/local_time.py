"""Local time of event times by the rules of a time zone: where months begin, and the clock's offsets."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from fraudwatch.records import IntArray

_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)


@lru_cache
def offsets(zone: str, first_year: int, last_year: int) -> tuple[IntArray, IntArray]:
    """Offsets of local time from UTC: from which event times on they hold, ascending, and what they are, all in ms.

    The first holds before all others. No zone changed its clock twice on one day of UTC. Read-only. Raises
    ZoneInfoNotFoundError.
    """
    local = ZoneInfo(zone)
    day, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year, 12, 31, tzinfo=UTC)
    changes = [(day, _offset(day, local))]
    while day < end:
        if _offset(day + _DAY, local) != changes[-1][1]:
            change = _change(day, local)
            changes.append((change, _offset(change, local)))
        day += _DAY
    starts = _frozen([int(change.timestamp()) * 1000 for change, _ in changes])
    return starts, _frozen([offset // _SECOND * 1000 for _, offset in changes])


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _change(day: datetime, zone: ZoneInfo) -> datetime:
    """The first second of the new offset, within a day from a moment of the old one."""
    old, low, high = _offset(day, zone), 0, 86_400
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(day + middle * _SECOND, zone) == old:
            low = middle
        else:
            high = middle
    return day + high * _SECOND


@lru_cache
def month_starts(zone: str, first_year: int, last_year: int) -> IntArray:
    """Event times in ms at which the local calendar months of these years begin, ascending; read-only.

    A midnight that a clock change skips is the instant of the change. Raises ZoneInfoNotFoundError.
    """
    local = ZoneInfo(zone)
    return _frozen(
        [
            int(datetime(year, month, 1, tzinfo=local).timestamp()) * 1000
            for year in range(first_year, last_year + 1)
            for month in range(1, 13)
        ]
    )


def _frozen(numbers: list[int]) -> IntArray:
    found = np.array(numbers, dtype=np.int64)
    found.setflags(write=False)
    return found
