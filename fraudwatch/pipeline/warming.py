"""Every kernel of the way compiled, or loaded from disk, before the first record waits for it."""

import numpy as np
from msgspec.structs import replace

from fraudwatch import alerts
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder
from fraudwatch.decode.columns import by_column
from fraudwatch.features import Catalogue, History
from fraudwatch.records import Transaction, Transactions

_EXAMPLES = 20_000
"""Past the first size of every table of a history."""
_NEWEST_MS = 2_000_000_000_000
_HALF_AN_HOUR_MS, _HUNDRED_DAYS_MS = 1_800_000, 8_640_000_000


def warm_up(settings: Settings) -> None:
    """20 to 50 s of processor time the first time on a machine, then well under one. Nothing folded later can tell.

    A model has its own: `detection.warm_up`. Raises ConfigurationError for an unusable mapping.
    """
    decoder = Decoder(settings)
    decoder.warm_up()
    alerts.warm_up()
    examples = _examples(settings.currency)
    crowded = replace(settings, features=replace(settings.features, max_accounts=_EXAMPLES // 10))
    History(crowded).fold(examples)
    history = History(settings)
    columns = history.fold(examples).columns
    history.evidence(int(examples.accounts[0]), _EXAMPLES - 1, 1)
    History.of(settings, history.state())
    catalogue = Catalogue(settings, decoder.fields)
    population = catalogue.population(columns)
    catalogue.values(columns, population)
    catalogue.shown(columns[0], population)


def _examples(currency: str) -> Transactions:
    """Of many accounts and of one, in order, late, and past the grace."""
    names = [str(number) for number in range(_EXAMPLES)]
    times = [_NEWEST_MS] * (_EXAMPLES - 2) + [_NEWEST_MS - _HALF_AN_HOUR_MS, _NEWEST_MS - _HUNDRED_DAYS_MS]
    made = [
        Transaction(
            name,
            name if number % 2 else "one",
            time,
            100,
            currency,
            counterparty_id=name,
            latitude=1.0,
            longitude=1.0,
        )
        for number, (name, time) in enumerate(zip(names, times, strict=True))
    ]
    rows = np.arange(_EXAMPLES)
    return by_column(made, rows, rows)
