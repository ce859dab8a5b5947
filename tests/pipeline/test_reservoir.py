"""The reservoir holds what sorting everything would have put first."""

import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.pipeline.reservoir import Reservoir

WIDTH = 3


def smallest(lots: np.ndarray, table: np.ndarray, limit: int) -> np.ndarray:
    """Everything sorted by lot, then by content from the first column on."""
    everything = sorted(zip(lots.tolist(), table.tolist(), strict=True))
    return np.array([row for _, row in everything[:limit]]).reshape(-1, WIDTH)


def table_of(lots: np.ndarray, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3, (len(lots), WIDTH)).astype(np.float64)


@given(
    lots=st.lists(st.integers(0, 6), max_size=300) | st.lists(st.integers(0, 2**64 - 1), max_size=300),
    limit=st.integers(1, 40),
    cuts=st.lists(st.integers(1, 90), min_size=1, max_size=6),
    seed=st.integers(0, 99),
)
def test_what_is_held_are_the_smallest_lots_in_whatever_batches_they_come(
    lots: list[int], limit: int, cuts: list[int], seed: int
) -> None:
    of = np.array(lots, dtype=np.uint64)
    table = table_of(of, seed)
    reservoir = Reservoir(limit)
    begin = turn = 0
    while begin < len(of):
        rows = np.arange(begin, min(begin + cuts[turn % len(cuts)], len(of)))
        reservoir.offer(of[rows], table, rows)
        begin, turn = begin + len(rows), turn + 1
    if len(of):
        assert reservoir.rows().tolist() == smallest(of, table, limit).tolist()


@given(lots=st.lists(st.integers(0, 200), min_size=2, max_size=200), at=st.integers(0, 200))
def test_two_of_them_together_hold_what_one_would_have(lots: list[int], at: int) -> None:
    of = np.array(lots, dtype=np.uint64)
    table, rows = table_of(of, 1), np.arange(len(of))
    parts = [Reservoir(20), Reservoir(20)]
    for part, mine in zip(parts, (rows < at, rows >= at), strict=True):
        part.offer(of[mine], table, rows[mine])
    together = Reservoir(20)
    for part in parts:
        together.take_in(part)
    assert together.rows().tolist() == smallest(of, table, 20).tolist()


def test_a_pickled_one_goes_on_where_it_was() -> None:
    of = np.random.default_rng(3).permutation(500).astype(np.uint64)
    table, rows = table_of(of, 2), np.arange(500)
    reservoir = Reservoir(30)
    reservoir.offer(of[:300], table, rows[:300])
    again = pickle.loads(pickle.dumps(reservoir))
    again.offer(of[300:], table, rows[300:])
    assert again.rows().tolist() == smallest(of, table, 30).tolist()
