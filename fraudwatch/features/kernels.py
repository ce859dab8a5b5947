"""The compiled heart of the history: judge a transaction on what its account did, then remember it.

Sums of money are exact in int64. A window's sum of squares is exact too, as `high · 2^40 + low`, so a
standard deviation has no cancellation error however long the stream runs. Costs: constant amortised for
transactions in order; for a late one, the account's transactions inside the longest window.

One file on purpose: numba's disk cache notices a change of the file a kernel is in, not of files that the
functions it calls are in.
"""

import math

import numpy as np

from fraudwatch.features.arrays import FIRST_BLOCK, Accounts, Pairs, Pool
from fraudwatch.features.columns import Aggregate, Column
from fraudwatch.features.compiled import compiled
from fraudwatch.records import ByteArray, FloatArray, IntArray

# Numba needs plain numbers: the enumerations are unpacked once, here.
AMOUNT, OWN_COUNT = Column.AMOUNT.value, Column.OWN_COUNT.value
OWN_SUM, OWN_STD = Column.OWN_SUM.value, Column.OWN_STD.value
OWN_MAX, AGE, GAP, PRESSURE = Column.OWN_MAX.value, Column.AGE.value, Column.GAP.value, Column.PRESSURE.value
PRIOR_COUNT, PRIOR_SUM = Column.PRIOR_COUNT_24H.value, Column.PRIOR_SUM_24H.value
NEW_COUNTERPARTY = Column.NEW_COUNTERPARTY.value
WINDOWS, AGGREGATES = len(Column), len(Aggregate)

PRESSURE_HALF_LIFE_MS = 2 * 86_400_000.0
LEAST_LEFT = 2.0**-20
"""What must be left of a pressure for an earlier one to be told from it (40 days): further back the rounding of
what came since would be multiplied, after 90 days into a pressure of its own, after 6 years by a division by 0."""
MIN_OWN_HISTORY = 5
"""Earlier transactions before an own mean says anything about the next amount."""
WINSOR_FACTOR = 5
"""Amounts enter the own mean at most as so many times that mean: one past theft must not hide the next."""
WINSOR_ROOM = 1_000
"""Minor units on top, so that an account of zero amounts can grow out of its zeros."""

LOW_BITS = (1 << 40) - 1

REMEMBERED, JUDGED_ONLY, SKIP = 0, 1, 2
"""What was done with a row: judged and remembered; only judged (too late); left alone (asked for)."""


@compiled
def winsorised(amount: int, count: int, total: int) -> int:
    """The amount as it enters the own mean, given the winsorised count and sum before it."""
    if count < MIN_OWN_HISTORY:
        return amount
    return min(amount, WINSOR_FACTOR * total // count + WINSOR_ROOM)


@compiled
def pressure_weight(amount: int, count: int, total: int) -> float:
    """How far above the own mean an amount was: max(0, ln of the ratio), 0 while there is no own mean."""
    if count < MIN_OWN_HISTORY:
        return 0.0
    return max(0.0, math.log((amount + 100.0) / (total / count + 100.0)))


@compiled
def halved(milliseconds: float) -> float:
    """What is left of a pressure after so long."""
    return 2.0 ** (-milliseconds / PRESSURE_HALF_LIFE_MS)


@compiled
def square_parts(amount: int) -> tuple[int, int]:
    """amount² as (high, low) with amount² = high · 2^40 + low, for 0 ≤ amount < 2^40."""
    upper, lower = amount >> 20, amount & 0xFFFFF
    cross = upper * lower
    return upper * upper + (cross >> 19), ((cross & 0x7FFFF) << 21) + lower * lower


@compiled
def deviation(count: int, total: int, high: int, low: int) -> float:
    """Population standard deviation from exact sums.

    Σ(x − m)² for the integer m = ⌊mean⌋ is computed modulo 2^64, which is exact whenever it fits; where it
    does not, the spread is so large that floating point loses nothing.
    """
    rough = high * 1099511627776.0 + low - float(total) * total / count
    if rough >= 2.0**61:
        return math.sqrt(rough / count)
    floor = total // count
    rest = total - floor * count
    squares = (high << 40) + low - 2 * floor * total + count * floor * floor
    return math.sqrt(max(0.0, (squares - rest * rest / count) / count))


@compiled
def _take_block(pool: Pool, power: int) -> int:
    """Start of a free block of 2**power elements, or −1 when the pool must grow first."""
    start = pool.free[power]
    if start >= 0:
        pool.free[power] = pool.time[start]
        return start
    size = 1 << power
    if pool.used[0] + size > len(pool.time):
        return -1
    start = pool.used[0]
    pool.used[0] += size
    return start


@compiled
def _power(size: int) -> int:
    power = 0
    while (1 << power) < size:
        power += 1
    return power


@compiled
def _make_room(accounts: Accounts, pool: Pool, slot: int) -> bool:
    """Room for one more transaction of the account; False when the pool must grow first."""
    size = accounts.size[slot]
    if accounts.end[slot] - accounts.begin[slot] < size:
        return True
    wanted = max(FIRST_BLOCK, 2 * size)
    start = _take_block(pool, _power(wanted))
    if start < 0:
        return False
    old = accounts.start[slot]
    if size > 0:
        for number in range(accounts.begin[slot], accounts.end[slot]):
            source, target = old + (number & (size - 1)), start + (number & (wanted - 1))
            pool.time[target] = pool.time[source]
            pool.amount[target] = pool.amount[source]
            pool.winsor[target] = pool.winsor[source]
            pool.weight[target] = pool.weight[source]
        for number in range(accounts.peaks_begin[slot], accounts.peaks_end[slot]):
            pool.peaks[start + (number & (wanted - 1))] = pool.peaks[old + (number & (size - 1))]
        power = _power(size)
        pool.time[old] = pool.free[power]
        pool.free[power] = old
    accounts.start[slot] = start
    accounts.size[slot] = wanted
    return True


@compiled
def _push_peak(accounts: Accounts, pool: Pool, slot: int, number: int) -> None:
    """Keep the maxima descending: what a newer, no smaller amount covers is never a maximum again."""
    start, mask = accounts.start[slot], accounts.size[slot] - 1
    amount = pool.amount[start + (number & mask)]
    last = accounts.peaks_end[slot]
    while last > accounts.peaks_begin[slot]:
        covered = pool.peaks[start + ((last - 1) & mask)]
        if pool.amount[start + (covered & mask)] > amount:
            break
        last -= 1
    pool.peaks[start + (last & mask)] = number
    accounts.peaks_end[slot] = last + 1


@compiled
def _window_max(accounts: Accounts, pool: Pool, slot: int, begin: int) -> int:
    """Largest amount from logical number `begin` on: the first kept peak there (binary search)."""
    start, mask = accounts.start[slot], accounts.size[slot] - 1
    low, high = accounts.peaks_begin[slot], accounts.peaks_end[slot] - 1
    while low < high:
        middle = (low + high) >> 1
        if pool.peaks[start + (middle & mask)] < begin:
            low = middle + 1
        else:
            high = middle
    return pool.amount[start + (pool.peaks[start + (low & mask)] & mask)]


@compiled
def _add_to_window(accounts: Accounts, slot: int, window: int, amount: int, sign: int) -> None:
    high, low = square_parts(amount)
    accounts.window_sum[slot, window] += sign * amount
    accounts.window_high[slot, window] += sign * high
    low = accounts.window_low[slot, window] + sign * low
    if low > 2**60 or low < -(2**60):  # millions of transactions: carry before it overflows
        accounts.window_high[slot, window] += low >> 40
        low &= LOW_BITS
    accounts.window_low[slot, window] = low


@compiled
def _advance(accounts: Accounts, pool: Pool, windows: IntArray, slot: int, now: int) -> None:
    """Let go of what each window (now − w, now] no longer holds."""
    start, mask = accounts.start[slot], accounts.size[slot] - 1
    for window in range(len(windows)):
        begin = accounts.window_begin[slot, window]
        while begin < accounts.end[slot] and pool.time[start + (begin & mask)] <= now - windows[window]:
            _add_to_window(accounts, slot, window, pool.amount[start + (begin & mask)], -1)
            begin += 1
        accounts.window_begin[slot, window] = begin


@compiled
def _forget(accounts: Accounts, pool: Pool, slot: int, until: int) -> None:
    """Drop transactions up to a time no judgement can need; the summary keeps them."""
    start, mask = accounts.start[slot], accounts.size[slot] - 1
    begin = accounts.begin[slot]
    while begin < accounts.end[slot] and pool.time[start + (begin & mask)] <= until:
        accounts.expired_peak[slot] = max(accounts.expired_peak[slot], pool.amount[start + (begin & mask)])
        accounts.expired_time[slot] = pool.time[start + (begin & mask)]
        begin += 1
    accounts.begin[slot] = begin
    first = accounts.peaks_begin[slot]
    while first < accounts.peaks_end[slot] and pool.peaks[start + (first & mask)] < begin:
        first += 1
    accounts.peaks_begin[slot] = first


@compiled
def _remember_own(accounts: Accounts, slot: int, time: int, amount: int, winsor: int) -> None:
    accounts.first[slot] = time if accounts.total[slot] == 0 else min(accounts.first[slot], time)
    accounts.total[slot] += 1
    accounts.own_sum[slot] += winsor
    high, low = square_parts(winsor)
    low += accounts.own_low[slot]
    accounts.own_high[slot] += high + (low >> 40)
    accounts.own_low[slot] = low & LOW_BITS
    accounts.peak[slot] = max(accounts.peak[slot], amount)


@compiled
def _put(
    accounts: Accounts, pool: Pool, slot: int, number: int, time: int, amount: int, winsor: int, weight: float
) -> None:
    place = accounts.start[slot] + (number & (accounts.size[slot] - 1))
    pool.time[place] = time
    pool.amount[place] = amount
    pool.winsor[place] = winsor
    pool.weight[place] = weight


@compiled
def _judge_in_order(
    accounts: Accounts,
    pool: Pool,
    windows: IntArray,
    day: int,
    slot: int,
    time: int,
    amount: int,
    row: FloatArray,
) -> None:
    """Judge at the account's newest time, then remember. The caller has made room."""
    count = accounts.total[slot]
    _advance(accounts, pool, windows, slot, time)
    if count > 0:
        row[OWN_STD] = deviation(
            count, accounts.own_sum[slot], accounts.own_high[slot], accounts.own_low[slot]
        )
        row[OWN_MAX] = accounts.peak[slot]
        row[AGE] = time - accounts.first[slot]
        row[GAP] = time - accounts.newest[slot]
        accounts.pressure[slot] *= halved(time - accounts.newest[slot])
    row[OWN_COUNT] = count
    row[OWN_SUM] = accounts.own_sum[slot]
    row[PRESSURE] = accounts.pressure[slot]
    row[PRIOR_COUNT] = accounts.end[slot] - accounts.window_begin[slot, day]
    row[PRIOR_SUM] = accounts.window_sum[slot, day]

    winsor = winsorised(amount, count, accounts.own_sum[slot])
    weight = pressure_weight(amount, count, accounts.own_sum[slot])
    number = accounts.end[slot]
    _put(accounts, pool, slot, number, time, amount, winsor, weight)
    accounts.end[slot] = number + 1
    _push_peak(accounts, pool, slot, number)
    _remember_own(accounts, slot, time, amount, winsor)
    accounts.pressure[slot] += weight
    accounts.newest[slot] = time
    for window in range(len(windows)):
        _add_to_window(accounts, slot, window, amount, 1)
        begin = accounts.window_begin[slot, window]
        _write_window(
            row,
            window,
            number + 1 - begin,
            accounts.window_sum[slot, window],
            accounts.window_high[slot, window],
            accounts.window_low[slot, window],
            _window_max(accounts, pool, slot, begin),
        )


@compiled
def _write_window(
    row: FloatArray, window: int, count: int, total: int, high: int, low: int, peak: int
) -> None:
    at = WINDOWS + window * AGGREGATES
    row[at] = count
    row[at + 1] = total
    row[at + 2] = total / count
    row[at + 3] = deviation(count, total, high, low)
    row[at + 4] = peak


@compiled
def _position(accounts: Accounts, pool: Pool, slot: int, time: int) -> int:
    """Logical number after the last kept transaction with event time ≤ time (binary search)."""
    start, mask = accounts.start[slot], accounts.size[slot] - 1
    low, high = accounts.begin[slot], accounts.end[slot]
    while low < high:
        middle = (low + high) >> 1
        if pool.time[start + (middle & mask)] <= time:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _judge_late(
    accounts: Accounts,
    pool: Pool,
    windows: IntArray,
    day: int,
    slot: int,
    time: int,
    amount: int,
    row: FloatArray,
) -> tuple[int, int, float]:
    """Judge at an earlier time on what has arrived with event time ≤ it; changes nothing.

    A value whose history was already let go of stays NaN. Returns the logical number it would take, its
    winsorised amount and its pressure weight.
    """
    start, mask = accounts.start[slot], accounts.size[slot] - 1
    position = _position(accounts, pool, slot, time)
    count = accounts.total[slot] - (accounts.end[slot] - position)
    own_sum, own_high, own_low = accounts.own_sum[slot], accounts.own_high[slot], accounts.own_low[slot]
    pressure, newest, later_peak = accounts.pressure[slot], accounts.newest[slot], -1
    for number in range(position, accounts.end[slot]):
        place = start + (number & mask)
        own_sum -= pool.winsor[place]
        high, low = square_parts(pool.winsor[place])
        own_high, own_low = own_high - high, own_low - low
        pressure -= pool.weight[place] * halved(newest - pool.time[place])
        later_peak = max(later_peak, pool.amount[place])
    if accounts.expired_time[slot] > time:
        return position, amount, 0.0

    row[OWN_COUNT] = count
    row[OWN_SUM] = own_sum
    left = halved(newest - time)
    if count == 0:
        row[PRESSURE] = 0.0
    elif left >= LEAST_LEFT:
        row[PRESSURE] = max(0.0, pressure) / left
    if count > 0:
        peak = accounts.peak[slot]
        if later_peak >= peak:
            peak = accounts.expired_peak[slot]
            for number in range(accounts.begin[slot], position):
                peak = max(peak, pool.amount[start + (number & mask)])
        row[OWN_STD] = deviation(count, own_sum, own_high, own_low)
        row[OWN_MAX] = peak
        row[AGE] = time - accounts.first[slot]
        before = accounts.expired_time[slot]
        if position > accounts.begin[slot]:
            before = pool.time[start + ((position - 1) & mask)]
        row[GAP] = time - before

    total, high, low, peak, number = 0, 0, 0, -1, position
    high_here, low_here = square_parts(amount)
    for window in range(len(windows)):
        since = time - windows[window]
        while number > accounts.begin[slot] and pool.time[start + ((number - 1) & mask)] > since:
            number -= 1
            value = pool.amount[start + (number & mask)]
            high_part, low_part = square_parts(value)
            total, high, low, peak = total + value, high + high_part, low + low_part, max(peak, value)
        if accounts.expired_time[slot] > since:
            continue
        if window == day:
            row[PRIOR_COUNT] = position - number
            row[PRIOR_SUM] = total
        _write_window(
            row,
            window,
            position - number + 1,
            total + amount,
            high + high_here,
            low + low_here,
            max(peak, amount),
        )
    return position, winsorised(amount, count, own_sum), pressure_weight(amount, count, own_sum)


@compiled
def _insert_late(
    accounts: Accounts,
    pool: Pool,
    windows: IntArray,
    slot: int,
    time: int,
    amount: int,
    position: int,
    winsor: int,
    weight: float,
) -> None:
    """Remember a late transaction at its own place. The caller has made room."""
    start, mask = accounts.start[slot], accounts.size[slot] - 1
    for number in range(accounts.end[slot], position, -1):
        source, target = start + ((number - 1) & mask), start + (number & mask)
        pool.time[target] = pool.time[source]
        pool.amount[target] = pool.amount[source]
        pool.winsor[target] = pool.winsor[source]
        pool.weight[target] = pool.weight[source]
    _put(accounts, pool, slot, position, time, amount, winsor, weight)
    accounts.end[slot] += 1
    newest = accounts.newest[slot]
    for window in range(len(windows)):
        if time > newest - windows[window]:
            _add_to_window(accounts, slot, window, amount, 1)
        else:
            accounts.window_begin[slot, window] += 1
    last = accounts.peaks_end[slot]
    while last > accounts.peaks_begin[slot] and pool.peaks[start + ((last - 1) & mask)] >= position:
        last -= 1
    accounts.peaks_end[slot] = last
    for number in range(position, accounts.end[slot]):
        _push_peak(accounts, pool, slot, number)
    _remember_own(accounts, slot, time, amount, winsor)
    accounts.pressure[slot] += weight * halved(newest - time)


@compiled
def _place_of_pair(pairs: Pairs, slot: int, counterparty: int) -> tuple[int, int]:
    """Place of a pair in the table, its own or the empty one it would take, and its key."""
    key = counterparty ^ (slot * -7046029254386353131)  # Fibonacci hashing spreads neighbouring slots
    key ^= (key >> 29) & 0x7FFFFFFFF
    if key == 0:
        key = 1
    mask = len(pairs.key) - 1
    place = (key * -4417276706812531889 >> 20) & mask
    while pairs.key[place] != 0 and pairs.key[place] != key:
        place = (place + 1) & mask
    return place, key


@compiled
def grown_pairs(old: Pairs, new: Pairs) -> None:
    """Copy a table of pairs into a larger one. Keys are kept whole, so they are placed again by key alone."""
    mask = len(new.key) - 1
    for index in range(len(old.key)):
        key = old.key[index]
        if key != 0:
            place = (key * -4417276706812531889 >> 20) & mask
            while new.key[place] != 0:
                place = (place + 1) & mask
            new.key[place] = key
            new.first_time[place] = old.first_time[index]


@compiled
def fold_rows(
    accounts: Accounts,
    pool: Pool,
    pairs: Pairs,
    windows: IntArray,
    day: int,
    grace: int,
    slots: IntArray,
    times: IntArray,
    amounts: IntArray,
    counterparties: IntArray,
    known: ByteArray,
    kinds: ByteArray,
    rows: FloatArray,
    begin: int,
) -> tuple[int, int]:
    """Judge and remember rows from `begin` on, in order of arrival; SKIP in `kinds` leaves a row alone.

    `rows` [n, columns] arrives filled with NaN; `kinds` is set to what was done; `known` is 0 where a row has
    no counterparty. Returns (next row, new pairs): a next row short of the end asks for a larger pool.
    """
    keep = windows[len(windows) - 1] + grace
    new_pairs = 0
    for index in range(begin, len(slots)):
        if kinds[index] == SKIP:
            continue
        slot, time, amount, row = slots[index], times[index], amounts[index], rows[index]
        if not _make_room(accounts, pool, slot):
            return index, new_pairs
        row[AMOUNT] = amount
        newest = accounts.newest[slot]
        remembered = time >= newest - grace
        if time >= newest:
            _judge_in_order(accounts, pool, windows, day, slot, time, amount, row)
            _forget(accounts, pool, slot, time - keep)
        else:
            position, winsor, weight = _judge_late(accounts, pool, windows, day, slot, time, amount, row)
            if remembered:
                _insert_late(accounts, pool, windows, slot, time, amount, position, winsor, weight)
        kinds[index] = REMEMBERED if remembered else JUDGED_ONLY
        if known[index]:
            place, key = _place_of_pair(pairs, slot, counterparties[index])
            absent = pairs.key[place] == 0
            if not np.isnan(row[OWN_COUNT]) and row[OWN_COUNT] > 0:
                row[NEW_COUNTERPARTY] = 1.0 if absent or pairs.first_time[place] > time else 0.0
            if remembered:
                if absent:
                    pairs.key[place] = key
                    pairs.first_time[place] = time
                    new_pairs += 1
                else:
                    pairs.first_time[place] = min(pairs.first_time[place], time)
    return len(slots), new_pairs
