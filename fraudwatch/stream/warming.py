"""What the first batch would wait for is made ready before the worker says that it is (FACTS §2)."""

import numpy as np
from msgspec.structs import replace

from fraudwatch import alerts
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder
from fraudwatch.decode.columns import by_column
from fraudwatch.features import Catalogue, History
from fraudwatch.features.population import NAMES
from fraudwatch.records import Transaction

# More than a history begins with room for, so that it grows, and more than it may keep, so that it lets go of some.
ACCOUNTS, KEPT = 10_000, 9_000


def warm_up(settings: Settings) -> None:
    """Compile, or load from disk, every kernel that needs no model: seconds each the first time on a machine.

    Raises ConfigurationError for a mapping that cannot be used.
    """
    decoder = Decoder(settings)
    decoder.warm_up()
    small = replace(settings, features=replace(settings.features, max_accounts=KEPT))
    made_up = [
        Transaction(f"t{n}", f"a{n}", 1000 * n, 100, "EUR", counterparty_id=f"c{n}") for n in range(ACCOUNTS)
    ]
    rows = np.arange(ACCOUNTS)
    transactions = by_column(made_up, rows, rows)
    history = History(small)
    observations = history.fold(transactions)
    Catalogue(settings, decoder.fields).values(observations.columns[:1], dict.fromkeys(NAMES, 1.0))
    history.evidence(int(transactions.accounts[-1]), ACCOUNTS, 1)
    alerts.warm_up()
