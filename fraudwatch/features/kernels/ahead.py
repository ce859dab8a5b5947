"""What the next rows will need, asked for some rows before: memory answers while other rows are judged.

Of a hundred thousand accounts hardly one is in the caches when a transaction of it comes, and a row needs some twenty
places of memory. Each step asks for what the step before made known; nothing that is wrong here changes a result.
"""

from fraudwatch.compiled import borrowing, prefetch
from fraudwatch.features.arrays import NOTHING, State
from fraudwatch.features.kernels import contacts, repeats
from fraudwatch.features.kernels.accounts import first_place, likely_slot
from fraudwatch.features.kernels.event import HAS_COUNTERPARTY, Rows
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide

STEP = 4
"""Rows between two steps."""


@borrowing
def look_ahead(state: State, rows: Rows, index: int) -> None:
    """Called before the row at `index` is judged."""
    last = len(rows.times) - 1
    _ask_for_indices(state, rows, min(index + 4 * STEP, last))
    _ask_for_account(state, rows, min(index + 3 * STEP, last))
    _ask_for_events(state, rows, min(index + 2 * STEP, last))
    _ask_for_pair(state, rows, min(index + STEP, last))


@borrowing
def _ask_for_indices(state: State, rows: Rows, index: int) -> None:
    prefetch(state.account_index, first_place(state, rows.accounts[index]))
    prefetch(state.seen, repeats.first_place(state.seen, rows.accounts[index], rows.ids[index]))


@borrowing
def _ask_for_account(state: State, rows: Rows, index: int) -> None:
    slot = likely_slot(state, rows.accounts[index])
    if slot != NOTHING:
        prefetch(state.accounts, slot)
        prefetch(state.links, slot)
        for window in range(state.windows.shape[1]):
            prefetch(state.windows[slot], window)


@borrowing
def _ask_for_events(state: State, rows: Rows, index: int) -> None:
    slot = likely_slot(state, rows.accounts[index])
    if slot == NOTHING:
        return
    account = state.accounts[slot]
    prefetch(state.events, place_of(account, wide(account.end)))
    prefetch(state.links, wide(state.links[slot, 0]))
    prefetch(state.links, wide(state.links[slot, 1]))
    for window in range(state.windows.shape[1]):
        prefetch(state.events, place_of(account, wide(state.windows[slot, window].begin)))
    if rows.traits[index] & HAS_COUNTERPARTY:
        place = contacts.first_place(state, slot, rows.counterparties[index])
        prefetch(state.pair_index, place)
    if rows.devices[index] != 0:
        prefetch(state.pair_index, contacts.first_place(state, slot, rows.devices[index] ^ contacts.DEVICE))


@borrowing
def _ask_for_pair(state: State, rows: Rows, index: int) -> None:
    slot = likely_slot(state, rows.accounts[index])
    if slot != NOTHING and rows.traits[index] & HAS_COUNTERPARTY:
        number = wide(state.pair_index[contacts.first_place(state, slot, rows.counterparties[index])])
        prefetch(state.pairs, number)
    if slot != NOTHING and rows.devices[index] != 0:
        place = contacts.first_place(state, slot, rows.devices[index] ^ contacts.DEVICE)
        prefetch(state.pairs, wide(state.pair_index[place]))
