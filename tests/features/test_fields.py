"""What a source's fields cannot feed is switched off and named; everything else is computed without it."""

import numpy as np
import pytest
from by_columns import columns_of

from fraudwatch.config.settings import Settings
from fraudwatch.features import Catalogue, History
from fraudwatch.records import Transaction

WINDOWS = ("1h", "24h", "7d", "30d")
NEEDED_BY = {
    "counterparty_id": {
        "new_counterparty",
        "new_24h_excess",
        *(f"{what}_{window}" for what in ("counterparties", "new_share") for window in WINDOWS),
    },
    "direction": {
        *(f"{what}_{window}" for what in ("inflow", "outflow") for window in WINDOWS),
        *(f"out_in_ratio_{window}" for window in ("24h", "48h", "7d")),
    },
    "status": {f"{what}_{window}" for what in ("declined", "reversed") for window in WINDOWS},
    "latitude": {"distance", "speed"},
    "longitude": {"distance", "speed"},
}
EVERY_FIELD = frozenset(NEEDED_BY)


def names(catalogue: Catalogue) -> set[str]:
    return {spec.name for spec in catalogue.specs}


@pytest.mark.parametrize("field", NEEDED_BY)
def test_without_a_field_exactly_the_features_that_need_it_are_off(field: str) -> None:
    everything = Catalogue(Settings(), EVERY_FIELD)
    without = Catalogue(Settings(), EVERY_FIELD - {field})
    assert set(without.unfed) == NEEDED_BY[field]
    assert names(without) == names(everything) - NEEDED_BY[field]


def test_the_four_required_fields_feed_all_the_rest() -> None:
    bare = Catalogue(Settings(), frozenset())
    assert set(bare.unfed) == set().union(*NEEDED_BY.values())
    assert {"amount", "amount_ratio", "own_hour", "own_weekday", "month_count", "month_sum", "gap"} < names(
        bare
    )


def test_with_every_field_nothing_is_off() -> None:
    assert Catalogue(Settings(), EVERY_FIELD).unfed == ()


@pytest.mark.parametrize("field", NEEDED_BY)
def test_features_that_stay_on_have_the_values_they_would_have_anyway(field: str) -> None:
    stream = [
        Transaction(
            transaction_id=str(index),
            account_id=f"a{index % 3}",
            event_time_ms=1_530_000_000_000 + index * 1_700_000,
            amount_minor=100 * (index % 17),
            currency="EUR",
            counterparty_id=f"c{index % 5}",
            direction=("credit", "debit")[index % 2],
            latitude=float(index % 60),
            longitude=float(index % 90),
        )
        for index in range(200)
    ]
    columns = History(Settings(), described=True).fold(columns_of(stream)).columns
    everything, without = Catalogue(Settings(), EVERY_FIELD), Catalogue(Settings(), EVERY_FIELD - {field})
    population = Catalogue.population(columns)
    places = [[spec.name for spec in everything.specs].index(spec.name) for spec in without.specs]
    wanted = everything.described(columns, population)[:, places]
    assert np.array_equal(without.described(columns, population), wanted, equal_nan=True)
