"""What an account did up to a transaction, read from what is kept of it."""

import numpy as np
import pytest
from by_columns import columns_of
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import DAY, HOUR, START, make, streams

from fraudwatch.config.settings import Settings
from fraudwatch.features import History
from fraudwatch.records import Transaction, Transactions

KEPT = 30 * DAY + HOUR
"""The longest window and the grace."""


def evidence(history: History, account: int, until: int, most: int = 9) -> list[tuple[int, int, int]]:
    return list(zip(*(array.tolist() for array in history.evidence(account, until, most)), strict=True))


def folded(stream: list[Transaction], first_offset: int = 0) -> tuple[History, Transactions]:
    history, columns = History(Settings()), columns_of(stream, first_offset)
    history.fold(columns)
    return history, columns


def test_the_newest_by_event_time_up_to_an_offset() -> None:
    times = [0, 5 * HOUR, 4 * HOUR + HOUR // 2, 6 * HOUR, 7 * HOUR]
    history, columns = folded([make(i, "a", START + time, 10 + i) for i, time in enumerate(times)], 7_000)
    found = evidence(history, columns.accounts[0], 7_003, 3)
    assert found == [(START + times[i], 10 + i, 7_000 + i) for i in (2, 1, 3)]
    assert len(evidence(history, columns.accounts[0], 7_004)) == 5


def test_the_amount_is_the_one_asked_for_also_where_it_was_declined() -> None:
    history, columns = folded([make(0, "a", START, 2**40 - 1, status="declined")])
    assert evidence(history, columns.accounts[0], 0) == [(START, 2**40 - 1, 0)]


@pytest.mark.parametrize("offset", [0, 2**23 - 1, 2**23, 2**46 - 1])
@pytest.mark.parametrize("time", [START, 0, -(10**12), 4 * 10**12])
def test_offsets_and_times_of_any_size_come_back(offset: int, time: int) -> None:
    history, columns = folded([make(0, "a", time, 12)], offset)
    assert evidence(history, columns.accounts[0], offset) == [(time, 12, offset)]


def test_of_an_account_nobody_knows_there_is_none() -> None:
    history, columns = folded([make(0, "a", START, 1)])
    assert evidence(history, int(columns.accounts[0]) + 1, 0) == []


@settings(max_examples=150)
@given(streams(), st.integers(1, 60), st.integers(1, 12))
def test_evidence_is_a_function_of_what_had_come_however_the_stream_is_cut(
    stream: list[Transaction], cut: int, most: int
) -> None:
    history, kept = History(Settings()), {}
    for begin in range(0, len(stream), cut):
        columns = columns_of(stream[begin : begin + cut], begin)
        history.fold(columns)
        for row, transaction in enumerate(stream[begin : begin + cut]):
            held = kept.setdefault(transaction.account_id, [])
            newest = max((time for time, _, _ in held), default=transaction.event_time_ms)
            if transaction.event_time_ms >= newest - HOUR:
                held.append((transaction.event_time_ms, transaction.amount_minor, begin + row))
            newest = max(time for time, _, _ in held)
            expected = sorted((one for one in held if one[0] > newest - KEPT), key=lambda one: one[0])[-most:]
            assert evidence(history, int(columns.accounts[row]), begin + row, most) == expected


def test_evidence_is_of_plain_arrays() -> None:
    history, columns = folded([make(i, "a", START + i, i) for i in range(5)])
    times, amounts, offsets = history.evidence(int(columns.accounts[0]), 3, 2)
    assert times.dtype == amounts.dtype == offsets.dtype == np.int64
    assert offsets.tolist() == [2, 3]
