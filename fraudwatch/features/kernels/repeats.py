"""Transactions already seen, to tell a repeated one from a new one.

An id counts while its event time is within the horizon of the partition's newest one. It names a transaction of one
account: the same id on another account is another transaction, so that what is found does not depend on which
accounts share a partition. Two transactions of a billion share the 64 bits that are kept of account and id with a
chance of 3 in 100; one in four thousand million of changed contents is taken for the same.

A place of the table takes 20 bytes, an id that counts 40 to 80 when the table has just grown, 27 when it is about to.
"""

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import NEVER, State, Table, Used
from fraudwatch.features.kernels.event import CONFLICT, DUPLICATE, REMEMBERED

SEEN, NEWEST = Used.SEEN.value, Used.NEWEST.value


@borrowing
def is_seen_full(state: State) -> bool:
    """Whether three quarters of the places are taken."""
    return state.used[SEEN] * 4 >= len(state.seen) * 3


@borrowing
def check(state: State, horizon: int, account: int, identifier: int, time: int, contents: int) -> int:
    """REMEMBERED for a new one, which is remembered; DUPLICATE or CONFLICT. The caller has made room."""
    state.used[NEWEST] = max(state.used[NEWEST], time)
    oldest = state.used[NEWEST] - horizon
    key = _key(account, identifier)
    content = (contents & 0xFFFFFFFF) - 0x80000000
    place = _place(state.seen, key, oldest)
    entry = state.seen[place]
    if entry.time >= oldest and entry.key == key:
        return DUPLICATE if entry.content == content else CONFLICT
    if time < oldest:  # it would never count
        return REMEMBERED
    if entry.time == NEVER:
        state.used[SEEN] += 1
    entry.key = key
    entry.time = time
    entry.content = content
    return REMEMBERED


@borrowing
def enter_seen(state: State, before: Table, horizon: int) -> None:
    """Fill the empty table with those of another that still count."""
    oldest = state.used[NEWEST] - horizon
    for index in range(len(before)):
        old = before[index]
        if old.time >= oldest:
            new = state.seen[_place(state.seen, old.key, oldest)]
            new.key = old.key
            new.time = old.time
            new.content = old.content
            state.used[SEEN] += 1


@borrowing
def count_seen(state: State, horizon: int) -> int:
    """How many still count."""
    oldest, count = state.used[NEWEST] - horizon, 0
    for index in range(len(state.seen)):
        if state.seen[index].time >= oldest:
            count += 1
    return count


@borrowing
def first_place(seen: Table, account: int, identifier: int) -> int:
    """Where the search for a transaction begins."""
    return _home(seen, _key(account, identifier))


@borrowing
def _home(seen: Table, key: int) -> int:
    return (key ^ (key >> 32)) & (len(seen) - 1)


@borrowing
def _key(account: int, identifier: int) -> int:
    return identifier ^ (account * -7046029254386353131)


@borrowing
def _place(seen: Table, key: int, oldest: int) -> int:
    """Where a key that counts stands; else the first place it may take: one that no longer counts, or an empty one."""
    mask, vacant = len(seen) - 1, -1
    place = _home(seen, key)
    while seen[place].time > NEVER:
        if seen[place].time < oldest:
            if vacant < 0:
                vacant = place
        elif seen[place].key == key:
            return place
        place = (place + 1) & mask
    return vacant if vacant >= 0 else place
