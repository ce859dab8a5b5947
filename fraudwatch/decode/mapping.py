"""The mapping of a source, compiled: for each canonical field a path or a constant, and a reader."""

from collections.abc import Callable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fraudwatch.config.currencies import minor_digits
from fraudwatch.config.settings import FieldMapping, Limits, Settings, Source
from fraudwatch.decode.clients import Clients, client_reader
from fraudwatch.decode.money import amount_reader, largest_amount
from fraudwatch.decode.paths import Path, parse_path, written
from fraudwatch.decode.rates import Exchange, check_rates
from fraudwatch.decode.refusals import NumberText, Refused, shown
from fraudwatch.decode.rules import CANONICAL, REQUIRED, Mapped, mapped_legs, mistakes
from fraudwatch.decode.times import parse_bound, time_reader
from fraudwatch.decode.values import (
    coordinate_reader,
    currency_reader,
    required,
    text_reader,
    with_comma,
    word_reader,
)
from fraudwatch.errors import ConfigurationError

Reader = Callable[[Any], Any]

WORDS = {"direction": ("debit", "credit"), "status": ("approved", "declined", "reversed")}
_DEGREES = {"latitude": 90.0, "longitude": 180.0}
_NUMBERS = ("amount", *_DEGREES)


class Field(NamedTuple):
    """One canonical field: where it comes from, and what makes it canonical.

    With an `exchange` the amount is made in two steps: `read` only finds it, and `exchange(found, currency,
    event time in ms)` makes it canonical.
    """

    name: str
    path: Path | None
    constant: Any
    read: Reader
    exchange: Callable[[Any, str, int], int] | None = None


Fields = tuple[Field, ...]


def compile_source(settings: Settings, source: Source, key: str, clients: Clients) -> tuple[Fields, ...]:
    """For every leg its mapped fields in the order they are judged; `key` is where the source is configured.

    Raises ConfigurationError that lists every mistake.
    """
    if wrong := list(mistakes(source, key)):
        raise ConfigurationError("\n".join(wrong))
    check_rates(settings)
    return tuple(
        tuple(_Compiling(settings, source, clients, leg).field(name) for name in CANONICAL if name in leg)
        for leg in mapped_legs(source, key)
    )


class _Compiling:
    """One leg of a source on its way from settings to readers."""

    def __init__(self, settings: Settings, source: Source, clients: Clients, leg: Mapped) -> None:
        self._settings = settings
        self._csv = source.csv
        self._clients = clients
        self._has_rates = bool(settings.rates) and "currency" in leg
        self._leg = leg

    def field(self, name: str) -> Field:
        key, mapping = self._leg[name]
        if mapping.path is None:
            return self._constant(name, f"{key}.constant", mapping)
        path = parse_path(mapping.path) if self._csv is None else (mapping.path,)
        subject = name if path == (name,) else f"{name} ({written(path)})"
        read = self._reader(name, subject, mapping)
        exchange = self._exchange(name, subject, mapping, read)
        if name in _NUMBERS and self._csv is not None and self._csv.decimal == ",":
            read = with_comma(read, subject)
            exchange = exchange and with_comma(exchange, subject)
        if exchange is not None:
            read = _found
        return Field(name, path, None, required(subject, read) if name in REQUIRED else read, exchange)

    def _constant(self, name: str, subject: str, mapping: FieldMapping) -> Field:
        constant: Any = mapping.constant
        if isinstance(constant, float):
            constant = NumberText(repr(constant))  # as text it keeps the digits it was written with
        read = self._reader(name, subject, mapping)
        exchange = self._exchange(name, subject, mapping, read)
        try:
            canonical = read(constant)
        except Refused as refused:
            raise ConfigurationError(str(refused)) from None
        if canonical is None and name in REQUIRED:
            raise ConfigurationError(f"{subject}: expected a value, found {shown(constant)}")
        return Field(name, None, constant, read if exchange is None else _found, exchange)

    def _exchange(
        self, name: str, subject: str, mapping: FieldMapping, read: Reader
    ) -> Callable[[Any, str, int], int] | None:
        if name != "amount" or not self._has_rates:
            return None
        return Exchange(subject, self._settings, read, mapping.unit == "minor").read

    def _reader(self, name: str, subject: str, mapping: FieldMapping) -> Reader:
        settings = self._settings
        if name == "event_time":
            zone = None if mapping.zone is None else ZoneInfo(mapping.zone)
            return time_reader(subject, mapping.format, zone, *limits_ms(settings.limits))
        if name == "amount":
            digits, largest = minor_digits(settings.currency), largest_amount(settings)
            if mapping.unit == "minor":
                return amount_reader(subject, 0, largest * 10**digits)
            return amount_reader(subject, digits, largest)
        if name in _DEGREES:
            return coordinate_reader(subject, _DEGREES[name])
        read_text = text_reader(subject, settings.limits.max_text, mapping.values)
        if name == "currency":
            return currency_reader(subject, read_text, settings.currency, settings.rates)
        if name == "account_id" and self._clients:
            return client_reader(read_text, self._clients)
        return word_reader(subject, read_text, WORDS[name]) if name in WORDS else read_text


def _found(found: Any) -> Any:
    """What was found as it is, None for a blank text."""
    return None if isinstance(found, str) and not found.strip() else found


def limits_ms(limits: Limits) -> tuple[int, int]:
    """`earliest` and `latest` in milliseconds. Raises ConfigurationError."""
    bounds: list[int] = []
    for key, text in (("earliest", limits.earliest), ("latest", limits.latest)):
        try:
            bounds.append(parse_bound(text))
        except ValueError as error:
            raise ConfigurationError(f"limits.{key}: {error}") from None
    earliest, latest = bounds
    if earliest >= latest:
        raise ConfigurationError(
            f"limits.earliest: expected before limits.latest ({limits.latest}); found {limits.earliest}"
        )
    return earliest, latest
