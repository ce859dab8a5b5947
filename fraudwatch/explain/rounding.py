"""Figures of a sentence, rounded to the side on which they stay true."""

import math
from collections.abc import Callable

from fraudwatch.alerts import written
from fraudwatch.alerts.written import SPACE, Language
from fraudwatch.config.currencies import minor_digits
from fraudwatch.records import Unit

LOST = 0.02
"""Part of a value that rounding may lose; of a duration, which is written in its two largest units, more."""
_LOST_OF_DURATION = 0.05
_LOST_OF_NUMBER = 0.01
"""Of a number without a unit, whatever its size: the measure of a lane may cross at the least above 0."""
_MOST_DIGITS = 15
_STEPS_MS = (86_400_000, 3_600_000, 60_000, 1_000)
_READ_DIGITS = 4
_CENTS_BELOW = 100
"""Major units from which on a person does not ask for cents."""


def rounded(at: float, unit: Unit, *, is_up: bool, is_good: Callable[[float], bool]) -> float:
    """The roundest value beyond `at` that loses little and of which `is_good`; `at` itself where none is."""
    for value in _rounder(at, unit, is_up):
        lost = abs(at) * (_LOST_OF_DURATION if unit is Unit.DURATION else LOST)
        if unit is Unit.NUMBER:
            lost = max(lost, _LOST_OF_NUMBER)
        if abs(value - at) <= lost and is_good(value):
            return value
    return at


def exactly(value: float, unit: Unit, currency: str, language: Language) -> str:
    """The value in words with nothing rounded away that `rounded` has left: `4,100 €`, `17.30 €`, `2.5`."""
    match unit:
        case Unit.MONEY:
            digits = minor_digits(currency)
            major = round(value) / 10**digits
            text = written.number(major, language, 0 if major == round(major) else digits)
            return f"{text}{SPACE}{written.SIGNS.get(currency, currency)}"
        case Unit.SHARE:
            return f"{written.number(100 * value, language, _places(100 * value))}{SPACE}%"
        case Unit.DISTANCE:
            return f"{written.number(value, language, _places(value))}{SPACE}km"
        case Unit.SPEED:
            return f"{written.number(value, language, _places(value))}{SPACE}km/h"
        case Unit.DURATION | Unit.HOUR:
            return written.by_unit(value, unit, currency, language) or ""
        case Unit.COUNT | Unit.RATIO | Unit.NUMBER:
            return written.number(value, language, _places(value))


def read(value: float, beside: float, unit: Unit, currency: str, language: Language) -> str:
    """What a value was, rounded as far as it stays on its side of another that is written beside it."""
    if unit in (Unit.DURATION, Unit.HOUR, Unit.COUNT):
        return exactly(value, unit, currency, language)
    digits = _READ_DIGITS
    while digits < _MOST_DIGITS and not _is_between(shown := float(f"{value:.{digits}g}"), value, beside):
        digits += 1
    if unit is Unit.MONEY:
        whole = 10 ** minor_digits(currency)
        majors = float(round(value / whole) * whole)
        if abs(value) >= _CENTS_BELOW * whole and abs(shown) < whole * 10**_READ_DIGITS:
            shown = majors if _is_between(majors, value, beside) else value
    return exactly(shown, unit, currency, language)


def _is_between(shown: float, value: float, beside: float) -> bool:
    return (shown > beside) == (value > beside) and (shown < beside) == (value < beside)


def _rounder(at: float, unit: Unit, is_up: bool) -> list[float]:
    """Values beyond, from the roundest on."""
    turn = math.ceil if is_up else math.floor
    if unit is Unit.DURATION:
        return [float(turn(at / step) * step) for step in _STEPS_MS]
    if at == 0.0:
        return []
    values = []
    if abs(at) < _LOST_OF_NUMBER:
        values.append(_LOST_OF_NUMBER * turn(at / _LOST_OF_NUMBER))
    first = math.floor(math.log10(abs(at)))
    for digits in range(2, _MOST_DIGITS):
        places = digits - 1 - first
        steps = turn(at * 10.0**places)
        value = float(f"{steps}e{-places}")
        if value >= at if is_up else value <= at:
            values.append(value)
    return values


def _places(value: float) -> int:
    """Decimals that are not 0."""
    _, _, decimals = f"{value:.12f}".rstrip("0").partition(".")
    return len(decimals)
