"""The compiled edges of lanes against the plainest that can be written, to the bit, however the rows were cut."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import settings as example_settings
from hypothesis import strategies as st
from plain_edge import DAY_MS, explored
from plain_lanes import EdgeWithLanes, PlainLanes

from fraudwatch.alerts.budget import Budget
from fraudwatch.alerts.edge import Edge
from fraudwatch.alerts.lanes import Lanes
from fraudwatch.records import FloatArray, LaneSpec, Text, Theme

START_MS = 1_533_686_400_000
REFERENCE = -np.log10((np.arange(5_000) + 0.5) / 5_000)
TEXT = Text("found", "trouvé")
SPECS = [LaneSpec(name, name.upper(), Theme.NETWORK, TEXT, TEXT) for name in ("one", "two", "three", "four")]

Columns = tuple[Any, Any, Any, Any]


def stream(
    seed: int, count: int, accounts: int, pause_ms: float, late: float, lanes: int
) -> tuple[Columns, FloatArray]:
    """Accounts, times, scores and ids; and surprises, many of them 0: lanes are continuous, in steps, or late."""
    draw = np.random.default_rng(seed)
    names = draw.integers(-(2**63), 2**63 - 1, accounts)
    times = START_MS + np.cumsum(draw.exponential(pause_ms, count)).astype(np.int64)
    times -= (draw.random(count) < late) * draw.integers(0, 2 * DAY_MS, count)
    scores = draw.exponential(0.6, count)
    surprises = -np.log10(draw.random((lanes, count)))
    surprises[1::3] = np.floor(surprises[1::3])
    surprises[2::3, : count // 2] = 0.0
    surprises[draw.random((lanes, count)) < 0.3] = 0.0
    surprises[:, draw.random(count) < 0.002] = 1e9
    ids = draw.integers(-(2**63), 2**63 - 1, count)
    return (names[draw.integers(0, accounts, count)], times, scores, ids), surprises


def told(edge: Any, thresholds: FloatArray, lanes: Any) -> list[float]:
    at = [*thresholds.ravel().tolist(), 0.0, 2.5, 7.0]
    return [edge.raised_from, *thresholds.ravel().tolist(), *(lanes.rank(surprise) for surprise in at)]


def by_rows(
    budget: Budget,
    of_lanes: Budget,
    weights: list[float],
    columns: Columns,
    surprises: FloatArray,
    cuts: list[int],
) -> tuple[list[Any], list[list[float]]]:
    """What stood out and whose edge it reached; every third joins an older episode, the others open one."""
    edge, lanes = Edge(budget), Lanes(SPECS[: len(weights)], of_lanes, np.array(weights))
    edge.use(REFERENCE, 2_000.0)
    lanes.start(edge.newest_ms, edge.account_days_a_day)
    found: list[Any] = []
    states = []
    begin = 0
    for end in sorted({*cuts, len(columns[0])}):
        part = [column[:end] for column in columns]
        while (row := edge.observe_rows(*part, begin, lanes, surprises[:, :end])) < end:
            reached = lanes.reached(surprises[:, row].tolist())
            found.append((row, reached))
            _decide(edge, lanes, len(found), reached, int(columns[0][row]), int(columns[1][row]))
            begin = row + 1
        begin = end
        states.append(told(edge, lanes.thresholds, lanes))
    return found, states


def one_by_one(
    budget: Budget,
    of_lanes: Budget,
    weights: list[float],
    columns: Columns,
    surprises: FloatArray,
    cuts: list[int],
) -> tuple[list[Any], list[list[float]]]:
    edge = EdgeWithLanes(budget)
    edge.use(REFERENCE, 2_000.0)
    lanes = PlainLanes(weights, of_lanes, edge)
    found: list[Any] = []
    states = []
    ends = {*cuts, len(columns[0])}
    rows = zip(*(column.tolist() for column in columns), surprises.T.tolist(), strict=True)
    for row, (account, time_ms, score, transaction, said) in enumerate(rows):
        reaches_edge = score >= edge.observe(account, time_ms, score)
        reached = lanes.observe(account, time_ms, said)
        if reaches_edge or reached or explored(transaction) < edge.explored_below:
            found.append((row, reached))
            _decide(edge, lanes, len(found), reached, account, time_ms)
        if row + 1 in ends:
            thresholds = np.array([lane.thresholds for lane in lanes.lanes]).T
            states.append(told(edge, thresholds, lanes))
    return found, states


def _decide(edge: Any, lanes: Any, number: int, reached: list[int], account: int, time_ms: int) -> None:
    if number % 3 == 0:
        edge.joined(account, time_ms - DAY_MS)
        for place in reached:
            lanes.joined(place, account, time_ms - DAY_MS)
    elif reached:
        lanes.opened()
    else:
        edge.opened()


@example_settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(1, 3_000),
    accounts=st.sampled_from([1, 7, 300, 3_000]),
    pause_ms=st.sampled_from([20.0, 20_000.0, 300_000.0]),
    late=st.sampled_from([0.0, 0.2]),
    budget=st.sampled_from([0.5, 40.0, 1e6]),
    weights=st.lists(st.sampled_from([1.0, 0.1, 0.37]), min_size=1, max_size=4),
    cuts=st.lists(st.integers(1, 3_000), max_size=6),
)
def test_lanes_are_observed_as_one_by_one_however_rows_are_cut(
    seed: int,
    count: int,
    accounts: int,
    pause_ms: float,
    late: float,
    budget: float,
    weights: list[float],
    cuts: list[int],
) -> None:
    columns, surprises = stream(seed, count, accounts, pause_ms, late, len(weights))
    given = (
        Budget(budget, 0.1, 1),
        Budget(budget / 2, 0.0, 1),
        weights,
        columns,
        surprises,
        [min(cut, count) for cut in cuts],
    )
    assert by_rows(*given) == one_by_one(*given)


def test_the_tables_of_lanes_grow_with_the_accounts_of_a_day() -> None:
    columns, surprises = stream(5, 20_000, 15_000, 1_000.0, 0.01, 4)
    given = (Budget(40.0, 0.05, 4), Budget(20.0, 0.0, 4), [1.0] * 4, columns, surprises + 1.0, [7_000])
    assert by_rows(*given) == one_by_one(*given)
