"""What of a transaction could have been another: each value that a person reads, and the measure of each lane.

A person reads amounts, totals and counts; the model reads what follows from them. So a change replaces one number that
the history gave (`features.Column`), and everything that follows from it is derived anew: the amount alone is behind
two reasons. All other numbers stay, except with another amount: that is another transaction, and what the history says
of it is asked of the account's own records.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fraudwatch.config.currencies import minor_digits
from fraudwatch.config.settings import Settings
from fraudwatch.explain.moment import Moment, Observed
from fraudwatch.explain.own_history import OwnHistory
from fraudwatch.features import LANES, Catalogue, Column
from fraudwatch.records import FeatureSpec, FloatArray, Side, Unit

WHOLE = {Unit.MONEY, Unit.COUNT, Unit.DURATION}
"""Units of whole numbers: minor units of money, counts, milliseconds."""

_YEAR_MS = 365 * 86_400_000.0
_BOUNDS = {
    Unit.MONEY: (0.0, 1e13),
    Unit.COUNT: (0.0, 100_000.0),
    Unit.DURATION: (0.0, 10 * _YEAR_MS),
    Unit.SHARE: (0.0, 1.0),
    Unit.DISTANCE: (0.0, 20_040.0),
    Unit.SPEED: (0.0, 100_000.0),
    Unit.RATIO: (0.0, 1_000_000.0),
    Unit.NUMBER: (-1_000_000.0, 1_000_000.0),
}
"""What a value could believably have been; nothing is asked beyond."""

_MANY, _FEW = 400, 40
"""Values tried on either side: of what is asked of the model alone, and of what is folded again."""


@dataclass(frozen=True)
class Subject:
    """One value that could have been another.

    `name` is that of a `Column` in lower case, or of a lane; `features` are the places of the reasons that follow from
    it, empty for a lane. `queue` is the place of the only edge it can move across, None for an amount, which may move
    all. `categories` float64[k] are all values there are, empty where these are numbers from `bounds`.
    `observed` says what the history would say with each of float64[k] values, `surprises` float64[k, r] how surprising
    what follows from these is.
    """

    name: str
    unit: Unit
    was: float
    features: tuple[int, ...]
    queue: int | None
    bounds: tuple[float, float]
    categories: FloatArray
    tried: int
    observed: Callable[[FloatArray], Observed]
    surprises: Callable[[Observed], FloatArray]

    @property
    def is_whole(self) -> bool:
        """Whether it counts something."""
        return self.unit in WHOLE and not len(self.categories)


def subjects(moment: Moment, own: OwnHistory) -> list[Subject]:
    """All of a scored transaction, in the order of the reasons, then of the lanes. A missing value is none."""
    shown = shown_columns(moment.model.population, moment.catalogue)
    by_column: dict[Column, list[int]] = {}
    for place, spec in enumerate(moment.model.specs):
        column = shown.get(spec.name)
        if column is not None and not np.isnan(moment.observed.columns[0, column]):
            by_column.setdefault(column, []).append(place)
    found = [_of_column(moment, column, tuple(places), own) for column, places in by_column.items()]
    if not moment.is_late:  # which no lane judges
        found += [_of_lane(moment, place) for place in range(len(moment.lanes))]
    return found


def shown_columns(population: dict[str, float], catalogue: Catalogue) -> dict[str, Column]:
    """By feature the column that a person reads as its value: found by asking with numbers that all differ.

    Not in it are features whose value is made of several. The numbers lie below 1: an hour and a weekday are looked up.
    """
    numbers: FloatArray = 1.0 / np.arange(2.0, len(Column) + 2)
    columns = {number: column for column, number in zip(Column, numbers.tolist(), strict=True)}
    shown = catalogue.shown(numbers, population)
    return {
        name: columns[one.value]
        for name, one in shown.items()
        if one.value is not None and one.value in columns
    }


def _of_column(moment: Moment, column: Column, features: tuple[int, ...], own: OwnHistory) -> Subject:
    spec: FeatureSpec = moment.model.specs[features[0]]
    is_amount = column is Column.AMOUNT
    is_refolded = is_amount and own.is_whole

    def replaced(values: FloatArray) -> Observed:
        columns = np.repeat(moment.observed.columns, len(values), axis=0)
        columns[:, column] = values
        return Observed(columns, np.repeat(moment.observed.composites, len(values), axis=0))

    def surprises(observed: Observed) -> FloatArray:
        return moment.model.score(moment.values(observed)).surprises[:, features]

    return Subject(
        name=column.name.lower(),
        unit=spec.unit,
        was=float(moment.observed.columns[0, column]),
        features=features,
        queue=None if is_amount else 0,
        bounds=(0.0, _largest_amount(moment.settings)) if is_amount else _BOUNDS.get(spec.unit, (0.0, 0.0)),
        categories=_categories(moment, features[0]) if spec.side is Side.RARE else np.empty(0),
        tried=_FEW if is_refolded else _MANY,
        observed=own.observed if is_refolded else replaced,
        surprises=surprises,
    )


def _of_lane(moment: Moment, place: int) -> Subject:
    lane = moment.lanes[place]
    composite = LANES.index(lane)

    def replaced(values: FloatArray) -> Observed:
        composites = np.repeat(moment.observed.composites, len(values), axis=0)
        composites[:, composite] = values
        return Observed(np.repeat(moment.observed.columns, len(values), axis=0), composites)

    return Subject(
        name=lane.name,
        unit=Unit.NUMBER,
        was=float(moment.observed.composites[0, composite]),
        features=(),
        queue=1 + place,
        bounds=(0.0, 1_000_000.0),
        categories=np.empty(0),
        tried=_MANY,
        observed=replaced,
        surprises=lambda observed: moment.said(observed)[:, 1 + place : 2 + place],
    )


def _categories(moment: Moment, feature: int) -> FloatArray:
    """Those that the model knows."""
    tables = moment.model.tables
    known: FloatArray = tables.knots[tables.start[feature] : tables.start[feature + 1]]
    return known


def _largest_amount(settings: Settings) -> float:
    return float(round(settings.limits.max_amount * 10 ** minor_digits(settings.currency)))
