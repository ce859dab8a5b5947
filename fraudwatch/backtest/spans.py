"""Spans of whole days, as people give them: both dates inclusive, in UTC."""

from datetime import UTC, date, datetime, timedelta

import msgspec
import numpy as np
import numpy.typing as npt

from fraudwatch.errors import ConfigurationError
from fraudwatch.records import IntArray

BoolArray = npt.NDArray[np.bool_]

DAY_MS = 86_400_000


class Span(msgspec.Struct, frozen=True):
    """Event times in [since_ms, until_ms); an open end is None."""

    since_ms: int | None = None
    until_ms: int | None = None

    def holds(self, event_times_ms: IntArray) -> BoolArray:
        """Which event times int64[n] lie inside, bool[n]."""
        inside = np.ones(len(event_times_ms), dtype=bool)
        if self.since_ms is not None:
            inside &= event_times_ms >= self.since_ms
        if self.until_ms is not None:
            inside &= event_times_ms < self.until_ms
        return inside


def span(first: date | None, last: date | None, what: str) -> Span:
    """The days from first to last, both inside. Raises ConfigurationError when they are the wrong way round."""
    if first is not None and last is not None and last < first:
        raise ConfigurationError(
            f"expected --{what}-to on or after --{what}-from, found {last} before {first}: exchange the dates"
        )
    return Span(
        None if first is None else _midnight(first),
        None if last is None else _midnight(last + timedelta(days=1)),
    )


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000
