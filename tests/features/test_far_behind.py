"""What comes behind the grace is judged by the account's history, unless that takes too long to look through."""

import numpy as np
import pytest
from by_columns import columns_of
from oracle import HOUR, START, make

from fraudwatch.config.settings import Settings
from fraudwatch.features import Column, History
from fraudwatch.features.kernels.late import LOOKED_THROUGH
from fraudwatch.records import Outcome

MINUTE = HOUR // 60


@pytest.mark.parametrize("too_many", [0, 1])
def test_a_very_long_history_is_not_looked_through_for_each(too_many: int) -> None:
    count = LOOKED_THROUGH + too_many
    history = History(Settings())
    history.fold(columns_of([make(n, "a", START + n * MINUTE, 100) for n in range(count)]))
    newest = START + (count - 1) * MINUTE
    found = history.fold(columns_of([make(count, "a", newest - 2 * HOUR, 500)]))
    assert found.outcome.tolist() == [Outcome.LATE.value]
    assert found.columns[0, Column.MONEY] == 500
    assert bool(np.isnan(found.columns[0, Column.OWN_COUNT])) is bool(too_many)


def test_within_the_grace_any_history_is() -> None:
    history = History(Settings())
    count = LOOKED_THROUGH + 1
    history.fold(columns_of([make(n, "a", START + n * MINUTE, 100) for n in range(count)]))
    found = history.fold(columns_of([make(count, "a", START + (count - 31) * MINUTE, 500)]))
    assert found.outcome.tolist() == [Outcome.SCORED.value]
    assert found.columns[0, Column.OWN_COUNT] == count - 30
