"""Texts: which of them the exact decoder would take as they stand in the record."""

from fraudwatch.compiled import compiled
from fraudwatch.decode.kernels.scan import (
    ASCII,
    BACKSLASH,
    LOWER_A,
    LOWER_U,
    MINUS,
    NINE,
    QUOTE,
    SPACE,
    UNICODE,
    WHOLE,
    ZERO,
)
from fraudwatch.records import ByteArray

TAKEN, BLANK, DOUBT = 1, 0, -1

SLASH, DELETE = 47, 127
HIGH_SURROGATE, LOW_SURROGATE, LAST_SURROGATE = 0xD800, 0xDC00, 0xDFFF

_LONGEST_WHOLE = 18


@compiled
def text_at(text: ByteArray, begin: int, end: int, kind: int, longest: int) -> int:
    """Whether it is a text of at most `longest` characters (TAKEN), none at all (BLANK) or in DOUBT."""
    if kind == ASCII:
        return _ascii(text, begin, end, longest)
    if kind == UNICODE:
        return _unicode(text, begin, end, longest)
    if kind != WHOLE or end - begin > min(longest, _LONGEST_WHOLE):
        return DOUBT
    # −0 is written 0.
    return DOUBT if text[begin] == MINUS and text[begin + 1] == ZERO else TAKEN


@compiled
def unescape(text: ByteArray, begin: int, end: int) -> tuple[int, int]:
    """Write a JSON string without its escapes over itself, which is never longer: its new end (or DOUBT) and kind.

    Control characters and half a surrogate pair are in doubt.
    """
    kind, place, to = ASCII, begin, begin
    while place < end:
        byte = int(text[place])
        if byte != BACKSLASH:
            text[to] = byte
            kind = UNICODE if byte >= 0x80 else kind
            place, to = place + 1, to + 1
            continue
        code, after = _escaped(text, place)
        if HIGH_SURROGATE <= code < LOW_SURROGATE and text[after] == BACKSLASH:
            low, after = _escaped(text, after)
            is_pair = LOW_SURROGATE <= low <= LAST_SURROGATE
            code = 0x10000 + ((code - HIGH_SURROGATE) << 10) + low - LOW_SURROGATE if is_pair else 0
        if code < SPACE or code == DELETE or HIGH_SURROGATE <= code <= LAST_SURROGATE:
            return DOUBT, kind
        place = after
        if code < 0x80:
            text[to] = code
            to += 1
            continue
        kind = UNICODE
        more = 1 if code < 0x800 else 2 if code < 0x10000 else 3
        text[to] = (0xFF00 >> (more + 1)) & 0xFF | code >> (6 * more)
        for byte_ in range(1, more + 1):
            text[to + byte_] = 0x80 | (code >> (6 * (more - byte_)) & 0x3F)
        to += more + 1
    return to, kind


@compiled
def _escaped(text: ByteArray, place: int) -> tuple[int, int]:
    """The character that the valid escape at `place` stands for (0 for a control character), and what is behind it."""
    byte = int(text[place + 1])
    if byte != LOWER_U:
        return byte if byte in (QUOTE, BACKSLASH, SLASH) else 0, place + 2
    code = 0
    for digit in range(place + 2, place + 6):
        hexadecimal = int(text[digit])
        is_letter = hexadecimal > NINE
        code = code * 16 + ((hexadecimal | 0x20) - LOWER_A + 10 if is_letter else hexadecimal - ZERO)
    return code, place + 6


@compiled
def _ascii(text: ByteArray, begin: int, end: int, longest: int) -> int:
    """The same of printable ASCII."""
    if end - begin > longest:
        return DOUBT
    for place in range(begin, end):
        if text[place] != SPACE:
            return TAKEN
    return BLANK


@compiled
def _unicode(text: ByteArray, begin: int, end: int, longest: int) -> int:
    """The same of bytes that should be UTF-8 (RFC 3629), with some of them not ASCII.

    The control characters U+0080 to U+009F are in doubt, and so is a text that may be blank: of characters alone
    whose first byte is one that begins a Unicode space (U+00A0, U+1680, U+2000 to U+205F, U+3000).
    """
    characters = 0
    is_seen = False
    place = begin
    while place < end:
        first, second = int(text[place]), int(text[place + 1])
        size = 1
        if first >= 0x80:
            size = _size(first, second)
            if size == 0 or place + size > end:
                return DOUBT
            for more in range(place + 2, place + size):
                if text[more] & 0xC0 != 0x80:
                    return DOUBT
        is_seen |= first not in (SPACE, 0xC2, 0xE1, 0xE2, 0xE3)
        characters += 1
        place += size
    return TAKEN if is_seen and characters <= longest else DOUBT


@compiled
def _size(first: int, second: int) -> int:
    """How many bytes a character has that begins with these two; 0 for none, or a control character."""
    if not 0x80 <= second <= 0xBF:
        return 0
    if 0xC2 <= first <= 0xDF:
        return 0 if first == 0xC2 and second < 0xA0 else 2
    if 0xE0 <= first <= 0xEF:
        is_overlong = first == 0xE0 and second < 0xA0
        is_surrogate = first == 0xED and second > 0x9F
        return 0 if is_overlong or is_surrogate else 3
    if 0xF0 <= first <= 0xF4:
        is_overlong = first == 0xF0 and second < 0x90
        is_beyond = first == 0xF4 and second > 0x8F
        return 0 if is_overlong or is_beyond else 4
    return 0
