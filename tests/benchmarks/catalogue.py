"""8. What each feature and each lane costs: µs a transaction, warm, beyond the history that all of them share."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from prepared import chunks, simulated_settings, stream
from reporting import Answer, Table, rounded, say
from scale import Scale

from fraudwatch.compiled import borrowing
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder
from fraudwatch.decode.rules import CANONICAL
from fraudwatch.features import LANES, MORE_LANES, Catalogue, History
from fraudwatch.features.catalogue import _values
from fraudwatch.features.kernels import known_slot
from fraudwatch.features.kernels.clock import moment_of
from fraudwatch.features.kernels.exact import pressure_weight
from fraudwatch.features.kernels.fold import _event
from fraudwatch.features.kernels.in_order import _own
from fraudwatch.features.kernels.lanes import (
    burst,
    dormant,
    fan_in,
    fan_out,
    impossible_travel,
    pass_through,
    round_amounts,
    slow_ramp,
    structuring,
    take_over,
    testing,
    unusual_hours,
    young_mule,
)
from fraudwatch.features.kernels.places import PLACE_DISTANCE, write_place
from fraudwatch.features.kernels.wide import wide
from fraudwatch.features.population import as_array
from fraudwatch.simulate import Plan

PRICED = 8_192
"""Transactions, the next ones of the stream, told again and again."""
NONE = -1
"""Instead of a lane: what it takes to come to where a lane begins."""
MORE = [lane.name for lane in MORE_LANES]


def measure(scale: Scale) -> Answer:
    """The question's answer."""
    say(f"folding {scale.trained_on:,} records")
    settings = simulated_settings({"features.more_lanes": f"[{', '.join(MORE)}]"})
    values = list(stream(Plan(accounts=2_000, days=200), scale.trained_on + PRICED))
    history, decoder = History(settings, described=True), Decoder(settings)
    for chunk in chunks(values[: scale.trained_on]):
        history.fold(decoder.decode_chunk(chunk)[0])
    (last,) = chunks(values[scale.trained_on :], size=PRICED)
    transactions = decoder.decode_chunk(last)[0]
    costs = _of_lanes(history, history._rows(transactions), scale)
    costs = _of_features(settings, history.fold(transactions).columns, scale) | costs
    rows = [(name, rounded(cost, 3)) for name, cost in costs.items()]
    note = (
        "One thread, everything in the caches: the least of the rounds. A lane's composite is told of every "
        "transaction; of the features only those that are judged are, the others where an alert is explained."
    )
    return Answer({"catalogue": costs}, [Table("8. The catalogue", ("feature or lane", "µs"), rows, (note,))])


def _of_features(settings: Settings, columns: Any, scale: Scale) -> dict[str, float]:
    """From the columns of the history to the value of each."""
    catalogue = Catalogue(settings, frozenset(CANONICAL))
    population = as_array(catalogue.population(columns))
    return {
        feature.spec.name: _least(lambda of=(feature,): _values(of, columns, population), scale)  # type: ignore[misc]
        for feature in catalogue._features
    }


def _of_lanes(history: History, rows: Any, scale: Scale) -> dict[str, float]:
    """Each beyond what comes before all of them."""
    of, row = (history._state, history._rules, rows), np.full(64, np.nan)
    bare = _least(lambda: _tell(*of, NONE, row), scale)
    return {
        lane.name: max(0.0, _least(lambda which=which: _tell(*of, which, row), scale) - bare)  # type: ignore[misc]
        for which, lane in enumerate((*LANES, *MORE_LANES))
    }


def _least(call: Callable[[], Any], scale: Scale) -> float:
    """µs a transaction, the least over rounds; the first call compiles."""
    call()
    least = float("inf")
    for _ in range(20 * scale.rounds):
        started = time.perf_counter()
        call()
        least = min(least, time.perf_counter() - started)
    return least / PRICED * 1e6


@borrowing
def _tell(state: Any, rules: Any, rows: Any, which: int, row: Any) -> float:
    """The sum of a lane's composites over transactions that the history has not been given yet."""
    total = 0.0
    for index in range(len(rows.times)):
        slot = known_slot(state, rows.accounts[index])
        if slot < 0 or rows.times[index] < state.accounts[slot].newest:
            continue
        account = state.accounts[slot]
        event = _event(state, rules, rows, index, slot, 0, moment_of(rows.times[index]), False)
        row[PLACE_DISTANCE] = np.nan
        write_place(state, account, event, wide(account.place), row)
        own = _own(account, event)
        weight = pressure_weight(event.money, own.paid, own.sum)
        total += weight
        if which == 0:
            total += testing.composite(state, event, own)
        elif which == 1:
            total += take_over.composite(state, event)
        elif which == 2:
            total += dormant.composite(state, event, own, weight)
        elif which == 3:
            total += pass_through.composite(state, event, own)
        elif which == 4:
            total += fan_out.composite(state, rules, event, own)
        elif which == 5:
            total += burst.composite(state, event, weight)
        elif which == 6:
            total += slow_ramp.composite(state, event)
        elif which == 7:
            total += structuring.composite(state, rules, event)
        elif which == 8:
            total += young_mule.composite(state, event, own)
        elif which == 9:
            total += fan_in.composite(state, event)
        elif which == 10:
            total += round_amounts.composite(state, event)
        elif which == 11:
            total += impossible_travel.composite(state, event, row)
        elif which == 12:
            total += unusual_hours.composite(state, event)
    return total
