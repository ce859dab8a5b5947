"""The measures equal scikit-learn's, and the protocol leaves out what a review already knew."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, roc_auc_score

from fraudwatch.backtest import measures

labelled = st.lists(st.tuples(st.floats(-5, 5, width=16), st.booleans()), min_size=2, max_size=60).filter(
    lambda rows: 0 < sum(case for _, case in rows) < len(rows)
)


@given(labelled)
def test_average_precision_and_auroc_equal_scikit_learns(rows: list[tuple[float, bool]]) -> None:
    score, is_case = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    assert measures.average_precision(score, is_case) == pytest.approx(
        average_precision_score(is_case, score)
    )
    assert measures.auroc(score, is_case) == pytest.approx(roc_auc_score(is_case, score))


def test_transactions_without_a_score_rank_last_together() -> None:
    score, is_case = np.array([3.0, np.nan, 1.0, np.nan]), np.array([False, True, True, False])
    lowest = np.where(np.isnan(score), -100.0, score)
    assert measures.average_precision(score, is_case) == pytest.approx(
        average_precision_score(is_case, lowest)
    )
    assert measures.auroc(score, is_case) == pytest.approx(roc_auc_score(is_case, lowest))


def test_without_cases_there_is_nothing_to_measure() -> None:
    score = np.array([1.0, 2.0])
    assert measures.average_precision(score, np.zeros(2, dtype=bool)) is None
    assert measures.auroc(score, np.zeros(2, dtype=bool)) is None
    assert measures.ranking(np.empty(0), np.empty(0, dtype=bool)).average_precision is None


def test_precision_at_budget_takes_each_accounts_best_transaction_of_a_day() -> None:
    score = np.array([9.0, 8.0, 7.0, 6.0, 5.0])
    accounts = np.array([1, 1, 2, 3, 1])
    is_case = np.array([False, False, True, False, True])
    days = np.zeros(5, dtype=np.int64)
    # The two best accounts are 1 (compromised by its last transaction) and 2 (compromised).
    assert measures.precision_at_budget(score, is_case, accounts, days, 2) == 1.0
    assert measures.precision_at_budget(score, is_case, accounts, days, 3) == pytest.approx(2 / 3)


def test_an_account_is_known_from_the_training_span_or_eight_days_before() -> None:
    days = np.array([10, 12, 20, 21, 20, 25, 33])
    accounts = np.array([1, 1, 1, 2, 3, 3, 3])
    is_case = np.array([True, False, False, False, True, True, True])
    known = measures.already_known(is_case, accounts, days, (10, 16))
    # Account 1 had a case while training; account 3's case of day 20 is known from day 28 on.
    assert known.tolist() == [True, True, True, False, False, False, True]


@given(st.integers(1, 400).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_intervals_are_wilsons(counted: tuple[int, int]) -> None:
    hits, of = counted
    expected = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    found = measures.share(hits, of)
    assert found.value == hits / of
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_share_of_nothing_is_none() -> None:
    assert measures.share(0, 0) == measures.Share(0, 0, None, None, None)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_sign_test_is_the_exact_one(first: int, second: int) -> None:
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert measures.sign_test(first, second) == pytest.approx(expected)


def test_the_stability_index_is_nothing_between_equals_and_grows_with_the_difference() -> None:
    counts = np.array([100, 200, 300])
    assert measures.stability_index(counts, 2 * counts) == pytest.approx(0.0)
    moved = measures.stability_index(counts, np.array([150, 200, 250]))
    shifted = measures.stability_index(counts, np.array([300, 200, 0]))
    assert moved is not None
    assert shifted is not None
    # (.25 − .1667)·ln(.25/.1667) + (.4167 − .5)·ln(.4167/.5), the middle alike.
    assert moved == pytest.approx(0.04898, abs=1e-4)
    assert shifted > 0.25 > moved > 0
    assert measures.stability_index(counts, np.zeros(3, dtype=np.int64)) is None
