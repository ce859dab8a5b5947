"""Where event times stand in the calendar of the configured time zone."""

import numpy as np

from fraudwatch.compiled import borrowing
from fraudwatch.records import IntArray

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday."""


@borrowing
def span_of(starts: IntArray, time: int, guess: int) -> int:
    """Index of the last start ≤ time, −1 before all. Times of a stream are close together: the last answer is tried."""
    if 0 <= guess < len(starts) - 1 and starts[guess] <= time < starts[guess + 1]:
        return guess
    return int(np.searchsorted(starts, time, "right")) - 1


@borrowing
def moment_of(local: int) -> int:
    """Weekday · 24 + hour (Monday 0 h is 0) of a local time in milliseconds: 0 to 167 of any, before 1970 too.

    Tables are read at it, and at its parts, without a check.
    """
    weekday = (local // DAY_MS + EPOCH_WEEKDAY) % 7
    return 24 * weekday + local % DAY_MS // HOUR_MS
