"""A history is given as named arrays and goes on from them as if nothing had happened."""

import io

import numpy as np
import pytest
from by_columns import columns_of
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import HOUR, START, make, streams

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Features, Lateness, Settings
from fraudwatch.errors import SnapshotError
from fraudwatch.features import History
from fraudwatch.records import Transaction


def saved(history: History, configured: Settings) -> History:
    """Through a file and back."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **history.state())
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return History.of(configured, dict(arrays), described=True)


@settings(max_examples=100)
@given(streams(accounts=6), streams(accounts=6), st.sampled_from([3, 100]))
def test_what_follows_is_the_same_to_the_bit(
    first: list[Transaction], then: list[Transaction], most: int
) -> None:
    configured = Settings(features=Features(max_accounts=most))
    history = History(configured, described=True)
    history.fold(columns_of(first))
    restored = saved(history, configured)
    # Ids of both begin with t0: some are repeats.
    again, expected = restored.fold(columns_of(then, 100)), history.fold(columns_of(then, 100))
    for name in ("outcome", "columns", "new_accounts"):
        assert getattr(again, name).tobytes() == getattr(expected, name).tobytes()
    assert (again.conflicts, again.evicted, again.returned) == (
        expected.conflicts,
        expected.evicted,
        expected.returned,
    )
    for account in set(columns_of(then).accounts.tolist()):
        for one, other in zip(
            restored.evidence(account, 130, 9), history.evidence(account, 130, 9), strict=True
        ):
            assert one.tolist() == other.tolist()


def test_large_tables_come_back() -> None:
    configured = Settings(
        features=Features(max_accounts=9_000), lateness=Lateness(dedup_horizon=Duration(6 * HOUR))
    )
    stream = [
        make(index, f"a{index * 7919 % 20_011}", START + index * 700, index, counterparty_id=f"c{index % 13}")
        for index in range(45_000)
    ]
    history = History(configured, described=True)
    history.fold(columns_of(stream[:30_000]))
    restored = saved(history, configured)
    assert len(restored) == len(history) == 9_000
    again = restored.fold(columns_of(stream[29_000:]))
    assert again.columns.tobytes() == history.fold(columns_of(stream[29_000:])).columns.tobytes()
    assert (again.outcome[:1_000] == again.outcome[0]).all()


def test_an_empty_history_comes_back() -> None:
    assert len(saved(History(Settings()), Settings())) == 0


def test_a_history_kept_with_other_windows_is_refused() -> None:
    other = Settings(features=Features(windows=(Duration(HOUR),)))
    with pytest.raises(SnapshotError, match=r"features\.windows.*fold the log again"):
        saved(History(Settings()), other)
