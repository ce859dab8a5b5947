"""Duplicates are found within the horizon, and memory does not grow past it."""

import msgspec
import numpy as np
import pytest
from by_columns import columns_of
from hypothesis import given, settings
from hypothesis import strategies as st

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Lateness, Settings
from fraudwatch.features import History
from fraudwatch.records import Outcome, Transaction

HOUR = 3_600_000


def remembering(hours: int) -> Settings:
    return Settings(lateness=Lateness(dedup_horizon=Duration(hours * HOUR)))


def at(hours: float, identifier: str = "t", account: str = "a", amount: int = 5) -> Transaction:
    return Transaction(identifier, account, int(hours * HOUR), amount, "EUR")


def found(*transactions: Transaction) -> list[str]:
    """`new`, `duplicate` or `conflict` for each, with a horizon of 24 h."""
    history, words = History(remembering(24)), []
    for transaction in transactions:
        observed = history.fold(columns_of([transaction]))
        is_repeat = observed.outcome[0] == Outcome.DUPLICATE.value
        words.append("conflict" if observed.conflicts else "duplicate" if is_repeat else "new")
    return words


def test_the_same_id_again_is_a_duplicate_and_with_other_content_a_conflict() -> None:
    assert found(at(0), at(0), at(0, amount=6)) == ["new", "duplicate", "conflict"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("counterparty_id", "x"),
        ("amount_minor", 6),
        ("device_id", "d"),
        ("event_time_ms", 1),
        ("status", "declined"),
    ],
)
def test_any_changed_field_is_a_conflict(field: str, value: object) -> None:
    assert found(at(0), msgspec.structs.replace(at(0), **{field: value})) == ["new", "conflict"]


def test_an_id_names_a_transaction_of_one_account() -> None:
    assert found(at(0, "1", "ab"), at(0, "b1", "a")) == ["new", "new"]
    assert found(at(0, "a", "b"), at(0, "b", "a"), at(0, "a", "a"), at(0, "b", "b")) == ["new"] * 4


def test_beyond_the_horizon_an_id_is_new_again() -> None:
    stream = [at(0), at(24, "other"), at(0), at(24.5, "another"), at(0)]
    assert found(*stream) == ["new", "new", "duplicate", "new", "new"]


def test_an_early_arrival_from_the_future_does_not_keep_others_alive_or_kill_them() -> None:
    stream = [at(20, "ahead"), at(1, "behind"), at(25.5, "now"), at(20, "ahead"), at(1, "behind")]
    assert found(*stream) == ["new", "new", "new", "duplicate", "new"]


def test_memory_is_bounded_by_the_horizon() -> None:
    history = History(remembering(10))
    before = history._state.seen.nbytes
    history.fold(columns_of([at(index, f"t{index}") for index in range(50_000)]))
    assert history._state.seen.nbytes == before


class Plain:
    """The rules once more, with dictionaries that forget nothing."""

    def __init__(self, horizon: int) -> None:
        self.horizon, self.newest, self.seen = horizon, -(10**18), {}

    def check(self, transaction: Transaction) -> str:
        self.newest = max(self.newest, transaction.event_time_ms)
        key = transaction.account_id, transaction.transaction_id
        before = self.seen.get(key)
        if before is not None and before.event_time_ms >= self.newest - self.horizon:
            return "duplicate" if before == transaction else "conflict"
        self.seen[key] = transaction
        return "new"


arrivals = st.lists(
    st.builds(
        at,
        st.floats(0, 60),
        st.sampled_from("stuvw"),
        st.sampled_from("ab"),
        st.sampled_from([5, 6]),
    ),
    max_size=60,
)


@settings(max_examples=100)
@given(arrivals)
def test_repeats_are_those_of_a_memory_that_forgets_nothing(stream: list[Transaction]) -> None:
    plain = Plain(24 * HOUR)
    assert found(*stream) == [plain.check(transaction) for transaction in stream]


@pytest.mark.parametrize("cut", [1, 97, 30_000])
def test_repeats_are_found_across_growth_and_batches(cut: int) -> None:
    random = np.random.default_rng(4)
    stream = [at(i / 300, f"t{random.integers(max(0, i - 2_000), i + 1)}") for i in range(30_000)]
    plain, history = Plain(10 * HOUR), History(remembering(10))
    expected = [plain.check(transaction) for transaction in stream]
    parts = [history.fold(columns_of(stream[begin : begin + cut])) for begin in range(0, len(stream), cut)]
    outcome = np.concatenate([part.outcome for part in parts])
    assert (outcome == Outcome.DUPLICATE.value).tolist() == [word != "new" for word in expected]
    assert sum(part.conflicts for part in parts) == expected.count("conflict")
