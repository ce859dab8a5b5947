"""The account's history without the others', which nothing of it depends on: folded again for another amount.

So that many amounts are asked at once, the account is there many times, under keys of no meaning; each copy is given
one amount.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from fraudwatch.explain.moment import Moment, Observed
from fraudwatch.features import History
from fraudwatch.records import Chunk, FloatArray, Record, Transactions

COPIES, FEWEST = 40, 4
KEPT = 400_000
"""Records of all copies together, so that an account of a hundred thousand takes no gigabyte."""
FOLDED = 2_000
"""Records folded at once, each for every copy."""


class OwnHistory:
    """`is_whole` is false where the records of the account do not say what the pipeline's history said.

    Then some are gone from the log, or the account was let go of, and of another amount nothing can be said.
    """

    def __init__(self, moment: Moment, before: Sequence[Record]) -> None:
        """`before` are all records of the account that came before the transaction, in order."""
        self._transaction = moment.transactions
        features = msgspec.structs.replace(moment.settings.features, max_accounts=2**20)
        self._settings = msgspec.structs.replace(moment.settings, features=features)
        self._copies = max(FEWEST, min(COPIES, KEPT // (len(before) + 1)))
        history = History(self._settings)
        for begin in range(0, len(before), FOLDED):
            chunk = Chunk.of(before[begin : begin + FOLDED])
            history.fold(copied(moment.decoder.decode_chunk(chunk)[0], self._copies))
        self._saved = history.state()
        again = self.observed(self._transaction.amount_minor.astype(np.float64))
        self.is_whole = all(
            np.array_equal(ours, theirs, equal_nan=True)
            for ours, theirs in zip(again, moment.observed, strict=True)
        )

    def observed(self, amounts_minor: FloatArray) -> Observed:
        """What it says of the transaction with each of float64[k] amounts."""
        told = []
        for begin in range(0, len(amounts_minor), self._copies):
            amounts = amounts_minor[begin : begin + self._copies].astype(np.int64)
            copies = copied(self._transaction, len(amounts))
            changed = msgspec.structs.replace(copies, amount_minor=amounts)
            told.append(History.of(self._settings, self._saved).fold(changed))
        columns, composites = ([getattr(one, name) for one in told] for name in Observed._fields)
        return Observed(np.concatenate(columns), np.concatenate(composites))


def copied(transactions: Transactions, copies: int) -> Transactions:
    """Each one so many times, of an account of its own each time: of copy k always the same."""
    count = len(transactions)
    names = [name for name in transactions.__struct_fields__ if name != "text"]
    repeated = {name: np.repeat(getattr(transactions, name), copies, axis=0) for name in names}
    repeated["accounts"] = np.tile(np.arange(1, copies + 1), count)
    return msgspec.structs.replace(transactions, **repeated)
