"""Reading the mapped values out of the bytes of one JSON record.

There are two readers of the same paths. `Source.read` is the quick one: msgspec decodes into structs that were
generated from the paths, and skips everything else. Whatever is out of the ordinary makes it raise `Unclear`;
then `Source.reread` decides, with the standard library's parser, slowly (about ten times) and with a name for
everything that is wrong. Where both can read a record they find the same values.

Only mapped values are judged. What nobody reads may be odd (a NaN, a broken character, a name given twice),
as long as the record around it can be read.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec

from fraudwatch.decode.paths import Path, Step, written
from fraudwatch.decode.refusals import NumberText, Refused, shown
from fraudwatch.records import Refusal

Scalar: TypeAlias = str | int | float | None
"""What the quick reader accepts as a value. A JSON true or false goes to the thorough one."""

DEEPEST = 100
"""Levels of nesting that are read. Fixed, because the parsers' own limit depends on who called them."""

# An int of more digits is slow to make (the cost grows with the square) and of no use to any field.
LONGEST_INT = 4_000

_TWICE = object()
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)

Tree: TypeAlias = dict[Step, "Tree | None"]
"""The paths laid over one another; None is a value that somebody reads."""


class Unclear(Exception):  # noqa: N818 - a question, not an error; it never leaves this package
    """The quick reader cannot be sure: read the record again, thoroughly."""


class Source:
    """Reads the values at `paths`, in their order; None where there is none.

    Raises ValueError when the paths contradict one another (`a` is a value in one and an object in another).
    """

    expected = "a JSON object"

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        tree = _overlay(paths)
        self._quick = _quick_reader(tree, self._paths)
        self._names = tuple((msgspec.json.encode(name), times) for name, times in _count_names(tree).items())
        # After the last escape of a name come at most its four hex digits and the rest of the name. Without
        # this bound the search takes the square of the record's length.
        longest = max(len(name) for name, _ in self._names) + 4
        self._escaped_name = re.compile(rb'\\.(?:[^"\\]|\\.){0,%d}"\s*:' % longest, re.DOTALL)

    def read(self, value: bytes) -> Sequence[Any]:
        """The values as msgspec finds them. Raises Unclear for everything out of the ordinary."""
        for name, times in self._names:
            if value.count(name) > times:
                raise Unclear
        if b"\\" in value and self._escaped_name.search(value):
            raise Unclear
        if value.count(b"{") + value.count(b"[") > DEEPEST or self._quick is None:
            raise Unclear
        try:
            return self._quick(value)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Unclear from error

    def reread(self, value: bytes) -> Sequence[Any]:
        """The values as they are written: scalars, NumberText, lists and objects. Raises Refused."""
        document = _whole_record(value)
        return [_follow(document, path) for path in self._paths]

    def each(self, value: bytes) -> Sequence[Any]:
        """As `reread`, but a Refused stands for a value that cannot be reached. Raises Refused for the whole."""
        document = _whole_record(value)
        return [_followed(document, path) for path in self._paths]


def _overlay(paths: Iterable[Path]) -> Tree:
    tree: Tree = {}
    for path in paths:
        node = tree
        for place, step in enumerate(path[:-1], start=1):
            below = node.setdefault(step, {})
            if below is None:
                raise _contradiction(path[:place])
            node = below
        if node.setdefault(path[-1], None) is not None:
            raise _contradiction(path)
    return tree


def _contradiction(path: Path) -> ValueError:
    return ValueError(f"expected a value or an object at {written(path)}; found paths for both")


def _count_names(tree: Tree) -> dict[str, int]:
    """How often each mapped name may appear in a record that holds every mapped value once."""
    counts: dict[str, int] = {}
    for step, below in tree.items():
        if isinstance(step, str):
            counts[step] = counts.get(step, 0) + 1
        for name, times in _count_names(below or {}).items():
            counts[name] = counts.get(name, 0) + times
    return counts


def _quick_reader(tree: Tree, paths: Sequence[Path]) -> Callable[[bytes], Sequence[Any]] | None:
    try:
        decode = msgspec.json.Decoder(_struct_of(tree)).decode
    except _IrregularError:
        return None
    places = [_places(tree, path) for path in paths]
    if len(paths) > 1 and all(len(path) == 1 for path in paths):
        pick = attrgetter(*(str(place) for (place,) in places))
        return lambda value: pick(decode(value))
    return lambda value: _descend_all(decode(value), places)


class _IrregularError(Exception):
    """No msgspec type describes this tree: a name with quotes, a list of unlike elements or that is also an object."""


def _struct_of(tree: Tree) -> type[msgspec.Struct]:
    """A struct with one field a name, called f0, f1, … because a JSON name may be anything."""
    if any(msgspec.json.encode(name) != f'"{name}"'.encode() for name in tree):
        raise _IrregularError
    fields = [(f"f{place}", _type_of(below), None) for place, below in enumerate(tree.values())]
    names = {f"f{place}": str(name) for place, name in enumerate(tree)}
    return msgspec.defstruct("SourceRecord", fields, rename=names, gc=False)


def _type_of(tree: Tree | None) -> Any:
    if tree is None:
        return Scalar
    indexes = [step for step in tree if isinstance(step, int)]
    if not indexes:
        return _struct_of(tree) | None
    elements = list(tree.values())
    if len(indexes) < len(tree) or any(element != elements[0] for element in elements):
        raise _IrregularError
    return list[_type_of(elements[0])] | None  # type: ignore[misc]


def _places(tree: Tree, path: Path) -> tuple[Step, ...]:
    """The path with every name replaced by its field: `merchant.id` becomes f3.f0."""
    places: list[Step] = []
    node: Tree | None = tree
    for step in path:
        assert node is not None
        if isinstance(step, str):
            places.append(f"f{list(node).index(step)}")
            node = node[step]
        else:
            places.append(step)
            node = next(iter(node.values()))  # the one that the struct of all elements was made from
    return tuple(places)


def _descend_all(record: Any, places: Sequence[tuple[Step, ...]]) -> list[Any]:
    return [_descend(record, steps) for steps in places]


def _descend(node: Any, steps: tuple[Step, ...]) -> Any:
    for step in steps:
        if node is None:
            break
        if isinstance(step, str):
            node = getattr(node, step)
        elif step < len(node):
            node = node[step]
        else:
            return None
    return node


def _whole_record(value: bytes) -> dict[Any, Any]:
    document = _parse(value)
    if type(document) is not dict:
        raise Refused(Refusal.WRONG_TYPE, "record", "a JSON object", shown(document))
    return document


def _parse(value: bytes) -> Any:
    """Any JSON document, numbers as they are written. Raises Refused when there is none."""
    if not value or value.isspace():
        raise Refused(
            Refusal.EMPTY, "record", "a JSON object", f"{len(value)} blank bytes" if value else "no bytes"
        )
    if (depth := _depth(value)) > DEEPEST:
        raise Refused(Refusal.NOT_JSON, "record", f"at most {DEEPEST} levels of nesting", f"{depth}")
    text = value.decode("utf-8", "surrogateescape")  # a broken character is the fault of its field alone
    try:
        return json.loads(
            text,
            strict=False,  # likewise a control character
            object_pairs_hook=_object,
            parse_int=_whole,
            parse_float=NumberText,
            parse_constant=NumberText,
        )
    except json.JSONDecodeError as error:
        found = f"{shown(text)} ({error.msg} at character {error.pos})"
        raise Refused(Refusal.NOT_JSON, "record", "a JSON object", found) from None


def _depth(value: bytes) -> int:
    if value.count(b"{") + value.count(b"[") <= DEEPEST:
        return 0
    outside_strings = _STRING.sub(b"", value)
    return max(accumulate((byte in b"{[") - (byte in b"}]") for byte in outside_strings), default=0)


def _whole(text: str) -> int | NumberText:
    return int(text) if len(text) <= LONGEST_INT else NumberText(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[Any, Any]:
    names = dict(pairs)
    if len(names) == len(pairs):
        return names
    times = Counter(name for name, _ in pairs)
    return {**names, _TWICE: frozenset(name for name, count in times.items() if count > 1)}


def _followed(document: Any, path: Path) -> Any:
    try:
        return _follow(document, path)
    except Refused as refused:
        return refused


def _follow(node: Any, path: Path) -> Any:
    for place, step in enumerate(path):
        if node is None:
            return None
        if type(node) is dict:
            if step in node.get(_TWICE, ()):
                name = written(path[: place + 1])
                raise Refused(Refusal.NOT_JSON, name, "every name once in an object (RFC 7493)", "it twice")
            node = node.get(str(step))
        elif type(node) is list and isinstance(step, int):
            node = node[step] if step < len(node) else None
        else:
            expected = "an object" if isinstance(step, str) else "a list"
            raise Refused(Refusal.WRONG_TYPE, written(path[:place]), expected, shown(node))
    return node
