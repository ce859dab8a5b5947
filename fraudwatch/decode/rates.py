"""Other currencies: the dated rate table of the configuration, and amounts converted by it, exactly."""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from fraudwatch.config.currencies import minor_digits
from fraudwatch.config.settings import Settings
from fraudwatch.config.wording import found
from fraudwatch.decode.money import converted, largest_amount
from fraudwatch.decode.refusals import Refused
from fraudwatch.decode.times import iso
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import Refusal

_CODE = re.compile("[A-Z]{3}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class _Table(NamedTuple):
    """Minor units of the state that one unit of the source is worth, from each time on (ms, ascending)."""

    from_ms: list[int]
    worth: list[Decimal]


class Exchange:
    """Reads an amount in the currency of the state or, by its rate, in another one.

    A transaction counts at the rate of the newest date not after its event time, dates beginning at midnight
    UTC. `read_own` reads an amount in the state's currency; `is_minor` says that source amounts are in minor
    units, each currency by its own exponent.
    """

    def __init__(
        self, subject: str, settings: Settings, read_own: Callable[[Any], int], is_minor: bool
    ) -> None:
        self._subject = subject
        self._currency = settings.currency
        self._read_own = read_own
        largest = largest_amount(settings)
        self._largest = largest * 10 ** minor_digits(settings.currency)
        self._most = f"{largest:.15g} {settings.currency}"
        self._tables = {
            currency: _table(rates, minor_digits(settings.currency) - is_minor * minor_digits(currency))
            for currency, rates in settings.rates.items()
        }

    def read(self, amount: Any, currency: str, time_ms: int) -> int:
        """Minor units of the state's currency. Raises Refused; Unclear as `amount_reader` does."""
        if currency == self._currency:
            return self._read_own(amount)
        table = self._tables[currency]
        place = bisect_right(table.from_ms, time_ms) - 1
        if place < 0:
            expected = f"a rate for {currency}, of which the first is from {iso(table.from_ms[0])}"
            raise Refused(Refusal.CURRENCY, self._subject, expected, f"the event time {iso(time_ms)}")
        return converted(self._subject, amount, table.worth[place], self._largest, self._most)


def _table(rates: Mapping[str, float], shift: int) -> _Table:
    days = sorted((date.fromisoformat(day), rate) for day, rate in rates.items())
    from_ms = [int(datetime(d.year, d.month, d.day, tzinfo=UTC).timestamp()) * 1000 for d, _ in days]
    # A double is written with the fewest digits that name it: the digits of the configuration.
    return _Table(from_ms, [Decimal(repr(rate)).scaleb(shift) for _, rate in days])


def check_rates(settings: Settings) -> None:
    """Raises ConfigurationError that lists everything in `rates` that cannot be used."""
    if wrong := list(_mistakes(settings)):
        raise ConfigurationError("\n".join(wrong))


def _mistakes(settings: Settings) -> Iterator[str]:
    for currency, rates in settings.rates.items():
        key = f"rates.{currency}"
        if not _CODE.fullmatch(currency):
            yield f"{key}: expected a currency of three capital letters; found {found('', currency)}"
        elif currency == settings.currency:
            yield f"{key}: expected another currency than that of the state; found {currency} itself"
        if not rates:
            yield f'{key}: expected dates with a rate each, such as "2024-01-01": 0.92; found none'
        for day, rate in rates.items():
            if not _is_date(day):
                yield f"{key}: expected a date such as 2024-01-01; found {found('', day)}"
            if not (math.isfinite(rate) and rate > 0):
                yield f"{key}.{day}: expected a finite number above 0; found {rate:g}"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None
