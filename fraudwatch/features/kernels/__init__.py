"""The compiled heart of the history: judge a transaction on what its account did, then remember it.

`fold` is where rows come in; `in_order` and `late` are the two ways a row can go. The others are what these two
share: `exact` (amounts), `ring` (kept transactions), `tally` (windows), `contacts` (counterparties), `own` (the
whole history), `months`, `places`.
"""

from fraudwatch.features.kernels.contacts import enter_pairs
from fraudwatch.features.kernels.event import JUDGED_ONLY, REMEMBERED, SKIP, Rows, Rules
from fraudwatch.features.kernels.fold import fold_rows

__all__ = ["JUDGED_ONLY", "REMEMBERED", "SKIP", "Rows", "Rules", "enter_pairs", "fold_rows"]
