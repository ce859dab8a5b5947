"""Surprise: how improbable a value is on the side that alarms, read from a frozen training column.

surprise(x) = −log10 P(X at least as extreme as x), P = (1 + #{training values at least as extreme}) / (n + 1).
The commonest value of a constant column therefore has surprise 0, and nothing has probability 0.

A table holds knots (value, surprise) and is linear between them. All of the `EXACT` most extreme distinct
values are knots, because that is where transactions are ranked against each other; below them two knots mark
each `STEP` of surprise, the last value before it and the first one after it, so that the error is under one
step and a value that holds much of the mass keeps its own surprise. A column costs at most 1,000 + 2·3/STEP
knots, some 40 kB, whatever the sample. Past the largest training value the tail is exponential with the
mean excess of the most extreme percent (heavy-tailed features arrive as logarithms, so this is a Pareto tail
of the amount itself; Pickands 1975, with shape 0 because the shape is not estimable from one column's end).

Surprises are multiples of 2^-30: sums of a few of them are exact in any order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.detection.arrays import (
    ArrayReader,
    Arrays,
    by_column,
    by_row,
    frozen,
    reject_unless,
    writable_rows,
)
from fraudwatch.detection.lookup import BLOCK, count_at_most
from fraudwatch.records import ByteArray, FloatArray, IntArray, Side

SIDE_CODES = {Side.HIGH: 0, Side.LOW: 1, Side.RARE: 2}
LOW = 1
RARE = 2

EXACT = 1_000
STEP = 0.005
CATEGORIES = 1_000
"""Categories remembered of one column, the commonest first; the others count as unseen."""

CAP = 20.0
"""No sample of ours supports a tail probability under 1e-20; without a cap one value could drown all else."""

TAIL_SHARE = 0.01
TAIL_LEAST, TAIL_MOST = 20, 1_000
"""The exponential tail is fitted on the most extreme percent, but never on fewer or more values than these."""

GRAIN = 2.0**30
_STEEP = 1e300  # of a tail whose values are next to equal


@dataclass(frozen=True)
class TailTables:
    """Frozen tables of c columns, laid end to end.

    `start` int64[c+1] says where each column's knots begin; `knots` float64[k] are ascending values, turned
    to the alarming side (negated for LOW), or the categories of a RARE column; `levels` float64[k] are
    surprises. `slopes` float64[c] is surprise per unit past the last knot, `ceilings` float64[c] the most a
    column can reach, which is also what an unseen category gets. `sides` uint8[c].
    """

    sides: ByteArray
    start: IntArray
    knots: FloatArray
    levels: FloatArray
    slopes: FloatArray
    ceilings: FloatArray

    @property
    def width(self) -> int:
        """Number of columns."""
        return int(self.sides.shape[0])

    def surprises(self, values: FloatArray) -> FloatArray:
        """float64[n, c] for values float64[n, c]; 0 where a value is NaN. A row depends on no other row."""
        rows = writable_rows(values, self.width)
        return by_row(self.by_column(by_column(rows, self._all), self._all))

    @cached_property
    def _all(self) -> IntArray:
        return np.arange(self.width)

    def by_column(self, values: FloatArray, columns: IntArray) -> FloatArray:
        """The same for some columns only: float64[k, n] for values float64[k, n] of the k `columns`."""
        out = np.empty(values.shape)
        tables = (self.sides, self.start, self.knots, self.levels, self.slopes, self.ceilings)
        _surprises(values, columns, *tables, out)
        return out

    def arrays(self) -> Arrays:
        """What `load` needs, by name."""
        return {
            "sides": self.sides,
            "start": self.start,
            "knots": self.knots,
            "levels": self.levels,
            "slopes": self.slopes,
            "ceilings": self.ceilings,
        }

    @classmethod
    def fit(cls, columns: FloatArray, sides: Sequence[Side], *, past_constant: float = 0.0) -> "TailTables":
        """Learn from float64[n, c], finite or NaN. A column without any value gives surprise 0 to all.

        Past a constant column the surprise is that of nothing like it seen, and rises by `past_constant` a unit.
        """
        parts = [_fit_column(columns[:, i], side, past_constant) for i, side in enumerate(sides)]
        lengths = [part.knots.shape[0] for part in parts]
        return cls(
            sides=frozen([SIDE_CODES[side] for side in sides], np.uint8),
            start=frozen(np.concatenate([[0], np.cumsum(lengths)]), np.int64),
            knots=frozen(np.concatenate([np.empty(0), *(part.knots for part in parts)]), np.float64),
            levels=frozen(np.concatenate([np.empty(0), *(part.levels for part in parts)]), np.float64),
            slopes=frozen([part.slope for part in parts], np.float64),
            ceilings=frozen([part.ceiling for part in parts], np.float64),
        )

    @classmethod
    def load(cls, reader: ArrayReader, sides: Sequence[Side]) -> "TailTables":
        """From `arrays()`; raises ArtefactError for tables that do not fit these columns."""
        count = len(sides)
        codes = reader.take("sides", np.uint8, (count,))
        start = reader.take("start", np.int64, (count + 1,))
        knots = reader.take("knots", np.float64, (None,))
        reject_unless(
            codes.tolist() == [SIDE_CODES[side] for side in sides], "sides", "the sides of the features"
        )
        is_whole = start[0] == 0 and start[-1] == knots.shape[0] and bool((np.diff(start) >= 0).all())
        reject_unless(is_whole, "start", "ascending positions of the knots")
        for i in range(count):
            own = knots[start[i] : start[i + 1]]
            reject_unless(bool((np.diff(own) > 0).all()), "knots", "ascending values in each column")
        levels = reader.take("levels", np.float64, knots.shape)
        slopes = reader.take("slopes", np.float64, (count,))
        ceilings = reader.take("ceilings", np.float64, (count,))
        for name, surprises in (("levels", levels), ("ceilings", ceilings)):
            is_possible = bool(((surprises >= 0.0) & (surprises <= CAP)).all())
            reject_unless(is_possible, name, f"surprises from 0 to {CAP:g}")
        reject_unless(bool((slopes >= 0.0).all()), "slopes", "numbers of 0 or more")
        return cls(sides=codes, start=start, knots=knots, levels=levels, slopes=slopes, ceilings=ceilings)


@dataclass(frozen=True)
class _Column:
    knots: FloatArray
    levels: FloatArray
    slope: float
    ceiling: float


_NOTHING_KNOWN = _Column(np.empty(0), np.empty(0), 0.0, 0.0)


def _fit_column(column: FloatArray, side: Side, past_constant: float) -> _Column:
    seen = column[~np.isnan(column)]
    if seen.size == 0:
        return _NOTHING_KNOWN
    if side is Side.RARE:
        return _fit_categories(seen)
    return _fit_tail(-seen if side is Side.LOW else seen, past_constant)


def commonest_categories(seen: FloatArray) -> tuple[FloatArray, IntArray]:
    """The `CATEGORIES` commonest values, ascending, and how often each occurs."""
    values, counts = np.unique(seen, return_counts=True)
    kept = np.sort(np.argsort(-counts, kind="stable")[:CATEGORIES])
    return values[kept], counts[kept].astype(np.int64)


def _fit_categories(seen: FloatArray) -> _Column:
    categories, counts = commonest_categories(seen)
    return _Column(
        knots=categories,
        levels=-np.log10((1.0 + counts) / (seen.size + 1.0)),
        slope=0.0,
        ceiling=float(np.log10(seen.size + 1.0)),
    )


def _fit_tail(seen: FloatArray, past_constant: float) -> _Column:
    values, counts = np.unique(seen, return_counts=True)
    at_least = np.cumsum(counts[::-1])[::-1]
    levels = np.maximum(-np.log10((1.0 + at_least) / (seen.size + 1.0)), 0.0)
    kept = _knots_to_keep(levels)
    if values.size == 1:
        knots = np.append(values, np.nextafter(values, np.inf))
        return _Column(knots, np.append(levels, np.log10(seen.size + 1.0)), past_constant, CAP)
    slope = 1.0 / max(_mean_excess(seen, values) * np.log(10.0), 1.0 / _STEEP)
    return _Column(values[kept], levels[kept], slope, CAP)


def _knots_to_keep(levels: FloatArray) -> IntArray:
    """Positions of the knots among ascending distinct values with these surprises."""
    count = levels.shape[0]
    exact_from = max(count - EXACT, 0)
    marks = np.arange(0.0, levels[exact_from], STEP)
    after = np.searchsorted(levels[:exact_from], marks, side="left")
    both_sides = np.concatenate([after - 1, after])
    inside = both_sides[(both_sides >= 0) & (both_sides < exact_from)]
    return np.unique(np.concatenate([inside, [0], np.arange(exact_from, count)])).astype(np.int64)


def _mean_excess(seen: FloatArray, values: FloatArray) -> float:
    """Mean excess of the most extreme percent over the threshold that cuts it off; always positive."""
    wanted = int(np.clip(TAIL_SHARE * seen.size, TAIL_LEAST, TAIL_MOST))
    ascending = np.sort(seen)
    # Where the largest value itself holds more than that share, the next distinct one is the threshold.
    threshold = min(ascending[max(seen.size - wanted - 1, 0)], values[-2])
    return float(np.mean(ascending[ascending > threshold] - threshold))


@compiled
def _surprises(
    values: FloatArray,
    columns: IntArray,
    sides: ByteArray,
    start: IntArray,
    knots: FloatArray,
    levels: FloatArray,
    slopes: FloatArray,
    ceilings: FloatArray,
    out: FloatArray,
) -> None:
    counts = np.empty(BLOCK, np.int64)
    turned = np.empty(BLOCK)
    for place in range(values.shape[0]):
        column = columns[place]
        first = start[column]
        end = start[column + 1]
        own = knots[first:end]
        own_levels = levels[first:end]
        for begin in range(0, values.shape[1], BLOCK):
            told = out[place, begin : begin + BLOCK]
            asked = turned[: told.shape[0]]
            asked[:] = values[place, begin : begin + BLOCK]
            if end == first:
                told[:] = 0.0
                continue
            if sides[column] == LOW:
                asked[:] = -asked
            count_at_most(knots, first, end, asked, counts)
            if sides[column] == RARE:
                _rare(asked, counts, own, own_levels, ceilings[column], told)
            else:
                _tail(asked, counts, own, own_levels, slopes[column], ceilings[column], told)


@compiled
def _rare(
    values: FloatArray,
    counts: IntArray,
    knots: FloatArray,
    levels: FloatArray,
    ceiling: float,
    out: FloatArray,
) -> None:
    for row in range(values.shape[0]):
        place = np.uint64(max(counts[row] - 1, 0))
        surprise = levels[place] if knots[place] == values[row] else ceiling
        out[row] = 0.0 if np.isnan(values[row]) else np.floor(surprise * GRAIN + 0.5) / GRAIN


@compiled
def _tail(
    values: FloatArray,
    counts: IntArray,
    knots: FloatArray,
    levels: FloatArray,
    slope: float,
    ceiling: float,
    out: FloatArray,
) -> None:
    last = knots.shape[0] - 1
    for row in range(values.shape[0]):
        below = np.uint64(max(counts[row] - 1, 0))
        above = np.uint64(min(counts[row], last))
        is_between = 0 < counts[row] <= last
        beyond = max(values[row] - knots[below], 0.0)  # below the first knot as on it
        gap = knots[above] - knots[below] if is_between else 1.0
        part = beyond / gap if is_between else 0.0
        between = levels[below] + (levels[above] - levels[below]) * part
        past = levels[last] + beyond * slope
        surprise = between if counts[row] <= last else (past if past < ceiling else ceiling)
        surprise = levels[below] if beyond == 0.0 else surprise
        out[row] = 0.0 if np.isnan(values[row]) else np.floor(surprise * GRAIN + 0.5) / GRAIN
