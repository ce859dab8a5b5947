"""Amounts: from a number in major or minor units to whole minor units, without losing a cent.

More decimals than the currency has are rounded half to even (0.125 EUR is 12 cents, 0.135 is 14): the rounding
that adds no bias to sums. It is done on the decimal digits as they were written, never on a binary fraction.
"""

import sys
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from fraudwatch.config.currencies import minor_digits
from fraudwatch.config.settings import Settings
from fraudwatch.decode.refusals import NumberText, Refused, shown
from fraudwatch.decode.source import Unclear
from fraudwatch.records import LARGEST_AMOUNT_MINOR, Refusal

LONGEST_NUMBER = 400
"""Characters of a number in text: the largest double written out has 309 digits."""

# A double is within 1e-16 of the text relatively, so times 10^4 and up to 10^14 within 0.03 of a minor unit.
# Nearer than 0.05 to a tie only the digits can tell.
_SURE = 0.45

EXACT = Context(prec=LONGEST_NUMBER + 40, rounding=ROUND_HALF_EVEN)
"""Holds every digit of a number that is read, and those that a unit or a rate adds."""


def largest_amount(settings: Settings) -> float:
    """The largest believable amount, in major units of the state's currency."""
    return min(settings.limits.max_amount, LARGEST_AMOUNT_MINOR / 10.0 ** minor_digits(settings.currency))


def amount_reader(subject: str, digits: int, largest: float) -> Callable[[Any], int]:
    """A function from what the source holds to minor units.

    Parameters: `digits` is how many decimals the number has more than the minor unit (2 for euros, 0 for
    cents); `largest` is the largest amount in the number's own unit. The function raises Refused; and Unclear
    for a JSON number that the quick reader made a double of, when only its digits tell how to round it.
    """
    factor = 10**digits
    step = Decimal(1).scaleb(-digits)

    def read(found: Any) -> int:
        number = number_of(subject, found)
        if number < 0:
            raise Refused(Refusal.AMOUNT_NEGATIVE, subject, "an amount of 0 or more", shown(found))
        if number > largest:
            raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, subject, f"at most {largest:.15g}", shown(found))
        scaled = number * factor
        minor: int = round(scaled)
        if abs(scaled - minor) < _SURE:
            return minor
        if not isinstance(found, str):
            raise Unclear
        return int(Decimal(found.strip()).quantize(step, context=EXACT).scaleb(digits))

    return read


def converted(subject: str, found: Any, worth: Decimal, largest: float, most: str) -> int:
    """Minor units of the state's currency for an amount in another one, one unit of which is `worth` so many.

    Rounded once, half to even, from the exact product. `largest` is in the minor units of the state, `most`
    the same in words. Raises Refused, and Unclear as the function of `amount_reader` does.
    """
    number = number_of(subject, found)
    if number < 0:
        raise Refused(Refusal.AMOUNT_NEGATIVE, subject, "an amount of 0 or more", shown(found))
    scaled = number * float(worth)
    minor = round(scaled) if scaled <= largest + 1 else None
    if minor is not None and abs(scaled - minor) >= _SURE:
        if type(found) is float:
            raise Unclear
        minor = int(EXACT.multiply(Decimal(str(found).strip()), worth).to_integral_value(ROUND_HALF_EVEN))
    if minor is None or minor > largest:
        raise Refused(Refusal.AMOUNT_OUT_OF_RANGE, subject, f"at most {most}", shown(found))
    return minor


def number_of(subject: str, found: Any) -> float | int:
    """A finite number from a JSON number or a number in text. Raises Refused."""
    kind = type(found)
    if kind is float or kind is int:
        number: float | int = found
    elif kind is str or kind is NumberText:
        number = _of_text(subject, found)
    else:
        raise Refused(Refusal.WRONG_TYPE, subject, "a number", shown(found))
    if not abs(number) <= sys.float_info.max:  # not `>`: NaN compares false
        raise Refused(Refusal.NOT_A_NUMBER, subject, "a finite number", shown(found))
    return number


def _of_text(subject: str, text: str) -> float:
    """What Python reads as a number, without its liberties: `1_000` and digits of other scripts are refused."""
    try:
        number = float(text)
    except ValueError:
        raise Refused(Refusal.NOT_A_NUMBER, subject, "a number", shown(text)) from None
    if "_" in text or not text.isascii() or len(text) > LONGEST_NUMBER:
        raise Refused(Refusal.NOT_A_NUMBER, subject, "a plain number", shown(text))
    return number
