"""One moment of a demo, as it is shown."""

from enum import StrEnum

import msgspec

from fraudwatch.alerts import Alert
from fraudwatch.demo.observation import Observation


class Stage(StrEnum):
    """What the demo is doing."""

    STARTING = "the worker is starting; the first time on a machine it compiles for a minute"
    FEEDING = "running"
    DRAINING = "ending: the worker handles what was fed"


class Look(msgspec.Struct, frozen=True):
    """What is known at one moment.

    `records_per_second` is over the last seconds; `event_days` is the event time fed since there is a model;
    `budget` is in alerts an event day; `newest` begins with the newest.
    """

    stage: Stage
    seconds: float
    seen: Observation
    records_per_second: float
    event_time_ms: int | None
    event_days: float
    budget: float
    metrics: str | None
    newest: tuple[Alert, ...]
