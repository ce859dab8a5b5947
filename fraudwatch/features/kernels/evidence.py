"""What an account did up to a transaction, for the alert it raised."""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import State
from fraudwatch.features.kernels.packed import asked_in, offset_in, time_in
from fraudwatch.features.kernels.ring import place_of
from fraudwatch.features.kernels.wide import wide
from fraudwatch.records import IntArray


@borrowing
def find_evidence(state: State, slot: int, until_offset: int, keep: int, found: IntArray) -> int:
    """Fill `found` [most, 3] with event time, amount asked for and offset, from the newest event time back.

    Of what was kept when the transaction at `until_offset` had come, that is: younger than `keep` milliseconds at the
    newest one then. Returns how many there are.
    """
    account, count, oldest = state.accounts[slot], 0, 0
    for number in range(wide(account.end) - 1, wide(account.held) - 1, -1):
        kept = state.events[place_of(account, number)]
        if offset_in(kept) > until_offset:
            continue
        time = time_in(kept)
        if count == 0:
            oldest = time - keep
        if count == len(found) or time <= oldest:
            break
        found[count, 0] = time
        found[count, 1] = asked_in(kept)
        found[count, 2] = offset_in(kept)
        count += 1
    return count
