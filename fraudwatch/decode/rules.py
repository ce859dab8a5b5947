"""What a mapping may say: every mistake with its key, what was expected, what was found and the nearest spelling."""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo, available_timezones

from fraudwatch.config.settings import FieldMapping, Label
from fraudwatch.config.wording import found, nearest
from fraudwatch.decode.paths import parse_path

KEY = "source.mapping"

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

Mapped = Mapping[str, FieldMapping]


def mistakes(mapping: Mapped, label: Label | None) -> Iterator[str]:
    """Every rule that a mapping breaks, as `key: sentence`."""
    yield from _names(mapping)
    for name, rule in mapping.items():
        yield from _origin(name, rule)
        yield from _options(name, rule)
        yield from _zone(name, rule)
    yield from _label(mapping, label)


def _names(mapping: Mapped) -> Iterator[str]:
    for name in mapping:
        if name not in CANONICAL:
            close = nearest(name, CANONICAL)
            hint = f"; did you mean {close}?" if close else ""
            yield f"{KEY}.{name}: expected one of {', '.join(CANONICAL)}; found {found('', name)}{hint}"
    for name in REQUIRED:
        if name not in mapping:
            yield f"{KEY}.{name}: expected a path, because every transaction needs it; found nothing"


def _origin(name: str, rule: FieldMapping) -> Iterator[str]:
    key = f"{KEY}.{name}"
    if rule.path is not None and rule.constant is not None:
        both = f"path {found('', rule.path)} and constant {found('', rule.constant)}"
        yield f"{key}: expected a path or a constant; found both, {both}"
    elif rule.path is not None:
        try:
            parse_path(rule.path)
        except ValueError as error:
            yield f"{key}.path: {error}"
    elif rule.constant is None:
        yield f"{key}: expected a path or a constant; found neither"
    elif name in _DIFFERS:
        expected = "a path, because it differs from one transaction to the next"
        yield f"{key}.constant: expected {expected}; found {found('', rule.constant)}"


def _options(name: str, rule: FieldMapping) -> Iterator[str]:
    key = f"{KEY}.{name}"
    for option, only in _ONLY_FOR.items():
        if getattr(rule, option) is not None and name != only:
            yield f"{key}.{option}: expected for {only} only; found it for {name}"
    if rule.values is not None and name in _NO_TEXT:
        yield f"{key}.values: expected for texts only; found it for {name}"
    if rule.zone is not None and rule.format not in (None, "iso8601"):
        yield f"{key}.zone: expected for ISO 8601 times only; found it with {rule.format}, which counts in UTC"


def _zone(name: str, rule: FieldMapping) -> Iterator[str]:
    if rule.zone is None:
        return
    try:
        ZoneInfo(rule.zone)
    except (ValueError, OSError, LookupError):
        close = nearest(rule.zone, available_timezones())
        hint = f"; did you mean {close}?" if close else ""
        key = f"{KEY}.{name}.zone"
        yield f"{key}: expected a time zone such as Europe/Paris; found {found('', rule.zone)}{hint}"


def _label(mapping: Mapped, label: Label | None) -> Iterator[str]:
    """A label measures; mapped to a field it would be learned from."""
    for name, rule in mapping.items():
        if label is not None and rule.path is not None and rule.path in (label.path, label.detail):
            yield f"{KEY}.{name}: expected another path than source.label's; found {found('', rule.path)}"
