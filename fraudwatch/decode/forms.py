"""Times written in a house's own form, `31/12/2024 23:05`, described by `%d/%m/%Y %H:%M` as for strptime.

Own code rather than `datetime.strptime`: that one reads names by the locale of the machine, takes `1122024` for
`%d%m%Y`, and costs three times as much.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

LETTERS = {
    "%Y": "year, four digits",
    "%y": "year, two digits: 69 to 99 are 1969 to 1999, the others 2000 to 2068",
    "%m": "month, 01 to 12",
    "%d": "day of the month, 01 to 31",
    "%H": "hour, 00 to 23",
    "%M": "minute",
    "%S": "second",
    "%f": "fraction of a second, 1 to 6 digits",
    "%z": "offset from UTC: +0200, +02:00 or Z",
    "%%": "a percent sign",
}
"""What a form is made of, beside text that stands for itself."""

_PIECE = re.compile(r"%.?|[^%]+", re.DOTALL)
_NEEDED = (("%Y", "%y"), ("%m",), ("%d",))
_DIGITS = {"%Y": r"(?P<Y>\d{4})", "%y": r"(?P<y>\d\d)", "%f": r"(?P<f>\d{1,6})"}
_OFFSET = r"(?P<z>Z|[+-]\d\d:?\d\d)"
_LAST_OF_2000S = 68


def form_mistake(form: str) -> str | None:
    """What is wrong with a form, None when it can be used."""
    letters = [piece for piece in _PIECE.findall(form) if piece[0] == "%" and piece != "%%"]
    for letter in letters:
        if letter not in LETTERS:
            return f"expected the letters {' '.join(LETTERS)}; found {letter} in {form!r}"
        if letters.count(letter) > 1:
            return f"expected every letter once; found {letter} twice in {form!r}"
    for choice in _NEEDED:
        given = [letter for letter in choice if letter in letters]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            return f"expected {' or '.join(choice)} ({LETTERS[choice[0]]}); found {found} in {form!r}"
    return None


def form_parser(form: str) -> Callable[[str], datetime]:
    """A function that reads a text of exactly that form; without `%z` the datetime is naive.

    Days, months, hours, minutes and seconds have two digits; one is enough where no other digits stand
    directly beside them. The function raises ValueError.
    """
    match = re.compile(_pattern(_PIECE.findall(form)), re.ASCII).fullmatch

    def read(text: str) -> datetime:
        found = match(text)
        if found is None:
            raise ValueError("another form")
        part = found.groupdict()
        hour, minute, second = (int(part.get(letter) or 0) for letter in "HMS")
        fraction = int(part.get("f", "0").ljust(6, "0"))
        day = datetime(_year(part), int(part["m"]), int(part["d"]), hour, minute, second, fraction)
        return day.replace(tzinfo=_offset(part["z"])) if "z" in part else day

    return read


def _pattern(pieces: list[str]) -> str:
    return "".join(_piece(pieces, place) for place in range(len(pieces)))


def _piece(pieces: list[str], place: int) -> str:
    piece = pieces[place]
    if piece == "%z":
        return _OFFSET
    if piece in _DIGITS:
        return _DIGITS[piece]
    if piece in LETTERS and piece != "%%":
        before, after = pieces[:place][-1:], pieces[place + 1 :][:1]
        is_apart = not (any(map(_ends_in_digits, before)) or any(map(_starts_with_digits, after)))
        return rf"(?P<{piece[1]}>\d\d{'?' if is_apart else ''})"
    return re.escape("%" if piece == "%%" else piece)


def _ends_in_digits(piece: str) -> bool:
    return piece[-1].isdigit() or (piece in LETTERS and piece != "%%")


def _starts_with_digits(piece: str) -> bool:
    return piece[0].isdigit() or (piece in LETTERS and piece not in ("%%", "%z"))


def _year(part: dict[str, str]) -> int:
    if "Y" in part:
        return int(part["Y"])
    short = int(part["y"])
    return short + (2000 if short <= _LAST_OF_2000S else 1900)


def _offset(text: str) -> timezone:
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
