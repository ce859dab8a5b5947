"""Spans of whole days, as people give them: both dates inclusive, in UTC."""

from datetime import UTC, date, datetime, timedelta

import msgspec

from fraudwatch.errors import ConfigurationError

DAY_MS = 86_400_000


class Span(msgspec.Struct, frozen=True):
    """Event times in [since_ms, until_ms); an open end is None."""

    since_ms: int | None = None
    until_ms: int | None = None

    def holds(self, event_time_ms: int) -> bool:
        """Whether an event time lies inside."""
        after = self.since_ms is None or event_time_ms >= self.since_ms
        return after and (self.until_ms is None or event_time_ms < self.until_ms)


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
