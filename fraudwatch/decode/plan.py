"""A mapping laid out for the kernels: which values of a JSON object make which column, as arrays and one buffer."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from fraudwatch.config.currencies import minor_digits
from fraudwatch.config.settings import Settings
from fraudwatch.decode.columns import place_of, word_trait
from fraudwatch.decode.kernels import given
from fraudwatch.decode.kernels.table import NOWHERE, Entry, build
from fraudwatch.decode.kernels.texts import DOUBT
from fraudwatch.decode.mapping import WORDS, Field, limits_ms
from fraudwatch.decode.money import largest_amount
from fraudwatch.decode.paths import Path
from fraudwatch.decode.refusals import Refused
from fraudwatch.decode.rules import mapped_legs
from fraudwatch.decode.zones import in_utc, local_offsets
from fraudwatch.records import ByteArray, IntArray, SmallIntArray, TextField

_FORMS: dict[str | None, tuple[int, int, int]] = {
    None: (given.ISO_OR_COUNT, 1, 1),
    "iso8601": (given.ISO, 1, 1),
    "epoch_s": (given.COUNT, 1000, 1),
    "epoch_ms": (given.COUNT, 1, 1),
    "epoch_us": (given.COUNT, 1, 1000),
}
"""How each form is read, and milliseconds a unit, as a fraction."""

_REFUSED = object()
_CHOICES = ("direction", "status", "currency")


class Plan(NamedTuple):
    """What `kernels.rows.read_rows` is given beside the records.

    `constants` are the first bytes of the buffer, which the others refer to.
    """

    constants: bytes
    rules: IntArray
    largest: float
    table: SmallIntArray
    texts: SmallIntArray
    zone: IntArray

    def room(self) -> "Room":
        """To read one chunk in."""
        targets = int(self.rules[given.TARGETS])
        names = np.zeros((1 + given.UNMAPPED + targets, given.NAME), dtype=np.int64)
        names[:, 2] = NOWHERE - 1  # of no object yet
        return Room(
            np.empty(targets, dtype=np.uint8),
            np.empty((self.rules[given.LEAVES], 2), dtype=np.int64),
            np.empty((given.DEEPEST, 2), dtype=np.int64),
            names,
        )


class Room(NamedTuple):
    """What a kernel works in (`kernels.given.Given`)."""

    kinds: ByteArray
    found: IntArray
    stack: IntArray
    names: IntArray


class NotPlannedError(Exception):
    """This mapping is read record by record; the text says why."""


def plan(settings: Settings, fields: tuple[Field, ...], has_clients: bool, longest_record: int) -> Plan:
    """The layout of the log's mapping, whose compiled form is `fields`. Raises NotPlannedError."""
    if settings.source.csv is not None:
        raise NotPlannedError("the source is CSV")
    if has_clients:
        raise NotPlannedError("accounts are brought together by client")
    return _Planning(settings, fields).plan(longest_record)


class _Planning:
    """A mapping on its way to a plan."""

    def __init__(self, settings: Settings, fields: tuple[Field, ...]) -> None:
        self._settings = settings
        self._fields = {field.name: field for field in fields}
        self._mappings = {
            name: rule.mapping for name, rule in mapped_legs(settings.source, "source")[0].items()
        }
        paths = [field.path for field in fields if field.path is not None]
        if any(isinstance(step, int) for path in paths for step in path):
            raise NotPlannedError("a path leads into a list")
        self._leaves = {path: leaf for leaf, path in enumerate(dict.fromkeys(paths))}
        self._nodes: dict[Path, int] = {(): 0}
        for path in paths:
            for length in range(1, len(path)):
                self._nodes.setdefault(path[:length], len(self._nodes))
        self._constants = bytearray()
        self._entries: dict[tuple[int, bytes], Entry] = {}

    def plan(self, longest_record: int) -> Plan:
        self._enter_names()
        rules = np.zeros(given.RULES, dtype=np.int64)
        rules[given.LEAVES] = len(self._leaves)
        rules[given.TARGETS] = len(self._leaves) + len(self._nodes)
        rules[given.LONGEST_RECORD] = longest_record
        rules[given.LONGEST_TEXT] = self._settings.limits.max_text
        self._lay_time(rules)
        self._lay_amount(rules)
        self._lay_places(rules)
        self._lay_words(rules)
        texts = np.array([self._text(field) for field in TextField], dtype=np.int32)
        table, constants = build(self._entries, bytes(self._constants))
        zone = self._zone()
        rules[given.ENTRIES], rules[given.ZONES] = len(table), len(zone)
        largest = largest_amount(self._settings)
        if self._is_minor:
            largest *= 10 ** minor_digits(self._settings.currency)
        return Plan(constants, rules, largest, table, texts, zone)

    @property
    def _is_minor(self) -> bool:
        return self._mappings["amount"].unit == "minor"

    def _enter_names(self) -> None:
        """Every name of every path, with the leaf or the object that it leads to from the object it stands in."""
        targets = {path: len(self._leaves) + node for path, node in self._nodes.items()} | self._leaves
        for path, target in targets.items():
            if path:
                self._entries[self._nodes[path[:-1]], _bytes(str(path[-1]))] = Entry(target)

    def _leaf(self, name: str) -> int:
        """Where the value of a field is; −1 for a constant and for a field that is not mapped."""
        field = self._fields.get(name)
        return NOWHERE if field is None or field.path is None else self._leaves[field.path]

    def _constant(self, name: str) -> Any:
        """The canonical value of a constant, None for any other field."""
        field = self._fields.get(name)
        return field.read(field.constant) if field is not None and field.path is None else None

    def _lay_time(self, rules: IntArray) -> None:
        form = self._mappings["event_time"].format
        if form not in _FORMS:
            raise NotPlannedError("event times are in a form of the house's own")
        rules[given.TIME_LEAF] = self._leaf("event_time")
        rules[[given.TIME_FORM, given.TIME_TIMES, given.TIME_PARTS]] = _FORMS[form]
        rules[[given.EARLIEST, given.LATEST]] = limits_ms(self._settings.limits)
        rules[given.AHEAD] = int(self._settings.limits.ahead)

    def _zone(self) -> IntArray:
        zone = self._mappings["event_time"].zone
        try:
            return (
                in_utc() if zone is None else local_offsets(ZoneInfo(zone), *limits_ms(self._settings.limits))
            )
        except ValueError as error:
            raise NotPlannedError(f"event times are local to a zone over too long a span ({error})") from None

    def _lay_amount(self, rules: IntArray) -> None:
        if self._fields["amount"].exchange is not None and self._fields["amount"].path is None:
            raise NotPlannedError("a constant amount is converted by rates")
        rules[given.AMOUNT_LEAF] = self._leaf("amount")
        rules[given.AMOUNT] = self._constant("amount") or 0
        rules[given.AMOUNT_FACTOR] = 1 if self._is_minor else 10 ** minor_digits(self._settings.currency)

    def _lay_places(self, rules: IntArray) -> None:
        latitude, longitude = self._constant("latitude"), self._constant("longitude")
        here = place_of(latitude or 0.0, longitude or 0.0) or (0, 0)
        rules[given.LATITUDE_LEAF], rules[given.LONGITUDE_LEAF] = (
            self._leaf("latitude"),
            self._leaf("longitude"),
        )
        rules[given.LATITUDE] = given.NOWHERE_ON_EARTH if latitude is None else here[0]
        rules[given.LONGITUDE] = given.NOWHERE_ON_EARTH if longitude is None else here[1]

    def _lay_words(self, rules: IntArray) -> None:
        rules[given.DIRECTION_LEAF], rules[given.STATUS_LEAF] = self._leaf("direction"), self._leaf("status")
        rules[given.CURRENCY_LEAF] = self._leaf("currency")
        rules[given.DIRECTION] = word_trait(self._constant("direction"))
        rules[given.STATUS] = word_trait(self._constant("status"))
        owners = (given.DIRECTION_OWNER, given.STATUS_OWNER, given.CURRENCY_OWNER)
        for place, owner in zip(owners, (self._owner(name) for name in _CHOICES), strict=True):
            rules[place] = owner
        for name in _CHOICES:
            words = (self._settings.currency,) if name == "currency" else WORDS[name]
            for text, made in self._readings(name, words):
                self._entries[self._owner(name), _bytes(text)] = Entry(self._word(name, made))

    def _word(self, name: str, made: Any) -> int:
        """A word as traits. Another currency than the state's is in doubt, because its amount is to be converted."""
        if made is _REFUSED or (name == "currency" and made != self._settings.currency):
            return DOUBT
        return 0 if name == "currency" else word_trait(made)

    def _text(self, text_field: TextField) -> tuple[int, int, int, int]:
        """Leaf, owner of its translations (−1 without any) and the span of its constant."""
        name = text_field.name.lower()
        leaf = self._leaf(name)
        if leaf < 0:
            return leaf, NOWHERE, *self._kept(self._constant(name))
        readings = list(self._readings(name))
        for text, made in readings:
            entry = Entry(DOUBT) if made is _REFUSED else Entry(*self._kept(made))
            self._entries[self._owner(name), _bytes(text)] = entry
        return leaf, self._owner(name) if readings else NOWHERE, 0, 0

    def _owner(self, name: str) -> int:
        """Of the words and translations of a field: behind the objects of the mapping."""
        return len(self._nodes) + list(self._mappings).index(name) if name in self._mappings else NOWHERE

    def _readings(self, name: str, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
        """What the exact reader of a mapped field makes of its translated texts and `words`, _REFUSED for a refusal."""
        field = self._fields.get(name)
        if field is None or field.path is None:
            return
        for text in dict.fromkeys((*(self._mappings[name].values or {}), *words)):
            try:
                yield text, field.read(text)
            except Refused:
                yield text, _REFUSED

    def _kept(self, text: str | None) -> tuple[int, int]:
        """Where a text is among the constants; an absent one is empty."""
        if text is None:
            return 0, 0
        begin = len(self._constants)
        self._constants += _bytes(text)
        return begin, len(self._constants)


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise NotPlannedError("a name or a word of the mapping is no UTF-8") from None
