"""Where the mapped values of one JSON object are, found while the whole of it is checked (RFC 8259).

Records lie in one buffer, each followed by a byte 0, which is part of no JSON text: so no loop asks whether it is at
the end. What is not JSON to the letter, or could be read in two ways (a mapped name twice, an escape in a name,
more than `DEEPEST` levels), is in doubt, and left to the exact decoder.
"""

from typing import Any, TypeAlias

import numpy as np

from fraudwatch.compiled import compiled, eight_bytes, zeros_below
from fraudwatch.decode.kernels.given import DEEPEST, ENTRIES, LEAVES, NAME, TARGETS, UNMAPPED, Given
from fraudwatch.decode.kernels.table import NOWHERE, is_same, look_up
from fraudwatch.records import ByteArray

Word: TypeAlias = Any
"""64 bits without a sign."""

DOUBT = -1

ABSENT, NULL, ASCII, UNICODE, ESCAPED, WHOLE, FRACTION, TRUE_OR_FALSE, OBJECT, ODD = range(10)
"""What a value is. ASCII, UNICODE, ESCAPED: texts without control characters, of printable ASCII, with other bytes,
with escapes. FRACTION: a number with a fraction and no exponent. ODD: there, and nothing that is read here."""

TAB, LINE, RETURN, SPACE, QUOTE, PLUS, COMMA, MINUS, DOT = 9, 10, 13, 32, 34, 43, 44, 45, 46
ZERO, NINE, COLON, OPEN_LIST, BACKSLASH, CLOSE_LIST = 48, 57, 58, 91, 92, 93
OPEN_OBJECT, CLOSE_OBJECT = 123, 125
LOWER_A, LOWER_E, LOWER_F, LOWER_N, LOWER_T, LOWER_U, UPPER_A, UPPER_E, UPPER_F = b"aefntuAEF"

# The same byte eight times.
_ONES, _HIGHS, _SPACES, _QUOTES, _ESCAPES, _DELETES = (
    np.uint64(byte * 0x0101010101010101) for byte in (1, 0x80, SPACE, QUOTE, BACKSLASH, 0x7F)
)

_HIGH, _DELETE, _ESCAPE, _END, _CONTROL = 1, 2, 4, 8, 16


def _classes() -> ByteArray:
    """What each byte is inside a string; 0 is a plain character."""
    classes = np.zeros(256, dtype=np.uint8)
    classes[:SPACE] = _CONTROL
    classes[0x80:] = _HIGH
    classes[0x7F], classes[BACKSLASH], classes[QUOTE] = _DELETE, _ESCAPE, _END
    return classes


_CLASS = _classes()
_ESCAPED = np.isin(np.arange(256), list(b'"\\/bfnrt'))
"""What may stand behind a backslash by itself."""


@compiled
def after_blank(text: ByteArray, place: int) -> int:
    """The first byte from `place` on that is no JSON blank."""
    while text[place] <= SPACE and text[place] in (SPACE, LINE, RETURN, TAB):
        place += 1
    return place


@compiled
def is_digit(byte: int) -> bool:
    """Whether it is one of 0 to 9."""
    return ZERO <= byte <= NINE


@compiled
def after_escape(text: ByteArray, place: int) -> int:
    """Behind the escape whose backslash is at `place`, or DOUBT."""
    byte = text[place + 1]
    if byte != LOWER_U:
        return place + 2 if _ESCAPED[byte] else DOUBT
    for digit in range(place + 2, place + 6):
        byte = text[digit]
        if not (is_digit(byte) or LOWER_A <= byte <= LOWER_F or UPPER_A <= byte <= UPPER_F):
            return DOUBT
    return place + 6


@compiled
def _odd_bytes(word: Word) -> Word:
    """The high bit of every byte that is no plain character of a string, exact up to the first of them.

    Bytes are compared eight at a time: Warren, Hacker's Delight, 6-1.
    """
    quote, escape, delete = word ^ _QUOTES, word ^ _ESCAPES, word ^ _DELETES
    equal = (quote - _ONES) & ~quote | (escape - _ONES) & ~escape | (delete - _ONES) & ~delete
    return (equal | (word - _SPACES) & ~word | word) & _HIGHS


@compiled
def _string(text: ByteArray, place: int) -> tuple[int, int]:
    """The closing quote of the string whose first character is at `place` (or DOUBT), and what is in it."""
    kind = 0
    while True:
        odd = _odd_bytes(eight_bytes(text, place))
        if odd == 0:
            place += 8
            continue
        place += zeros_below(odd) >> 3
        found = int(_CLASS[text[place]])
        if found == _END:
            return place, kind
        if found == _CONTROL:
            return DOUBT, kind
        kind |= found
        place = after_escape(text, place) if found == _ESCAPE else place + 1
        if place == DOUBT:
            return DOUBT, kind


@compiled
def _after_digits(text: ByteArray, place: int) -> int:
    """Behind the digits that begin at `place`, of which there must be one, or DOUBT."""
    if not is_digit(text[place]):
        return DOUBT
    while is_digit(text[place]):
        place += 1
    return place


@compiled
def _number(text: ByteArray, place: int) -> tuple[int, int]:
    """Behind the number that begins at `place` (or DOUBT), and its kind."""
    begin = place + 1 if text[place] == MINUS else place
    place = _after_digits(text, begin)
    if place == DOUBT or (text[begin] == ZERO and place > begin + 1):
        return DOUBT, ODD
    kind = WHOLE
    if text[place] == DOT:
        kind = FRACTION
        place = _after_digits(text, place + 1)
        if place == DOUBT:
            return DOUBT, ODD
    if text[place] == LOWER_E or text[place] == UPPER_E:
        kind = ODD
        place += 2 if text[place + 1] == PLUS or text[place + 1] == MINUS else 1
        place = _after_digits(text, place)
    return place, kind


@compiled
def _word(text: ByteArray, place: int) -> tuple[int, int]:
    """Behind the `null`, `true` or `false` that begins at `place` (or DOUBT), and its kind."""
    first = text[place]
    word = b"null" if first == LOWER_N else b"true" if first == LOWER_T else b"fals"
    for step in range(4):
        if text[place + step] != word[step]:
            return DOUBT, ODD
    if first != LOWER_F:
        return place + 4, NULL if first == LOWER_N else TRUE_OR_FALSE
    return place + 5 if text[place + 4] == LOWER_E else DOUBT, TRUE_OR_FALSE


@compiled
def _scalar(text: ByteArray, place: int) -> tuple[int, int, int, int]:
    """A value that is no list or object: what is behind it (or DOUBT), its kind, its first byte and its end."""
    if text[place] == QUOTE:
        end, found = _string(text, place + 1)
        if end == DOUBT:
            return DOUBT, ODD, 0, 0
        kind = ASCII if found == 0 else UNICODE if found == _HIGH else ODD if found & _DELETE else ESCAPED
        return end + 1, kind, place + 1, end
    if text[place] == MINUS or is_digit(text[place]):
        end, kind = _number(text, place)
    else:
        end, kind = _word(text, place)
    return end, kind, place, end


@compiled
def _name(given: Given, place: int, node: int) -> tuple[int, int, int]:
    """What is behind the name at `place` and its colon (or DOUBT), where in the mapping it leads, and its length."""
    text = given.text
    if text[place] != QUOTE:
        return DOUBT, NOWHERE, 0
    end, found = _string(text, place + 1)
    if end == DOUBT or (found & _ESCAPE and node >= 0):
        return DOUBT, NOWHERE, 0
    target = NOWHERE
    if node >= 0:
        entry = look_up(text, place + 1, end, node, given.table, given.rules[ENTRIES])
        if entry >= 0:
            target = int(given.table[entry + 3])
    after = after_blank(text, end + 1)
    if text[after] != COLON:
        return DOUBT, NOWHERE, 0
    return after_blank(text, after + 1), target, end - place


@compiled
def _expected(given: Given, place: int, node: int, before: int) -> tuple[int, int, int]:
    """As `_name`, but the third is the row of the name in `names`; `before` is that of the name before it.

    Records of a source mostly hold the same names in the same order, so what followed a name the last time is
    tried first.
    """
    names = given.names
    row = names[before + 4]
    length = names[row + 1]
    if names[row + 2] == node and is_same(given.text, place, names[row], length):
        return place + length, names[row + 3], row
    after, target, length = _name(given, place, node)
    if after == DOUBT:
        return DOUBT, NOWHERE, 0
    row = NAME * (1 + UNMAPPED + target if target >= 0 else 1 + length % UNMAPPED)
    names[before + 4] = row
    names[row], names[row + 1], names[row + 2], names[row + 3] = place, after - place, node, target
    return after, target, row


@compiled
def scan(given: Given, place: int) -> int:
    """What is behind the JSON object that begins at `place` and its blanks, or DOUBT. Fills `kinds` and `found`."""
    text, kinds, found, stack = given.text, given.kinds, given.found, given.stack
    leaves = given.rules[LEAVES]
    for target in range(given.rules[TARGETS]):
        kinds[target] = ABSENT
    place = after_blank(text, place)
    if text[place] != OPEN_OBJECT:
        return DOUBT
    place += 1
    node, closer, depth, is_first, name = 0, CLOSE_OBJECT, 0, True, 0
    while True:
        place = after_blank(text, place)
        is_empty = is_first and text[place] == closer
        if not is_empty:
            target = NOWHERE
            if closer == CLOSE_OBJECT:
                place, target, name = _expected(given, place, node, name)
                if place == DOUBT or (target >= 0 and kinds[target] != ABSENT):
                    return DOUBT
            if text[place] == OPEN_OBJECT or text[place] == OPEN_LIST:
                is_object = text[place] == OPEN_OBJECT
                if depth == DEEPEST or (target >= 0 and (target < leaves or not is_object)):
                    return DOUBT
                stack[2 * depth], stack[2 * depth + 1] = node, closer
                depth += 1
                node = NOWHERE
                if target >= 0:
                    kinds[target] = OBJECT
                    node = target - leaves
                closer = CLOSE_OBJECT if is_object else CLOSE_LIST
                place += 1
                is_first = True
                continue
            place, kind, begin, end = _scalar(text, place)
            if place == DOUBT:
                return DOUBT
            if target >= 0:
                if kind == ODD or (target >= leaves and kind != NULL):
                    return DOUBT
                kinds[target] = kind
                if target < leaves:
                    found[2 * target], found[2 * target + 1] = begin, end
            place = after_blank(text, place)
        while is_empty or text[place] != COMMA:
            if text[place] != closer:
                return DOUBT
            is_empty = False
            place = after_blank(text, place + 1)
            if depth == 0:
                return place
            depth -= 1
            node, closer = stack[2 * depth], stack[2 * depth + 1]
        place += 1
        is_first = False
