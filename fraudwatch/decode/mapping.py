"""The mapping of the configuration, compiled: for each canonical field a path or a constant, and a reader."""

from collections.abc import Callable
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from fraudwatch.config.currencies import minor_digits
from fraudwatch.config.settings import FieldMapping, Limits, Settings, Source
from fraudwatch.decode.money import amount_reader
from fraudwatch.decode.paths import Path, parse_path, written
from fraudwatch.decode.refusals import Refused
from fraudwatch.decode.rules import CANONICAL, KEY, REQUIRED, mistakes
from fraudwatch.decode.times import parse_bound, time_reader
from fraudwatch.decode.values import coordinate_reader, currency_reader, required, text_reader, word_reader
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import LARGEST_AMOUNT_MINOR

Reader = Callable[[Any], Any]

_WORDS = {"direction": ("debit", "credit"), "status": ("approved", "declined", "reversed")}
_DEGREES = {"latitude": 90.0, "longitude": 180.0}


class Field(NamedTuple):
    """One canonical field: where it comes from, and what makes it canonical."""

    name: str
    path: Path | None
    constant: Any
    read: Reader


def compile_mapping(settings: Settings) -> tuple[Field, ...]:
    """The mapped fields in the order they are judged. Raises ConfigurationError that lists every mistake."""
    mapping = _spelled_out(settings.source)
    if wrong := list(mistakes(mapping, settings.source.label)):
        raise ConfigurationError("\n".join(wrong))
    return tuple(_field(name, mapping[name], settings) for name in CANONICAL if name in mapping)


def _spelled_out(source: Source) -> dict[str, FieldMapping]:
    """Every field with a table of its own; without any mapping a source already speaks the canonical names."""
    mapping = source.mapping or {name: name for name in CANONICAL}
    return {
        name: FieldMapping(path=rule) if isinstance(rule, str) else rule for name, rule in mapping.items()
    }


def _field(name: str, rule: FieldMapping, settings: Settings) -> Field:
    if rule.path is not None:
        path = parse_path(rule.path)
        subject = name if path == (name,) else f"{name} ({written(path)})"
        return Field(name, path, None, _reader(name, subject, rule, settings))
    read = _reader(name, f"{KEY}.{name}.constant", rule, settings)
    try:
        return Field(name, None, read(rule.constant), read)
    except Refused as refused:
        raise ConfigurationError(str(refused)) from None


def _reader(name: str, subject: str, rule: FieldMapping, settings: Settings) -> Reader:
    read = _optional_reader(name, subject, rule, settings)
    return required(subject, read) if name in REQUIRED else read


def _optional_reader(name: str, subject: str, rule: FieldMapping, settings: Settings) -> Reader:
    if name == "event_time":
        zone = None if rule.zone is None else ZoneInfo(rule.zone)
        return time_reader(subject, rule.format, zone, *_limits_ms(settings.limits))
    if name == "amount":
        digits = minor_digits(settings.currency)
        largest = min(settings.limits.max_amount, LARGEST_AMOUNT_MINOR / 10**digits)
        is_minor = rule.unit == "minor"
        return (
            amount_reader(subject, 0, largest * 10**digits)
            if is_minor
            else amount_reader(subject, digits, largest)
        )
    if name in _DEGREES:
        return coordinate_reader(subject, _DEGREES[name])
    read_text = text_reader(subject, settings.limits.max_text, rule.values)
    if name == "currency":
        return currency_reader(subject, read_text, settings.currency)
    return word_reader(subject, read_text, _WORDS[name]) if name in _WORDS else read_text


def _limits_ms(limits: Limits) -> tuple[int, int]:
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
