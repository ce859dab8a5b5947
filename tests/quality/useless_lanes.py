"""Lanes that know nothing: what each share of the budget costs that is spent on a lane for no typology at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import msgspec
import numpy as np

from fraudwatch.features import LANES, History, Observations, catalogue
from fraudwatch.mixing import mix
from fraudwatch.pipeline import training
from fraudwatch.records import FloatArray, LaneSpec, Transactions

_BITS = 53


def specs(count: int) -> tuple[LaneSpec, ...]:
    """So many, which need no field of the source."""
    return tuple(
        msgspec.structs.replace(LANES[0], name=f"useless_{number}", code=f"NONE{number}", fields=())
        for number in range(count)
    )


def composites(transactions: Transactions, count: int) -> FloatArray:
    """float64[n, count], above 0 everywhere: a hash of the account and the event time, exponentially spread."""
    account, time = transactions.accounts.view(np.uint64), transactions.event_time_ms.view(np.uint64)
    drawn = [mix(account ^ mix(time ^ mix(np.uint64([number])))) for number in range(count)]
    uniform = (np.array(drawn).T >> np.uint64(64 - _BITS)).astype(np.float64) + 0.5
    spread: FloatArray = -np.log(uniform * 0.5**_BITS)
    return spread.reshape(len(account), count)


@contextmanager
def useless_lanes(count: int) -> Iterator[None]:
    """Within this, every pipeline that is asked for no others (`features.more_lanes`) has so many lanes more."""
    fold = History.fold

    def fold_with_more(history: History, transactions: Transactions) -> Observations:
        observed = fold(history, transactions)
        more = np.hstack([observed.composites, composites(transactions, count)])
        return msgspec.structs.replace(observed, composites=more)

    lanes = LANES + specs(count)
    with (
        mock.patch.object(catalogue, "LANES", lanes),
        mock.patch.object(catalogue, "_EVERY_LANE", lanes),
        mock.patch.object(training, "LANES", lanes),
        mock.patch.object(History, "fold", fold_with_more),
    ):
        yield
