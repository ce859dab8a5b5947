"""A feature: what it says of itself, where its value stands, and what of it a person is shown."""

from collections.abc import Callable
from typing import NamedTuple

from fraudwatch.features.columns import Aggregate
from fraudwatch.features.values import Value
from fraudwatch.records import FeatureSpec, FloatArray, Shown


class WindowValue(NamedTuple):
    """The aggregate of one kept window, by its index."""

    window: int
    aggregate: Aggregate


class FlowShare(NamedTuple):
    """Which share of what came in within one kept window left again, by the window's index."""

    window: int


class Feature(NamedTuple):
    """`shown(row, population)` gets one row of history columns and the population array."""

    spec: FeatureSpec
    value: Value | WindowValue | FlowShare
    shown: Callable[[FloatArray, FloatArray], Shown]


def shown(value: float, usual: float | None = None, *, is_own: bool = True) -> Shown:
    """A value beside its usual one; NaN becomes None."""

    def known(number: float | None) -> float | None:
        return None if number is None or number != number else float(number)

    return Shown(known(value), known(usual), is_own)
