"""Duplicates are found within the horizon, and memory does not grow past it."""

import msgspec

from fraudwatch.features.repeats import SeenTransactions
from fraudwatch.records import Transaction

HOUR = 3_600_000


def at(hours: float, identifier: str = "t", account: str = "a", amount: int = 5) -> Transaction:
    return Transaction(identifier, account, int(hours * HOUR), amount, "EUR")


def test_the_same_id_again_is_a_duplicate_and_with_other_content_a_conflict() -> None:
    seen = SeenTransactions(24 * HOUR)
    assert [seen.check(at(0)), seen.check(at(0)), seen.check(at(0, amount=6))] == [
        "new",
        "duplicate",
        "conflict",
    ]


def test_any_changed_field_is_a_conflict() -> None:
    seen = SeenTransactions(24 * HOUR)
    seen.check(at(0))
    assert seen.check(msgspec.structs.replace(at(0), counterparty_id="x")) == "conflict"


def test_an_id_names_a_transaction_of_one_account() -> None:
    seen = SeenTransactions(24 * HOUR)
    assert [seen.check(at(0, "1", "ab")), seen.check(at(0, "b1", "a"))] == ["new", "new"]


def test_beyond_the_horizon_an_id_is_new_again() -> None:
    seen = SeenTransactions(24 * HOUR)
    seen.check(at(0))
    seen.check(at(24, "other"))
    assert seen.check(at(0)) == "duplicate"
    seen.check(at(24.5, "another"))
    assert seen.check(at(0)) == "new"


def test_an_early_arrival_from_the_future_does_not_keep_others_alive_or_kill_them() -> None:
    seen = SeenTransactions(24 * HOUR)
    seen.check(at(20, "ahead"))
    seen.check(at(1, "behind"))
    seen.check(at(25.5, "now"))
    assert seen.check(at(20, "ahead")) == "duplicate"
    assert seen.check(at(1, "behind")) == "new"


def test_memory_is_bounded_by_the_horizon() -> None:
    seen = SeenTransactions(10 * HOUR)
    for index in range(10_000):
        seen.check(at(index, f"t{index}"))
    assert len(seen) <= 12
