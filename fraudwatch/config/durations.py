"""Durations as people write them: `90s`, `15m`, `1h`, `30d`; milliseconds inside."""

import re

UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FORM = re.compile(r"(\d{1,9})\s*(ms|s|m|h|d)")


class Duration(int):
    """A length of time in whole milliseconds, written as a number and a unit."""

    def __str__(self) -> str:
        """The shortest exact spelling: `Duration(7_200_000)` is `2h`, but 24 hours stay `24h`."""
        for unit in ("d", "h", "m", "s"):
            size = UNITS_MS[unit]
            if self and self % size == 0 and not (unit == "d" and self == size):
                return f"{int(self) // size}{unit}"
        return f"{int(self)}ms" if self else "0s"


def parse_duration(text: str) -> Duration:
    """Raises ValueError, with the expected form, for anything but a whole number and a unit."""
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"expected a duration such as 90s, 15m, 1h or 30d, found {text!r}")
    return Duration(int(match[1]) * UNITS_MS[match[2]])
