"""Every column of the history equals a brute-force recomputation over everything that has arrived."""

import numpy as np
import pytest
from by_columns import columns_of
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Oracle,
    assert_equal_to_oracle,
    assert_row_equals,
    column,
    make,
    slack,
    streams,
)

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Features, Lateness, Settings
from fraudwatch.features import History, arrays
from fraudwatch.features.columns import Aggregate, Column, window_column
from fraudwatch.records import Transaction


@settings(max_examples=200)
@given(
    streams(),
    st.lists(st.integers(0, 60), max_size=6),
    st.sampled_from(["UTC", "Europe/Paris"]),
    st.sampled_from([HOUR, 0, 6 * DAY]),
)
def test_columns_equal_a_recomputation_however_the_stream_is_cut(
    stream: list[Transaction], cuts: list[int], zone: str, grace: int
) -> None:
    lateness = Lateness(grace=Duration(grace))
    assert_equal_to_oracle(Settings(features=Features(zone=zone), lateness=lateness), stream, cuts)


@settings(max_examples=60)
@given(streams(), st.lists(st.integers(1, 3_000_000_000), min_size=1, max_size=5, unique=True))
def test_columns_equal_a_recomputation_for_any_windows(stream: list[Transaction], windows: list[int]) -> None:
    lengths = tuple(Duration(length) for length in sorted(windows))
    configured = Settings(
        features=Features(windows=lengths), lateness=Lateness(grace=Duration(min(HOUR, windows[0])))
    )
    assert_equal_to_oracle(configured, stream, [])


def test_thousands_in_an_hour_and_late_ones_among_them_stay_exact() -> None:
    random = np.random.default_rng(11)
    stream = []
    for index in range(2_500):
        late = int(random.integers(0, HOUR)) if random.random() < 0.3 else 0
        counterparty, amount = f"c{random.integers(60)}", int(random.integers(1, 500)) + index
        stream.append(make(index, "one", START + 2_000 * index - late, amount, counterparty_id=counterparty))
    observed = History(Settings(), described=True).fold(columns_of(stream))
    oracle = Oracle(Settings())
    for index, transaction in enumerate(stream):
        if index % 59 == 0:
            assert_row_equals(oracle, transaction, observed, index)
        else:
            oracle.remember(transaction)


def test_five_thousand_transactions_on_one_account_stay_exact() -> None:
    random = np.random.default_rng(7)
    now, stream = START, []
    for index in range(5_000):
        now += int(random.exponential(10 * MINUTE))
        late = int(random.integers(0, HOUR)) if random.random() < 0.05 else 0
        stream.append(
            make(
                index,
                "one",
                now - late,
                int(random.lognormal(8, 2)),
                counterparty_id=f"c{random.integers(300)}",
            )
        )
    history = History(Settings(), described=True)
    observed = history.fold(columns_of(stream))
    oracle = Oracle(Settings())
    for index, transaction in enumerate(stream):
        if index % 97 == 0 or index > 4_980:
            _, expected = oracle.judge(transaction)
            moved = sum(event.money for event in oracle.events)
            for name, wanted in expected.items():
                found = observed.columns[index, column(name)]
                assert abs(found - wanted) <= slack(name, moved), (name, index)
        else:
            oracle.remember(transaction)


def mixed_stream(transactions: int, accounts: int) -> list[Transaction]:
    random = np.random.default_rng(3)
    return [
        make(
            index,
            f"a{random.integers(accounts)}",
            START + 60_000 * index - int(random.integers(0, 2 * HOUR)),
            int(amount),
            counterparty_id=f"c{random.integers(9)}",
            direction=("credit", "debit")[index % 2],
            status=("approved", "declined")[int(random.random() < 0.1)],
            latitude=random.uniform(-90, 90) if index > transactions // 2 else None,
            longitude=random.uniform(-180, 180),
        )
        for index, amount in enumerate(random.lognormal(7, 1.5, transactions))
    ]


@pytest.mark.parametrize("cut", [1, 7, 500])
def test_columns_are_the_same_to_the_bit_however_the_stream_is_cut(cut: int) -> None:
    stream = mixed_stream(3_000, 40)
    whole = History(Settings(), described=True).fold(columns_of(stream))
    pieces = History(Settings(), described=True)
    parts = [pieces.fold(columns_of(stream[begin : begin + cut])) for begin in range(0, len(stream), cut)]
    assert np.concatenate([part.columns for part in parts]).tobytes() == whole.columns.tobytes()
    assert np.concatenate([part.outcome for part in parts]).tobytes() == whole.outcome.tobytes()


def test_without_windows_the_other_columns_have_the_same_bits() -> None:
    stream = columns_of(mixed_stream(3_000, 40))
    narrow, whole = History(Settings()).fold(stream), History(Settings(), described=True).fold(stream)
    assert narrow.columns.tobytes() == whole.columns[:, : len(Column)].tobytes()
    assert narrow.outcome.tobytes() == whole.outcome.tobytes()


@pytest.mark.parametrize("partitions", [2, 5])
def test_columns_are_the_same_to_the_bit_however_accounts_are_spread(partitions: int) -> None:
    stream = mixed_stream(3_000, 40)
    whole = History(Settings(), described=True).fold(columns_of(stream)).columns
    for partition in range(partitions):
        rows = [i for i, t in enumerate(stream) if int(t.account_id[1:]) % partitions == partition]
        alone = History(Settings(), described=True).fold(columns_of([stream[row] for row in rows])).columns
        assert alone.tobytes() == whole[rows].tobytes()


@pytest.mark.parametrize("often", [3, 6, 11, 17, 26])
def test_a_ring_goes_round_many_times_whatever_its_size(often: int) -> None:
    """So many kept at a time, falling amounts, each a maximum, and now and then one that comes late."""
    draws = np.random.default_rng(often)
    stream, time = [], START
    for number in range(12 * often):
        time += int(draws.integers(1, 2 * 30 * DAY // often))
        amount = 1_000_000 - 997 * number
        stream.append(make(number, "one", time - int(number % 5 == 4) * HOUR // 2, amount))
    assert_equal_to_oracle(Settings(), stream, [])
    assert_equal_to_oracle(Settings(), stream, list(range(0, len(stream), 3)))


def test_many_accounts_and_counterparties_outgrow_every_table() -> None:
    stream = [
        make(index, f"a{index % 3_000}", START + index, 100 + index, counterparty_id=f"c{index % 7_000}")
        for index in range(21_000)
    ]
    columns = History(Settings(), described=True).fold(columns_of(stream)).columns
    assert (columns[-3_000:, Column.OWN_COUNT] == 6).all()
    assert (columns[3_000:, Column.NEW_COUNTERPARTY] == 1).all()
    assert (columns[-3_000:, window_column(1, Aggregate.COUNTERPARTIES)] == 7).all()


def test_an_account_and_a_kept_transaction_cost_the_memory_that_is_documented() -> None:
    assert (arrays.ACCOUNT.itemsize, arrays.WINDOW.itemsize) == (320, 64)
    assert (arrays.EVENT.itemsize, arrays.PLACE.itemsize) == (40, 8)
    state = arrays.empty_state(1, 5, arrays.FIRST_BLOCK, 1, 1)
    assert state.accounts.nbytes + state.windows.nbytes + state.events.nbytes <= 1024


@pytest.mark.parametrize("quiet_days", [35, 45, 130, 365 * 29])
def test_a_transaction_years_late_has_no_pressure_made_of_rounding_errors(quiet_days: int) -> None:
    for seed in range(20):
        amounts_since = np.random.default_rng(seed).lognormal(6, 2, 30)
        begin = START + quiet_days * DAY
        stream = [make(0, "one", START, 500)]
        stream += [make(1 + i, "one", begin + 7 * i * MINUTE, int(a)) for i, a in enumerate(amounts_since)]
        stream.append(make(99, "one", START + DAY, 700))
        assert_equal_to_oracle(Settings(), stream, [])
