"""Memory: what the kept transactions of many accounts take, and that moving them about changes nothing."""

import numpy as np
import pytest
from by_columns import columns_of
from oracle import HOUR, START, make

from fraudwatch.config.settings import Settings
from fraudwatch.features import History, history
from fraudwatch.records import Transaction

ACCOUNTS, EACH = 3_000, 20


def stream() -> list[Transaction]:
    """So many transactions of each of so many accounts, within every window, half of them with a place."""
    return [
        make(
            turn * ACCOUNTS + account,
            f"a{account}",
            START + turn * HOUR,
            100 + turn,
            counterparty_id=f"c{(turn * account) % 5}",
            latitude=float(turn) if account % 2 else None,
            longitude=float(account % 180),
        )
        for turn in range(EACH)
        for account in range(ACCOUNTS)
    ]


def test_blocks_that_were_outgrown_take_no_room_for_good() -> None:
    kept = History(Settings())
    kept.fold(columns_of(stream()))
    smallest_power = 32  # that holds 20
    assert len(kept._state.events) <= ACCOUNTS * smallest_power * (1 + 1 / history.SPARE) + 1
    assert len(kept._state.places) == len(kept._state.events)


def test_what_is_kept_is_the_same_wherever_it_was_moved(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = columns_of(stream())
    moved = History(Settings(), described=True)
    found = moved.fold(rows)
    monkeypatch.setattr(history, "FIRST_EVENTS", 10_000_000)
    still = History(Settings(), described=True)
    assert len(still._state.events) > ACCOUNTS * EACH * 4
    wanted = still.fold(rows)
    np.testing.assert_array_equal(found.columns, wanted.columns)
    for row in (0, len(rows) - 1):
        account, offset = int(rows.accounts[row]), int(rows.offsets[-1])
        for one, other in zip(
            moved.evidence(account, offset, 50), still.evidence(account, offset, 50), strict=True
        ):
            assert one.tolist() == other.tolist()
