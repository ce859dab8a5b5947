"""Texts, words from a closed list, coordinates and the currency."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

from fraudwatch.decode.money import number_of
from fraudwatch.decode.refusals import Refused, shown
from fraudwatch.records import Refusal

TextReader = Callable[[Any], str | None]

_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters and lone surrogates: what no screen, CSV file or UTF-8 encoder takes."""


def text_reader(subject: str, longest: int, values: Mapping[str, str] | None = None) -> TextReader:
    """A function from what the source holds to a text, None for null and blank.

    Whole numbers become their digits. `values` translates whole texts first (also `"true"` and `"false"`, for
    which a JSON true or false is accepted then); what it does not name stays as it is. The function raises
    Refused: wrong_type for anything else, bad_text for a text that is too long or holds control characters.
    """
    translation = dict(values or {})

    def read(found: Any) -> str | None:
        kind = type(found)
        if kind is str:
            text: str = found
        elif found is None:
            return None
        elif kind is int:
            text = str(found)
        elif kind is bool and shown(found) in translation:
            text = shown(found)
        else:
            raise Refused(Refusal.WRONG_TYPE, subject, "text or a whole number", shown(found))
        if translation:
            text = translation.get(text, text)
        if len(text) > longest:
            found_length = f"{len(text)}: {shown(text)}"
            raise Refused(Refusal.BAD_TEXT, subject, f"at most {longest} characters", found_length)
        if not text or text.isspace():
            return None
        if not text.isprintable() and _UNPRINTABLE.search(text):
            expected = "text without control or broken characters"
            raise Refused(Refusal.BAD_TEXT, subject, expected, shown(text))
        return text

    return read


def word_reader(subject: str, read_text: TextReader, words: Collection[str]) -> TextReader:
    """A function that reads one of `words`, None for null and blank; any other is wrong_type."""
    allowed = frozenset(words)
    expected = " or ".join(words)

    def read(found: Any) -> str | None:
        text = read_text(found)
        if text is None or text in allowed:
            return text
        raise Refused(Refusal.WRONG_TYPE, subject, expected, shown(text))

    return read


def currency_reader(
    subject: str, read_text: TextReader, currency: str, others: Collection[str] = ()
) -> Callable[[Any], str]:
    """A function that reads the currency of the state or one of `others`; a record that names none is in the first."""
    known = frozenset((currency, *others))
    expected = " or ".join((currency, *sorted(others)))

    def read(found: Any) -> str:
        if found == currency:
            return currency
        text = read_text(found)
        if text is None:
            return currency
        if text not in known:
            raise Refused(Refusal.CURRENCY, subject, expected, shown(text))
        return text

    return read


def coordinate_reader(subject: str, largest: float) -> Callable[[Any], float | None]:
    """A function that reads degrees from −largest to largest, None for null and blank; beyond is wrong_type."""

    def read(found: Any) -> float | None:
        if found is None or _is_blank(found):
            return None
        degrees = float(number_of(subject, found))
        if not -largest <= degrees <= largest:
            expected = f"degrees from {-largest:g} to {largest:g}"
            raise Refused(Refusal.WRONG_TYPE, subject, expected, shown(found))
        return degrees

    return read


def with_comma(read: Callable[..., Any], subject: str) -> Callable[..., Any]:
    """The same function for a number written with a decimal comma; a dot, perhaps of thousands, is refused."""

    def read_comma(found: Any, *more: Any) -> Any:
        if type(found) is not str:
            return read(found, *more)
        if "." in found:
            raise Refused(Refusal.NOT_A_NUMBER, subject, "a number with a decimal comma", shown(found))
        try:
            return read(found.replace(",", "."), *more)
        except Refused as refused:  # said again in the record's own spelling
            raise Refused(refused.reason, refused.subject, refused.expected, shown(found)) from None

    return read_comma


def required(subject: str, read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same function, except that null and blank are refused as missing_field."""

    def read_required(found: Any) -> Any:
        try:
            value = read(found)
        except Refused:
            if found is not None and not _is_blank(found):
                raise
            value = None
        if value is None:
            raise Refused(Refusal.MISSING_FIELD, subject, "a value", shown(found)) from None
        return value

    return read_required


def _is_blank(found: Any) -> bool:
    return isinstance(found, str) and not found.strip()
