"""When the next row of a replay is due."""

from fraudwatch.errors import ConfigurationError


class Pace:
    """Due times in seconds on the caller's clock, from N records a second or K times event time; neither: at once.

    Raises ConfigurationError when both are given, or one is not above zero.
    """

    def __init__(self, *, rate: float | None, speed: float | None, start: float) -> None:
        if rate is not None and speed is not None:
            raise ConfigurationError("expected a rate or a speed, found both: leave one out")
        for name, value in (("rate", rate), ("speed", speed)):
            if value is not None and value <= 0:
                raise ConfigurationError(f"expected a {name} above zero, found {value:g}")
        self._seconds_a_row = 1 / rate if rate else 0.0
        self._seconds_a_ms = 1 / (speed * 1000) if speed else 0.0
        self._start = start
        self._rows = 0
        self._first_ms: int | None = None

    def due(self, event_time_ms: int | None) -> float:
        """When this next row is due; in the past where event time went back, or is not known."""
        at = self._start + self._rows * self._seconds_a_row
        self._rows += 1
        if event_time_ms is None or not self._seconds_a_ms:
            return at
        if self._first_ms is None:
            self._first_ms = event_time_ms
        return self._start + (event_time_ms - self._first_ms) * self._seconds_a_ms

    def delay(self, seconds: float) -> None:
        """Time that was spent held back is not made up for: a feed that was stopped goes on, it does not burst."""
        self._start += seconds
