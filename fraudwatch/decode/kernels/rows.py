"""Whole records to columns: every mapped value by its reader, and a record given up at the first doubt."""

import numpy as np

from fraudwatch.compiled import compiled, elements
from fraudwatch.decode.digests import ACCOUNT, COUNTERPARTY, ID, TEXTS, digest_row
from fraudwatch.decode.kernels.given import (
    AHEAD,
    AMOUNT,
    AMOUNT_FACTOR,
    AMOUNT_LEAF,
    COUNT,
    CURRENCY_LEAF,
    CURRENCY_OWNER,
    DIRECTION,
    DIRECTION_LEAF,
    DIRECTION_OWNER,
    EARLIEST,
    ENTRIES,
    ISO,
    LATEST,
    LATITUDE,
    LATITUDE_LEAF,
    LONGEST_RECORD,
    LONGEST_TEXT,
    LONGITUDE,
    LONGITUDE_LEAF,
    NOWHERE_ON_EARTH,
    STATUS,
    STATUS_LEAF,
    STATUS_OWNER,
    TEXT,
    TIME_FORM,
    TIME_LEAF,
    TIME_PARTS,
    TIME_TIMES,
    ZONES,
    Filled,
    Given,
)
from fraudwatch.decode.kernels.moments import iso_at
from fraudwatch.decode.kernels.numbers import DOUBT as NO_NUMBER
from fraudwatch.decode.kernels.numbers import amount_at, count_at, millionths_at
from fraudwatch.decode.kernels.scan import (
    ABSENT,
    ASCII,
    ESCAPED,
    FRACTION,
    NULL,
    ODD,
    TRUE_OR_FALSE,
    WHOLE,
    scan,
)
from fraudwatch.decode.kernels.table import NOWHERE, look_up
from fraudwatch.decode.kernels.texts import BLANK, DOUBT, TAKEN, text_at, unescape
from fraudwatch.records import NO_TIMESTAMP, ByteArray, IntArray, SmallIntArray, Trait

_HAS_COUNTERPARTY, _HAS_PLACE = Trait.HAS_COUNTERPARTY.value, Trait.HAS_PLACE.value


@compiled
def _value(given: Given, leaf: int) -> tuple[int, int, int]:
    """What was found at a leaf: its kind, and where it begins and ends."""
    return int(given.kinds[leaf]), int(given.found[2 * leaf]), int(given.found[2 * leaf + 1])


@compiled
def _text_value(given: Given, leaf: int) -> tuple[int, int, int]:
    """The same, and of a text with escapes what it says; kind ODD where that is in doubt."""
    kind, begin, end = _value(given, leaf)
    if kind == ESCAPED:
        end, kind = unescape(given.text, begin, end)
        kind = ODD if end == DOUBT else kind
        given.kinds[leaf], given.found[2 * leaf + 1] = kind, end
    return kind, begin, end


@compiled
def _time(given: Given, timestamp_ms: int) -> int:
    """The event time, neither out of range nor ahead, or NO_NUMBER."""
    text, rules = given.text, given.rules
    kind, begin, end = _value(given, rules[TIME_LEAF])
    form = rules[TIME_FORM]
    time_ms = NO_NUMBER
    if kind == ASCII and form != COUNT:
        time_ms = iso_at(text, begin, end, given.zone, rules[ZONES])
    elif kind in (ASCII, WHOLE, FRACTION) and form != ISO:
        time_ms = count_at(text, begin, end, rules[TIME_TIMES], rules[TIME_PARTS])
    if time_ms == NO_NUMBER or not rules[EARLIEST] <= time_ms < rules[LATEST]:
        return NO_NUMBER
    if timestamp_ms != NO_TIMESTAMP and time_ms - timestamp_ms > rules[AHEAD]:
        return NO_NUMBER
    return int(time_ms)


@compiled
def _amount(given: Given) -> int:
    """The amount in minor units, or NO_NUMBER."""
    rules = given.rules
    leaf = rules[AMOUNT_LEAF]
    if leaf < 0:
        return int(rules[AMOUNT])
    kind, begin, end = _value(given, leaf)
    if kind not in (ASCII, WHOLE, FRACTION):
        return NO_NUMBER
    return amount_at(given.text, begin, end, float(rules[AMOUNT_FACTOR]), given.largest)


@compiled
def _coordinate(given: Given, leaf: int, fixed: int, largest: float) -> int:
    """Millionths of a degree, NOWHERE_ON_EARTH for none, or NO_NUMBER; `fixed` where no path leads to it."""
    if leaf < 0:
        return fixed
    kind, begin, end = _value(given, leaf)
    if kind in (ABSENT, NULL):
        return NOWHERE_ON_EARTH
    if kind == ASCII and text_at(given.text, begin, end, kind, end - begin) == BLANK:
        return NOWHERE_ON_EARTH
    if kind not in (ASCII, WHOLE, FRACTION):
        return NO_NUMBER
    return millionths_at(given.text, begin, end, largest)


@compiled
def _entry(given: Given, kind: int, begin: int, end: int, owner: int) -> int:
    """Where in the table the value is that a text reader would look up, NOWHERE for none."""
    if kind in (FRACTION, ODD) or (
        kind == WHOLE and text_at(given.text, begin, end, kind, end - begin) == DOUBT
    ):
        return NOWHERE
    return look_up(given.text, begin, end, owner, given.table, given.rules[ENTRIES])


@compiled
def _word(given: Given, leaf: int, owner: int, fixed: int) -> int:
    """What a word from a closed list stands for, 0 for none, or DOUBT; `fixed` where no path leads to it."""
    if leaf < 0:
        return fixed
    kind, begin, end = _text_value(given, leaf)
    if kind in (ABSENT, NULL):
        return 0
    entry = _entry(given, kind, begin, end, owner)
    if entry >= 0:
        return int(given.table[entry + 3])
    return 0 if kind == ASCII and text_at(given.text, begin, end, kind, end - begin) == BLANK else DOUBT


@compiled
def _text(given: Given, field: int) -> tuple[bool, int, int]:
    """Whether a text could be taken, and where it begins and ends; an absent one is empty."""
    leaf, owner = int(given.texts[field * TEXT]), int(given.texts[field * TEXT + 1])
    if leaf < 0:
        return True, int(given.texts[field * TEXT + 2]), int(given.texts[field * TEXT + 3])
    kind, begin, end = _text_value(given, leaf)
    if kind in (ABSENT, NULL):
        return True, 0, 0
    if owner >= 0:
        entry = _entry(given, kind, begin, end, owner)
        if entry >= 0:
            return given.table[entry + 3] >= 0, int(given.table[entry + 3]), int(given.table[entry + 4])
    if kind == TRUE_OR_FALSE:
        return False, 0, 0
    taken = text_at(given.text, begin, end, kind, given.rules[LONGEST_TEXT])
    if taken == TAKEN:
        return True, begin, end
    return taken == BLANK, 0, 0


@compiled
def _read_row(given: Given, filled: Filled, timestamp_ms: int, row: int) -> bool:
    """Whether the record whose values were found could be taken, into one row of the columns."""
    rules, spans = given.rules, filled.spans
    time_ms = _time(given, timestamp_ms)
    amount = _amount(given)
    if NO_NUMBER in (time_ms, amount):
        return False
    latitude = _coordinate(given, rules[LATITUDE_LEAF], rules[LATITUDE], 90.0)
    longitude = _coordinate(given, rules[LONGITUDE_LEAF], rules[LONGITUDE], 180.0)
    if NO_NUMBER in (latitude, longitude):
        return False
    direction = _word(given, rules[DIRECTION_LEAF], rules[DIRECTION_OWNER], rules[DIRECTION])
    status = _word(given, rules[STATUS_LEAF], rules[STATUS_OWNER], rules[STATUS])
    if DOUBT in (direction, status, _word(given, rules[CURRENCY_LEAF], rules[CURRENCY_OWNER], 0)):
        return False
    trait = direction | status
    for field in range(TEXTS):
        is_taken, begin, end = _text(given, field)
        if not is_taken or (begin == end and field in (ID, ACCOUNT)):
            return False
        if field == COUNTERPARTY and begin < end:
            trait |= _HAS_COUNTERPARTY
        span = (row * TEXTS + field) * 2
        spans[span], spans[span + 1] = begin, end
    if NOWHERE_ON_EARTH in (latitude, longitude):
        latitude, longitude = 0, 0
    else:
        trait |= _HAS_PLACE
    filled.longs[row], filled.longs[filled.rows + row] = time_ms, amount
    filled.places[row], filled.places[filled.rows + row] = latitude, longitude
    filled.traits[row] = trait
    said = (np.int64(time_ms), np.int64(amount), np.int64(latitude), np.int64(longitude), np.int64(trait))
    digest_row(given.text, spans, said, filled.hashes, filled.rows, row)
    return True


@compiled
def read_rows(
    begins: IntArray,
    lengths: IntArray,
    timestamps_ms: IntArray,
    text: ByteArray,
    rules: IntArray,
    largest: float,
    table: SmallIntArray,
    texts: SmallIntArray,
    zone: IntArray,
    kinds: ByteArray,
    found: IntArray,
    stack: IntArray,
    names: IntArray,
    longs: IntArray,
    places: SmallIntArray,
    traits: ByteArray,
    spans: SmallIntArray,
    hashes: IntArray,
    taken: ByteArray,
) -> None:
    """Fill `taken` uint8[n] with 1 for every record that was taken; only their rows of the columns have a meaning.

    The records lie in `text` at `begins` int64[n] and are `lengths` int64[n] long (−1: there is none); the byte behind
    each is part of no other, and is set to 0. What is behind `text` is for `Given`, and what is behind `names` for
    `Filled`.
    """
    given = Given(
        elements(text),
        elements(rules),
        largest,
        elements(table),
        elements(texts),
        elements(zone),
        elements(kinds),
        elements(found),
        elements(stack),
        elements(names),
    )
    filled = Filled(
        elements(longs),
        elements(places),
        elements(traits),
        elements(spans),
        elements(hashes),
        len(lengths),
    )
    for row in range(len(lengths)):
        is_whole = 0 <= lengths[row] <= rules[LONGEST_RECORD]
        if is_whole:
            end = begins[row] + lengths[row]
            given.text[end] = 0
            is_whole = scan(given, begins[row]) == end
        taken[row] = is_whole and _read_row(given, filled, timestamps_ms[row], row)
