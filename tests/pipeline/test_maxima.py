"""The largest composites of account-days are those that looking at every row would give."""

import pickle
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.pipeline.maxima import DailyMaxima
from fraudwatch.records import FloatArray

WIDTH = 3
LOTS = st.lists(st.integers(0, 40), max_size=300) | st.lists(st.integers(0, 2**64 - 1), max_size=300)


def table_of(lots: list[int], seed: int) -> FloatArray:
    return np.random.default_rng(seed).integers(0, 9, (len(lots), WIDTH)).astype(np.float64)


def largest(lots: list[int], table: FloatArray, limit: int) -> list[list[float]]:
    """The maxima of each lot, those of the smallest lots."""
    found: defaultdict[int, list[list[float]]] = defaultdict(list)
    for lot, row in zip(lots, table.tolist(), strict=True):
        found[lot].append(row)
    return [[max(column) for column in zip(*found[lot], strict=True)] for lot in sorted(found)[:limit]]


def offer(maxima: DailyMaxima, lots: list[int], table: FloatArray, begin: int, end: int) -> None:
    rows = np.arange(begin, min(end, len(lots)))
    maxima.offer(np.array(lots, dtype=np.uint64)[rows], table, rows)


@given(
    lots=LOTS,
    limit=st.integers(1, 40),
    cuts=st.lists(st.integers(1, 90), min_size=1, max_size=6),
    seed=st.integers(0, 99),
    is_crowded=st.booleans(),
)
def test_what_is_held_are_the_maxima_of_the_smallest_lots_in_whatever_batches_they_come(
    lots: list[int], limit: int, cuts: list[int], seed: int, is_crowded: bool
) -> None:
    table, maxima = table_of(lots, seed), DailyMaxima(WIDTH, limit)
    begin = turn = 0
    while begin < len(lots):
        end = begin + cuts[turn % len(cuts)]
        offer(maxima, lots, table, begin, end)
        begin, turn = end, turn + 1
        if is_crowded:  # whenever it merges what it holds, nothing is lost
            maxima.held()
    assert maxima.rows().tolist() == largest(lots, table, limit)


@given(lots=LOTS, at=st.integers(0, 300))
def test_two_of_them_together_hold_what_one_would_have(lots: list[int], at: int) -> None:
    table, parts = table_of(lots, 1), [DailyMaxima(WIDTH, 20), DailyMaxima(WIDTH, 20)]
    offer(parts[0], lots, table, 0, at)
    offer(parts[1], lots, table, at, len(lots))
    together = DailyMaxima(WIDTH, 20)
    for part in parts:
        together.take_in(part)
    assert together.rows().tolist() == largest(lots, table, 20)


def test_a_pickled_one_goes_on_where_it_was() -> None:
    lots = np.random.default_rng(3).integers(0, 900, 9_000).tolist()
    table, maxima = table_of(lots, 2), DailyMaxima(WIDTH, 300)
    offer(maxima, lots, table, 0, 5_000)
    again = pickle.loads(pickle.dumps(maxima))
    offer(again, lots, table, 5_000, 9_000)
    assert again.rows().tolist() == largest(lots, table, 300)


def test_it_holds_no_more_than_twice_what_came_at_once_beyond_its_limit() -> None:
    maxima = DailyMaxima(WIDTH, 2_000)
    for seed in range(60):
        lots = np.random.default_rng(seed).integers(0, 2**60, 1_000).tolist()
        offer(maxima, lots, table_of(lots, seed), 0, 1_000)
    assert len(maxima._lots) <= 2 * (2_000 + 1_000)
