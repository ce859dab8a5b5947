"""What a source may say: every mistake with its key, what was expected, what was found and the nearest spelling."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from fraudwatch.config.settings import FieldMapping, Source
from fraudwatch.config.wording import found, nearest
from fraudwatch.decode.forms import form_mistake
from fraudwatch.decode.lines import csv_mistakes
from fraudwatch.decode.paths import parse_path
from fraudwatch.decode.times import TIME_FORMATS

REQUIRED = ("transaction_id", "account_id", "event_time", "amount")

# In the order in which a record is judged: the currency before the amount, whose size depends on it.
CANONICAL = (
    "transaction_id",
    "account_id",
    "event_time",
    "currency",
    "amount",
    "direction",
    "counterparty_id",
    "counterparty_country",
    "channel",
    "country",
    "latitude",
    "longitude",
    "device_id",
    "category",
    "status",
)

_ONLY_FOR = {"format": "event_time", "zone": "event_time", "unit": "amount"}
_NO_TEXT = ("event_time", "amount", "latitude", "longitude")
_DIFFERS = ("transaction_id", "event_time")


class Rule(NamedTuple):
    """How one canonical field is read, and the key under which the configuration says so."""

    key: str
    mapping: FieldMapping


Mapped = Mapping[str, Rule]


def mapped_legs(source: Source, key: str) -> tuple[Mapped, ...]:
    """The mapping of every transaction of a record: one, or each of `legs` laid over `mapping`.

    Without a mapping a source already speaks the canonical names.
    """
    spoken = CANONICAL if source.csv is None else [name for name in CANONICAL if name in source.csv.columns]
    base = _ruled(f"{key}.mapping", source.mapping or {name: name for name in spoken})
    overlays = [_ruled(f"{key}.legs[{place}]", leg) for place, leg in enumerate(source.legs)]
    return tuple({**base, **overlay} for overlay in overlays) or (base,)


def _ruled(key: str, mapping: Mapping[str, str | FieldMapping]) -> dict[str, Rule]:
    return {
        name: Rule(f"{key}.{name}", FieldMapping(path=rule) if isinstance(rule, str) else rule)
        for name, rule in mapping.items()
    }


def mistakes(source: Source, key: str) -> Iterator[str]:
    """Every rule that a source breaks, as `key: sentence`; `key` is where the source is configured."""
    yield from csv_mistakes(source, key)
    legs = mapped_legs(source, key)
    rules = {rule.key: (name, rule) for leg in legs for name, rule in leg.items()}
    for name, rule in rules.values():
        yield from _name(name, rule.key)
    for place, leg in enumerate(legs):
        yield from _missing(leg, f"{key}.legs[{place}]" if source.legs else f"{key}.mapping")
    for name, rule in rules.values():
        yield from _origin(name, rule, source)
        yield from _options(name, rule)
        yield from _zone(rule)
    for _, rule in rules.values():
        yield from _label(rule, source, key)


def _name(name: str, key: str) -> Iterator[str]:
    if name not in CANONICAL:
        close = nearest(name, CANONICAL)
        hint = f"; did you mean {close}?" if close else ""
        yield f"{key}: expected one of {', '.join(CANONICAL)}; found {found('', name)}{hint}"


def _missing(leg: Mapped, key: str) -> Iterator[str]:
    for name in REQUIRED:
        if name not in leg:
            yield f"{key}.{name}: expected a path, because every transaction needs it; found nothing"


def _origin(name: str, rule: Rule, source: Source) -> Iterator[str]:
    key, mapping = rule
    if mapping.path is not None and mapping.constant is not None:
        both = f"path {found('', mapping.path)} and constant {found('', mapping.constant)}"
        yield f"{key}: expected a path or a constant; found both, {both}"
    elif mapping.path is not None:
        yield from _path(key, mapping.path, source)
    elif mapping.constant is None:
        yield f"{key}: expected a path or a constant; found neither"
    elif name in _DIFFERS:
        expected = "a path, because it differs from one transaction to the next"
        yield f"{key}.constant: expected {expected}; found {found('', mapping.constant)}"


def _path(key: str, path: str, source: Source) -> Iterator[str]:
    if source.csv is None:
        try:
            parse_path(path)
        except ValueError as error:
            yield f"{key}.path: {error}"
    elif path not in source.csv.columns:
        close = nearest(path, source.csv.columns)
        hint = f"; did you mean {close}?" if close else ""
        yield f"{key}.path: expected one of the columns; found {found('', path)}{hint}"


def _options(name: str, rule: Rule) -> Iterator[str]:
    key, mapping = rule
    for option, only in _ONLY_FOR.items():
        if getattr(mapping, option) is not None and name != only:
            yield f"{key}.{option}: expected for {only} only; found it for {name}"
    if mapping.values is not None and name in _NO_TEXT:
        yield f"{key}.values: expected for texts only; found it for {name}"
    if mapping.format is not None and name == "event_time":
        yield from _format(key, mapping.format, mapping.zone)


def _format(key: str, form: str, zone: str | None) -> Iterator[str]:
    if form in TIME_FORMATS:
        if form != "iso8601" and zone is not None:
            yield f"{key}.zone: expected for ISO 8601 times only; found it with {form}, which counts in UTC"
    elif "%" not in form:
        close = nearest(form, TIME_FORMATS)
        hint = f"; did you mean {close}?" if close else ""
        expected = f"{', '.join(TIME_FORMATS)} or a form such as %d/%m/%Y %H:%M"
        yield f"{key}.format: expected {expected}; found {found('', form)}{hint}"
    elif mistake := form_mistake(form):
        yield f"{key}.format: {mistake}"


def _zone(rule: Rule) -> Iterator[str]:
    zone = rule.mapping.zone
    if zone is None:
        return
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, LookupError):
        close = nearest(zone, available_timezones())
        hint = f"; did you mean {close}?" if close else ""
        expected = "a time zone such as Europe/Paris"
        yield f"{rule.key}.zone: expected {expected}; found {found('', zone)}{hint}"


def _label(rule: Rule, source: Source, key: str) -> Iterator[str]:
    """A label measures; mapped to a field it would be learned from."""
    path, label = rule.mapping.path, source.label
    if label is not None and path is not None and path in (label.path, label.detail, label.case):
        yield f"{rule.key}: expected another path than {key}.label's; found {found('', path)}"
