"""The local hour of an event time, by the rules of a time zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

QUARTER_MS = 900_000
"""Offsets of all zones since 1972 are multiples of a quarter of an hour."""

HELD = 100_000
"""Quarters kept; two years of a stream."""


class LocalHours:
    """Hours of the day (0–23) in one zone, remembered by quarter of an hour."""

    def __init__(self, zone: str) -> None:
        """Raises ZoneInfoNotFoundError for an unknown zone."""
        self._zone = ZoneInfo(zone)
        self._known: dict[int, int] = {}

    def hour(self, event_time_ms: int) -> int:
        """The hour that clocks of the zone showed."""
        quarter = event_time_ms // QUARTER_MS
        hour = self._known.get(quarter)
        if hour is None:
            if len(self._known) >= HELD:
                self._known.clear()
            moment = datetime.fromtimestamp(quarter * QUARTER_MS // 1000, UTC)
            hour = self._known[quarter] = moment.astimezone(self._zone).hour
        return hour
