"""The compiled heart of the history: judge a transaction on what its account did, then remember it.

`fold` is where rows come in; `in_order` and `late` are the two ways a row can go. The others are what these share:
`accounts` (slots), `repeats` (what was seen before), `clock`, `exact` (amounts), `packed` and `ring` (kept
transactions), `tally` (windows), `contacts` (counterparties and devices), `own` (the whole history), `months`,
`places`, and `lanes`, the patterns that the typology queue looks for.
`evidence` reads what is kept, `sound` looks at tables that were saved before any other kernel does.
"""

from fraudwatch.features.kernels.accounts import enter_accounts, enter_gone, known_slot
from fraudwatch.features.kernels.contacts import count_pairs, enter_pairs, has_room_for_pairs
from fraudwatch.features.kernels.event import (
    CONFLICT,
    DUPLICATE,
    JUDGED_ONLY,
    LET_GO,
    NEW_ACCOUNTS,
    REMEMBERED,
    RETURNED,
    Rows,
    Rules,
)
from fraudwatch.features.kernels.evidence import find_evidence
from fraudwatch.features.kernels.fold import fold_rows, has_room_for_account, has_room_for_gone
from fraudwatch.features.kernels.repeats import count_seen, enter_seen, is_seen_full
from fraudwatch.features.kernels.ring import measure_blocks, move_blocks, size_of
from fraudwatch.features.kernels.sound import are_accounts_in_line, are_blocks_apart, has_places

__all__ = [
    "CONFLICT",
    "DUPLICATE",
    "JUDGED_ONLY",
    "LET_GO",
    "NEW_ACCOUNTS",
    "REMEMBERED",
    "RETURNED",
    "Rows",
    "Rules",
    "are_accounts_in_line",
    "are_blocks_apart",
    "count_pairs",
    "count_seen",
    "enter_accounts",
    "enter_gone",
    "enter_pairs",
    "enter_seen",
    "find_evidence",
    "fold_rows",
    "has_places",
    "has_room_for_account",
    "has_room_for_gone",
    "has_room_for_pairs",
    "is_seen_full",
    "known_slot",
    "measure_blocks",
    "move_blocks",
    "size_of",
]
