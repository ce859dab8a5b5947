"""The nearest single change: the value at which a transaction would have come to lie on the other side of an edge.

Nothing here knows how a score is made. Values are tried on either side of the one that was, ever further from it, by
the model's own judging; between the last that does not cross and the first that does, the place is found by halving. A
score need not fall with a value (lifts are learned of bands), so a change is said to hold for all values beyond only
where all that were tried beyond cross as well.

Which of several changes is the nearest is told in surprise: how far the change moves the surprise of the reasons that
follow from the value (of several the one that moves most), or that of the lane. So a unit is a factor of ten in how
rare a value is, whatever it counts.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fraudwatch.explain.moment import Moment, Observed
from fraudwatch.explain.rounding import rounded
from fraudwatch.explain.subjects import Subject
from fraudwatch.records import FloatArray

BoolArray = npt.NDArray[np.bool_]

PRECISE = 1e-9
"""Part of a value to which the place of the edge is found, where the value does not count something whole."""
_PARTS = 16
_ATTEMPTS = 5
"""At a change by the edges as they would have stood with it, beginning with those that stood."""


class Form(StrEnum):
    """For which values a change holds: this one and all below, this one and all above, or this one."""

    AT_MOST = "at_most"
    AT_LEAST = "at_least"
    EXACTLY = "exactly"


class Crossing(NamedTuple):
    """The first value `at` which it crosses; `stated` is a round one beyond, at which it does too.

    `moved` is how far in surprise. `suffices` is whether the policy would have decided otherwise: an alert that would
    not have been one, or one that would.
    """

    subject: Subject
    at: float
    stated: float
    form: Form
    moved: float
    suffices: bool


class Side(NamedTuple):
    """Of a transaction which edges it reaches, bool[1 + lanes], and whether it is an alert."""

    reached: BoolArray
    is_alert: bool


def crossing(moment: Moment, subject: Subject, is_alert: bool) -> Crossing | None:
    """The nearest change of this value alone; None where none crosses."""
    edges = moment.edges
    side = Side((moment.said(moment.observed) >= edges)[0], is_alert)
    if subject.queue is not None and side.reached.any() and not side.reached[subject.queue]:
        return None  # it could only reach one more
    for _ in range(_ATTEMPTS):
        asked = Asked(moment, subject, side, edges)
        found = asked.of_categories() if len(subject.categories) else asked.of_numbers()
        nearest = min(found, key=lambda one: (not one.suffices, one.moved), default=None)
        if nearest is None:
            return None
        # An edge may follow what an hour brings, and so the transaction itself.
        then = moment.edges_with(subject.observed(np.array([nearest.stated])))
        if np.array_equal(then, edges):
            return nearest
        edges = then
    return None


class Asked:
    """What other values of one subject would have led to, by edges float64[1 + lanes]."""

    def __init__(self, moment: Moment, subject: Subject, side: Side, edges: FloatArray) -> None:
        self._moment, self._subject, self._side, self._edges = moment, subject, side, edges
        self._was = subject.surprises(moment.observed)[0]

    def crosses(self, values: FloatArray) -> BoolArray:
        """bool[k]: whether it would lie on the other side with each."""
        reached = self._moment.said(self._subject.observed(values)) >= self._edges
        if self._subject.queue is not None:
            reached = reached[:, [self._subject.queue]]
        lies_above = np.asarray(reached.any(axis=1), dtype=np.bool_)
        return ~lies_above if self._side.reached.any() else lies_above

    def of_categories(self) -> list[Crossing]:
        """One for each that crosses."""
        others = self._subject.categories[self._subject.categories != self._subject.was]
        crossing = others[self.crosses(others)] if len(others) else others
        return [self._crossing(value, value, Form.EXACTLY) for value in crossing.tolist()]

    def of_numbers(self) -> list[Crossing]:
        """The first that crosses on either side."""
        low, high = self._subject.bounds
        return [
            one
            for bound, form in ((low, Form.AT_MOST), (high, Form.AT_LEAST))
            if (one := self._beyond(bound, form)) is not None
        ]

    def _beyond(self, bound: float, form: Form) -> Crossing | None:
        was, is_whole = self._subject.was, self._subject.is_whole
        tried = outward(was, bound, self._subject.tried, is_whole=is_whole)
        crosses = self.crosses(tried) if len(tried) else np.zeros(0, dtype=np.bool_)
        if not crosses.any():
            return None
        first = int(crosses.argmax())
        near = was if first == 0 else float(tried[first - 1])
        at = self._halved(near, float(tried[first]))
        holds = bool(crosses[first:].all())
        last = bound if holds else float(tried[first + int((~crosses[first:]).argmax()) - 1])

        def is_good(value: float) -> bool:
            inside = at <= value <= last if form is Form.AT_LEAST else last <= value <= at
            return inside and bool(self.crosses(np.array([value]))[0])

        stated = rounded(at, self._subject.unit, is_up=form is Form.AT_LEAST, is_good=is_good)
        return self._crossing(at, stated, form if holds else Form.EXACTLY)

    def _halved(self, near: float, far: float) -> float:
        """The value nearest to `near`, which does not cross, that does, as `far` does; in parts, not in halves."""
        while True:
            between = np.linspace(near, far, _PARTS + 1)[1:-1]
            if self._subject.is_whole:
                between = np.unique(np.rint(between))[:: 1 if far > near else -1]
            between = between[(between != near) & (between != far)]
            if not len(between) or abs(far - near) <= PRECISE * max(abs(far), 1.0):
                return far
            crosses = self.crosses(between)
            first = int(crosses.argmax()) if crosses.any() else len(between)
            far = float(between[first]) if first < len(between) else far
            near = float(between[first - 1]) if first else near

    def _crossing(self, at: float, stated: float, form: Form) -> Crossing:
        observed = self._subject.observed(np.array([stated]))
        moved = np.abs(self._subject.surprises(observed)[0] - self._was)
        return Crossing(self._subject, at, stated, form, float(moved.max()), self._suffices(observed))

    def _suffices(self, observed: Observed) -> bool:
        if self._side.reached.any() and not self._side.is_alert:  # cut, or nothing a person could check
            return not bool((self._moment.said(observed) >= self._edges).any())
        return self._moment.would_alert(observed) != self._side.is_alert


def outward(was: float, bound: float, count: int, *, is_whole: bool) -> FloatArray:
    """Values from `was`, which is not among them, to `bound`, ever further apart; `count` of them or twice as many."""
    span = abs(bound - was)
    least = 1.0 if is_whole else PRECISE * 1_000 * max(abs(was), 1.0)
    if span < least:
        return np.array([bound]) if bound != was else np.empty(0)
    sign = 1.0 if bound > was else -1.0
    apart = np.geomspace(least, span, count)
    if bound >= 0.0 and was >= 0.0:  # and as many by their size
        sizes = np.geomspace(max(was, least), max(bound, least), count)
        apart = np.concatenate([apart, np.abs(sizes - was)])
    values = was + sign * np.clip(apart, 0.0, span)
    values = np.rint(values) if is_whole else values
    values = np.unique(np.concatenate([values, [bound]]))
    is_beyond = (values - was) * sign > 0.0
    return values[is_beyond][:: int(sign)]
