"""Whole records to columns: every mapped value by its reader, and a record given up at the first doubt."""

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.decode.digests import ACCOUNT, COUNTERPARTY, ID, TEXTS, digest_row
from fraudwatch.decode.kernels.moments import iso_at
from fraudwatch.decode.kernels.numbers import DOUBT as NO_NUMBER
from fraudwatch.decode.kernels.numbers import amount_at, count_at, millionths_at
from fraudwatch.decode.kernels.scan import (
    ABSENT,
    ASCII,
    DEEPEST,
    FRACTION,
    NULL,
    TRUE_OR_FALSE,
    WHOLE,
    scan,
)
from fraudwatch.decode.kernels.table import look_up
from fraudwatch.decode.kernels.texts import BLANK, DOUBT, TAKEN, text_at
from fraudwatch.records import NO_TIMESTAMP, ByteArray, IntArray, SmallIntArray, Trait

# fmt: off
(
    LEAVES, TARGETS, LONGEST_RECORD, LONGEST_TEXT,
    TIME_LEAF, TIME_FORM, TIME_TIMES, TIME_PARTS, EARLIEST, LATEST, AHEAD,
    AMOUNT_LEAF, AMOUNT, AMOUNT_FACTOR,
    LATITUDE_LEAF, LATITUDE, LONGITUDE_LEAF, LONGITUDE,
    DIRECTION_LEAF, DIRECTION_OWNER, DIRECTION, STATUS_LEAF, STATUS_OWNER, STATUS, CURRENCY_LEAF, CURRENCY_OWNER,
    RULES,
) = range(27)
# fmt: on
"""The places of `rules` int64[RULES]. A leaf of −1 is a field that no path leads to: what stands for it follows."""

ISO, ISO_OR_COUNT, COUNT = range(3)
"""How a time is written (TIME_FORM): as text, as text or a number, as a number (also in a text)."""

NOWHERE_ON_EARTH = 10**9
"""For the millionths of a degree of no coordinate."""

_HAS_COUNTERPARTY, _HAS_PLACE = Trait.HAS_COUNTERPARTY.value, Trait.HAS_PLACE.value


@compiled
def _time(
    text: ByteArray, kinds: ByteArray, found: IntArray, rules: IntArray, zone: IntArray, timestamp_ms: int
) -> int:
    """The event time, neither out of range nor ahead, or NO_NUMBER."""
    leaf, form = rules[TIME_LEAF], rules[TIME_FORM]
    kind, begin, end = int(kinds[leaf]), found[leaf, 0], found[leaf, 1]
    time_ms = NO_NUMBER
    if kind == ASCII and form != COUNT:
        time_ms = iso_at(text, begin, end, zone)
    elif kind in (ASCII, WHOLE, FRACTION) and form != ISO:
        time_ms = count_at(text, begin, end, rules[TIME_TIMES], rules[TIME_PARTS])
    if time_ms == NO_NUMBER or not rules[EARLIEST] <= time_ms < rules[LATEST]:
        return NO_NUMBER
    if timestamp_ms != NO_TIMESTAMP and time_ms - timestamp_ms > rules[AHEAD]:
        return NO_NUMBER
    return int(time_ms)


@compiled
def _amount(text: ByteArray, kinds: ByteArray, found: IntArray, rules: IntArray, largest: float) -> int:
    """The amount in minor units, or NO_NUMBER."""
    leaf = rules[AMOUNT_LEAF]
    if leaf < 0:
        return int(rules[AMOUNT])
    kind = int(kinds[leaf])
    if kind not in (ASCII, WHOLE, FRACTION):
        return NO_NUMBER
    return amount_at(text, found[leaf, 0], found[leaf, 1], float(rules[AMOUNT_FACTOR]), largest)


@compiled
def _coordinate(
    text: ByteArray, kinds: ByteArray, found: IntArray, leaf: int, fixed: int, largest: float
) -> int:
    """Millionths of a degree, NOWHERE_ON_EARTH for none, or NO_NUMBER; `fixed` where no path leads to it."""
    if leaf < 0:
        return fixed
    kind, begin, end = int(kinds[leaf]), found[leaf, 0], found[leaf, 1]
    if kind in (ABSENT, NULL):
        return NOWHERE_ON_EARTH
    if kind == ASCII and text_at(text, begin, end, kind, end - begin) == BLANK:
        return NOWHERE_ON_EARTH
    if kind not in (ASCII, WHOLE, FRACTION):
        return NO_NUMBER
    return millionths_at(text, begin, end, largest)


@compiled
def _entry(text: ByteArray, kind: int, begin: int, end: int, owner: int, table: SmallIntArray) -> int:
    """Where in the table the value is that a text reader would look up, −1 for nowhere."""
    if kind == FRACTION or (kind == WHOLE and text_at(text, begin, end, kind, end - begin) == DOUBT):
        return -1
    return look_up(text, begin, end, owner, table)


@compiled
def _word(
    text: ByteArray,
    kinds: ByteArray,
    found: IntArray,
    leaf: int,
    owner: int,
    fixed: int,
    table: SmallIntArray,
) -> int:
    """What a word from a closed list stands for, 0 for none, or DOUBT; `fixed` where no path leads to it."""
    if leaf < 0:
        return fixed
    kind, begin, end = int(kinds[leaf]), found[leaf, 0], found[leaf, 1]
    if kind in (ABSENT, NULL):
        return 0
    entry = _entry(text, kind, begin, end, owner, table)
    if entry >= 0:
        return int(table[entry, 3])
    return 0 if kind == ASCII and text_at(text, begin, end, kind, end - begin) == BLANK else DOUBT


@compiled
def _texts(
    text: ByteArray,
    kinds: ByteArray,
    found: IntArray,
    longest: int,
    table: SmallIntArray,
    texts: SmallIntArray,
    spans: SmallIntArray,
) -> bool:
    """Whether all texts could be taken. Fills `spans` [TEXTS, 2]; `texts` is [TEXTS, 4]: leaf, owner, fixed span."""
    for field in range(TEXTS):
        leaf, owner = int(texts[field, 0]), int(texts[field, 1])
        spans[field, 0], spans[field, 1] = texts[field, 2], texts[field, 3]
        if leaf < 0 or kinds[leaf] == ABSENT or kinds[leaf] == NULL:
            continue
        kind, begin, end = int(kinds[leaf]), found[leaf, 0], found[leaf, 1]
        entry = _entry(text, kind, begin, end, owner, table) if owner >= 0 else -1
        if entry >= 0:
            if table[entry, 3] < 0:
                return False
            spans[field, 0], spans[field, 1] = table[entry, 3], table[entry, 4]
            continue
        taken = DOUBT if kind == TRUE_OR_FALSE else text_at(text, begin, end, kind, longest)
        if taken == DOUBT:
            return False
        if taken == TAKEN:
            spans[field, 0], spans[field, 1] = begin, end
    return bool(spans[ID, 1] > spans[ID, 0] and spans[ACCOUNT, 1] > spans[ACCOUNT, 0])


@compiled
def read_rows(
    text: ByteArray,
    begin: int,
    lengths: IntArray,
    timestamps_ms: IntArray,
    rules: IntArray,
    largest: float,
    table: SmallIntArray,
    texts: SmallIntArray,
    zone: IntArray,
    longs: IntArray,
    places: SmallIntArray,
    traits: ByteArray,
    spans: SmallIntArray,
    hashes: IntArray,
    taken: ByteArray,
) -> int:
    """How many records were taken: 1 in `taken` [n]; only their rows of the columns have a meaning.

    The records lie in `text` from `begin` on, each followed by a byte 0.
    """
    kinds = np.empty(rules[TARGETS], dtype=np.uint8)
    found = np.empty((rules[LEAVES], 2), dtype=np.int64)
    stack = np.empty((DEEPEST, 2), dtype=np.int64)
    count = 0
    for row in range(len(lengths)):
        end = begin + lengths[row]
        after = scan(text, begin, table, rules[LEAVES], kinds, found, stack)
        is_whole = after == end and lengths[row] <= rules[LONGEST_RECORD]
        taken[row] = is_whole and _read_row(
            text,
            kinds,
            found,
            timestamps_ms[row],
            rules,
            largest,
            table,
            texts,
            zone,
            longs,
            places,
            traits,
            spans,
            hashes,
            row,
        )
        count += taken[row]
        begin = end + 1
    return count


@compiled
def _read_row(
    text: ByteArray,
    kinds: ByteArray,
    found: IntArray,
    timestamp_ms: int,
    rules: IntArray,
    largest: float,
    table: SmallIntArray,
    texts: SmallIntArray,
    zone: IntArray,
    longs: IntArray,
    places: SmallIntArray,
    traits: ByteArray,
    spans: SmallIntArray,
    hashes: IntArray,
    row: int,
) -> bool:
    """Whether the record whose values were found could be taken, into one row of the columns."""
    time_ms = _time(text, kinds, found, rules, zone, timestamp_ms)
    if time_ms == NO_NUMBER:
        return False
    amount = _amount(text, kinds, found, rules, largest)
    if amount == NO_NUMBER:
        return False
    latitude = _coordinate(text, kinds, found, rules[LATITUDE_LEAF], rules[LATITUDE], 90.0)
    longitude = _coordinate(text, kinds, found, rules[LONGITUDE_LEAF], rules[LONGITUDE], 180.0)
    if latitude == NO_NUMBER or longitude == NO_NUMBER:
        return False
    direction = _word(
        text, kinds, found, rules[DIRECTION_LEAF], rules[DIRECTION_OWNER], rules[DIRECTION], table
    )
    status = _word(text, kinds, found, rules[STATUS_LEAF], rules[STATUS_OWNER], rules[STATUS], table)
    currency = _word(text, kinds, found, rules[CURRENCY_LEAF], rules[CURRENCY_OWNER], 0, table)
    if direction == DOUBT or status == DOUBT or currency == DOUBT:
        return False
    if not _texts(text, kinds, found, rules[LONGEST_TEXT], table, texts, spans[row]):
        return False
    trait = direction | status
    if spans[row, COUNTERPARTY, 1] > spans[row, COUNTERPARTY, 0]:
        trait |= _HAS_COUNTERPARTY
    if latitude == NOWHERE_ON_EARTH or longitude == NOWHERE_ON_EARTH:
        latitude, longitude = 0, 0
    else:
        trait |= _HAS_PLACE
    longs[0, row], longs[1, row] = time_ms, amount
    places[0, row], places[1, row], traits[row] = latitude, longitude, trait
    digest_row(text, spans, (time_ms, amount, latitude, longitude, trait), hashes, row)
    return True
