"""A lane earns its share where what it singles out shows in other features too; a number drawn at random does not."""

import numpy as np
import pytest

from fraudwatch.detection.earned import FEWEST, LEAST, lane_weights
from fraudwatch.records import FloatArray

ROWS, ACCOUNTS, DAYS = 30_000, 4_000, 10


def drawn(seed: int = 1) -> tuple[FloatArray, FloatArray, np.ndarray, np.ndarray]:
    """Surprises of three features, halves, accounts and days; what an account does is its own."""
    draw = np.random.default_rng(seed)
    account = draw.integers(0, ACCOUNTS, ROWS)
    own = draw.exponential(0.5, (ACCOUNTS, 3))
    surprises = draw.exponential(0.4, (ROWS, 3)) + own[account]
    return surprises, (account % 2).astype(np.float64), account, draw.integers(0, DAYS, ROWS)


@pytest.mark.parametrize("seed", range(3))
def test_what_was_drawn_at_random_keeps_the_least_whatever_it_was_drawn_for(seed: int) -> None:
    surprises, halves, account, day = drawn(seed)
    draw = np.random.default_rng(99 + seed)
    by_transaction, of_few = draw.exponential(size=ROWS), draw.normal(size=ROWS)
    useless = [
        by_transaction,
        np.where(of_few > 2.0, np.exp(3.0 * of_few), 0.0),
        draw.exponential(size=(ACCOUNTS, DAYS))[account, day],
        draw.exponential(size=ACCOUNTS)[account],
    ]
    assert lane_weights(np.array(useless).T, surprises, halves).tolist() == [LEAST] * len(useless)


def test_what_goes_with_a_feature_has_its_whole_share_on_whichever_side() -> None:
    surprises, halves, _, _ = drawn()
    noise = np.random.default_rng(5).random(ROWS)
    with_high, with_low = surprises[:, 1] + noise, 1.0 / (0.1 + surprises[:, 2]) + noise
    assert lane_weights(np.array([with_high, with_low]).T, surprises, halves).tolist() == [1.0, 1.0]


def test_what_goes_with_it_a_little_has_a_part() -> None:
    surprises, halves, _, _ = drawn()
    noise = np.random.default_rng(5).exponential(1.5, ROWS)
    (weight,) = lane_weights((surprises[:, 0] + noise)[:, np.newaxis], surprises, halves)
    assert LEAST < weight < 1.0


def test_rows_in_another_order_say_the_same_to_the_bit() -> None:
    surprises, halves, _, _ = drawn()
    composites = surprises + np.random.default_rng(3).exponential(1.0, (ROWS, 3))
    order = np.random.default_rng(4).permutation(ROWS)
    expected = lane_weights(composites, surprises, halves)
    assert lane_weights(composites[order], surprises[order], halves[order]).tobytes() == expected.tobytes()


def test_of_what_hardly_ever_speaks_nothing_can_be_told() -> None:
    surprises, halves, _, _ = drawn()
    rare = np.zeros((ROWS, 2))
    rare[: FEWEST - 1, 0] = 1.0
    rare[:FEWEST, 1] = 1.0
    silent, told = lane_weights(rare, surprises, halves).tolist()
    assert silent == 1.0 > told


def test_rows_that_were_kept_without_composites_are_left_out() -> None:
    surprises, halves, _, _ = drawn()
    composites = surprises + np.random.default_rng(3).exponential(1.0, (ROWS, 3))
    composites[:, 2] = np.random.default_rng(7).random(ROWS)
    expected = lane_weights(composites[:15_000], surprises[:15_000], halves[:15_000])
    assert LEAST == expected[2] < expected[0]
    composites[15_000:], halves[15_000:] = np.nan, np.nan
    assert lane_weights(composites, surprises, halves).tobytes() == expected.tobytes()
    assert lane_weights(composites[15_000:], surprises[15_000:], halves[15_000:]).tolist() == [1.0] * 3


def test_what_holds_of_one_account_in_each_half_foretells_nothing_of_others() -> None:
    surprises, halves, account, _ = drawn()
    account[: ROWS // 50] = np.arange(ROWS // 50) % 2
    halves = (account % 2).astype(np.float64)
    surprises[account == 0], surprises[account == 1] = 0.0, 9.0
    composite = np.where(account < 2, 1.0 + np.random.default_rng(6).random(ROWS), 0.0)
    assert lane_weights(composite[:, np.newaxis], surprises, halves).tolist() == [LEAST]
