"""Local time of event times by the rules of a time zone: weekday and hour, and where months begin."""

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from fraudwatch.records import IntArray

QUARTER_MS = 900_000
"""Offsets of all zones since 1972 are multiples of a quarter of an hour."""

HELD = 100_000
"""Quarters kept; two years of a stream."""


class LocalMoments:
    """Weekday · 24 + hour (Monday 0 h is 0) in one zone, remembered by quarter of an hour."""

    def __init__(self, zone: str) -> None:
        """Raises ZoneInfoNotFoundError for an unknown zone."""
        self._zone = ZoneInfo(zone)
        self._known: dict[int, int] = {}

    def moment(self, event_time_ms: int) -> int:
        """What calendars and clocks of the zone showed."""
        quarter = event_time_ms // QUARTER_MS
        moment = self._known.get(quarter)
        if moment is None:
            if len(self._known) >= HELD:
                self._known.clear()
            local = datetime.fromtimestamp(quarter * QUARTER_MS // 1000, UTC).astimezone(self._zone)
            moment = self._known[quarter] = 24 * local.weekday() + local.hour
        return moment


@lru_cache
def month_starts(zone: str, first_year: int, last_year: int) -> IntArray:
    """Event times in ms at which the local calendar months of these years begin, ascending; read-only.

    A midnight that a clock change skips is the instant of the change. Raises ZoneInfoNotFoundError.
    """
    local = ZoneInfo(zone)
    starts = [
        int(datetime(year, month, 1, tzinfo=local).timestamp()) * 1000
        for year in range(first_year, last_year + 1)
        for month in range(1, 13)
    ]
    found = np.array(starts, dtype=np.int64)
    found.setflags(write=False)
    return found
