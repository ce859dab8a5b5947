"""Beyond `features.max_accounts` the least recently active account goes; when it returns it is not new."""

import math

import numpy as np
import pytest
from by_columns import columns_of
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import DAY, HOUR, START, Oracle, assert_row_equals, make, streams

from fraudwatch.config.settings import Features, Settings
from fraudwatch.features import Catalogue, History
from fraudwatch.features.columns import Column
from fraudwatch.records import Outcome, Transaction


def keeping(accounts: int) -> Settings:
    return Settings(features=Features(max_accounts=accounts))


def of_accounts(accounts: str, hours: float = 1) -> list[Transaction]:
    """One transaction after the other, each with the counterparty named like the account."""
    return [
        make(index, account, START + int(index * hours * HOUR), 100, counterparty_id=f"with {account}")
        for index, account in enumerate(accounts)
    ]


def test_the_least_recently_active_goes_and_is_counted() -> None:
    history = History(keeping(2))
    observed = history.fold(columns_of(of_accounts("abacab")))
    # c lets go of b, which lets go of c: a was active in between.
    assert observed.columns[:, Column.OWN_COUNT].tolist() == [0, 0, 1, 0, 2, 0]
    assert (observed.evicted, observed.returned, len(observed.new_accounts), len(history)) == (2, 1, 3, 2)


def test_activity_is_by_order_of_arrival_and_not_by_event_time() -> None:
    stream = [make(0, "a", START + DAY, 1), make(1, "b", START, 1), make(2, "c", START + DAY, 1)]
    stream.append(make(3, "b", START + DAY, 1))
    assert History(keeping(2)).fold(columns_of(stream)).columns[-1, Column.OWN_COUNT] == 1


def test_a_repeated_transaction_is_no_activity() -> None:
    first, second, third = of_accounts("abc")
    observed = History(keeping(2)).fold(columns_of([first, second, first, third, of_accounts("abcb")[3]]))
    assert observed.outcome[2] == Outcome.DUPLICATE.value
    assert observed.columns[-1, Column.OWN_COUNT] == 1


def test_a_repeated_transaction_of_an_account_let_go_of_is_still_one() -> None:
    first, second = of_accounts("ab")
    observed = History(keeping(1)).fold(columns_of([first, second, first]))
    assert observed.outcome[-1] == Outcome.DUPLICATE.value
    assert observed.evicted == 1


def test_what_returns_is_not_new_and_of_unknown_age_until_its_history_is_whole() -> None:
    history = History(keeping(1))
    history.fold(columns_of(of_accounts("ab")))
    back = [make(10 + day, "a", START + (1 + day) * DAY, 100, counterparty_id=f"c{day}") for day in range(33)]
    back.append(make(99, "a", START + 33 * DAY + HOUR, 100, counterparty_id="c32"))
    observed = history.fold(columns_of(back))
    assert (observed.returned, observed.evicted, len(observed.new_accounts)) == (1, 1, 0)
    age, novelty = observed.columns[:, Column.AGE], observed.columns[:, Column.NEW_COUNTERPARTY]
    assert np.isnan(age[:30]).all()
    assert np.isnan(novelty[:30]).all()
    assert age[30:].tolist() == [30 * DAY, 31 * DAY, 32 * DAY, 32 * DAY + HOUR]
    assert novelty[30:].tolist() == [1, 1, 1, 0]
    assert np.isnan(observed.columns[:30, Column.MONTH_COUNT]).all()


def test_what_returns_knows_whom_it_dealt_with_since() -> None:
    history = History(keeping(1))
    history.fold(columns_of(of_accounts("ab")))
    back = [make(10 + hour, "a", START + DAY + hour * HOUR, 100, counterparty_id="c") for hour in range(2)]
    assert history.fold(columns_of(back)).columns[:, Column.NEW_COUNTERPARTY].tolist()[1] == 0


def test_what_depends_on_a_lost_history_alarms_nobody() -> None:
    history, catalogue = History(keeping(1)), Catalogue(Settings(), frozenset({"counterparty_id"}))
    history.fold(columns_of(of_accounts("ab")))
    back = [make(10 + i, "a", START + DAY + i * HOUR, 100, counterparty_id=f"c{i}") for i in range(9)]
    columns = history.fold(columns_of(back)).columns
    values = catalogue.values(columns, Catalogue.population(columns))[-1]
    missing = {spec.name for spec, value in zip(catalogue.judged, values, strict=True) if math.isnan(value)}
    assert missing == {"spend_24h_excess", "count_24h_excess", "new_counterparty", "new_24h_excess"}


class Plain:
    """Accounts by order of activity, each with its own oracle."""

    def __init__(self, configured: Settings) -> None:
        self.settings, self.gone = configured, set()
        self.accounts: dict[str, Oracle] = {}

    def oracle(self, transaction: Transaction) -> Oracle:
        account = transaction.account_id
        oracle = self.accounts.pop(account, None)
        if oracle is None:
            if len(self.accounts) == self.settings.features.max_accounts:
                gone = next(iter(self.accounts))
                del self.accounts[gone]
                self.gone.add(gone)
            oracle = Oracle(self.settings)
            if account in self.gone:
                oracle.whole_from = transaction.event_time_ms + max(self.settings.features.windows)
        self.accounts[account] = oracle
        return oracle


@settings(max_examples=150)
@given(streams(accounts=7), st.integers(1, 5), st.integers(1, 60))
def test_columns_equal_a_recomputation_over_what_is_remembered(
    stream: list[Transaction], most: int, cut: int
) -> None:
    history, plain = History(keeping(most), described=True), Plain(keeping(most))
    for begin in range(0, len(stream), cut):
        observed = history.fold(columns_of(stream[begin : begin + cut]))
        for row, transaction in enumerate(stream[begin : begin + cut]):
            assert_row_equals(plain.oracle(transaction), transaction, observed, row)


def busy(transactions: int, accounts: int) -> list[Transaction]:
    random = np.random.default_rng(8)
    return [
        make(
            index,
            f"a{int(accounts * random.random() ** 3)}",
            START + 90_000 * index - int(random.integers(0, HOUR)),
            int(random.integers(1, 10_000)),
            counterparty_id=f"c{random.integers(40)}",
        )
        for index in range(transactions)
    ]


@pytest.mark.parametrize("cut", [1, 13, 2_000])
def test_columns_are_the_same_to_the_bit_however_the_stream_is_cut(cut: int) -> None:
    stream = busy(12_000, 900)
    whole = History(keeping(300)).fold(columns_of(stream))
    history = History(keeping(300))
    parts = [history.fold(columns_of(stream[begin : begin + cut])) for begin in range(0, len(stream), cut)]
    assert np.concatenate([part.columns for part in parts]).tobytes() == whole.columns.tobytes()
    assert sum(part.evicted for part in parts) == whole.evicted > 1_000
    assert sum(part.returned for part in parts) == whole.returned > 500
    assert np.concatenate([part.new_accounts for part in parts]).tolist() == whole.new_accounts.tolist()


def test_what_is_let_go_of_leaves_its_room_to_others() -> None:
    history = History(keeping(300))
    stream = busy(40_000, 900)
    history.fold(columns_of(stream[:20_000]))
    before = {name: table.nbytes for name, table in history._state._asdict().items()}
    history.fold(columns_of(stream[20_000:]))
    after = {name: table.nbytes for name, table in history._state._asdict().items()}
    # How large the pool is depends on what was kept when it was packed last.
    assert after.pop("events") <= 1.25 * before.pop("events")
    assert after == before


def test_what_was_interrupted_goes_on_and_is_of_unknown_age_until_its_history_is_whole() -> None:
    history = History(keeping(9))
    history.fold(columns_of(of_accounts("aab")))
    assert history.lose() == 2
    history = History.of(keeping(9), history.state())
    later = [
        make(10 + day, "a", START + (5 + day) * DAY, 100, counterparty_id=f"c{day}") for day in range(33)
    ]
    later.append(make(99, "new", START + 38 * DAY, 100))
    observed = history.fold(columns_of(later))
    assert (observed.returned, observed.evicted, len(observed.new_accounts)) == (0, 0, 1)
    assert observed.columns[:33, Column.OWN_COUNT].tolist() == list(range(2, 35))
    age, novelty = observed.columns[:33, Column.AGE], observed.columns[:33, Column.NEW_COUNTERPARTY]
    assert np.isnan(age[:30]).all()
    assert np.isnan(novelty[:30]).all()
    assert age[30:].tolist() == [35 * DAY, 36 * DAY, 37 * DAY]
    assert novelty[30:].tolist() == [1, 1, 1]
    # Each account waits for its own next transaction.
    other = history.fold(columns_of([make(100, "b", START + 39 * DAY, 100)]))
    assert np.isnan(other.columns[0, Column.AGE])
