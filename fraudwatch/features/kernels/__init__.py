"""The compiled heart of the history: judge a transaction on what its account did, then remember it.

`fold` is where rows come in; `in_order` and `late` are the two ways a row can go. The others are what these share:
`accounts` (slots), `repeats` (what was seen before), `clock`, `exact` (amounts), `ring` (kept transactions), `tally`
(windows), `contacts` (counterparties), `own` (the whole history), `months`, `places`.
"""

from fraudwatch.features.kernels.accounts import enter_accounts
from fraudwatch.features.kernels.contacts import enter_pairs
from fraudwatch.features.kernels.event import CONFLICT, DUPLICATE, JUDGED_ONLY, REMEMBERED, Rows, Rules
from fraudwatch.features.kernels.fold import fold_rows, has_room
from fraudwatch.features.kernels.repeats import count_seen, enter_seen, is_seen_full

__all__ = [
    "CONFLICT",
    "DUPLICATE",
    "JUDGED_ONLY",
    "REMEMBERED",
    "Rows",
    "Rules",
    "count_seen",
    "enter_accounts",
    "enter_pairs",
    "enter_seen",
    "fold_rows",
    "has_room",
    "is_seen_full",
]
