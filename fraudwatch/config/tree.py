"""YAML as a tree that remembers where each value was written.

Scalars are read by the YAML 1.2 core schema, not by PyYAML's 1.1: `no` is a text and not false, `1990-01-01`
is no date object, `1:30` is not 90 and `1e9` is a number. Keys are always texts. Aliases are allowed, but what
they expand to is bounded, as are size and depth, and tags are refused: a file may come from anybody.
"""

import math
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
import yaml

from fraudwatch.config.wording import HIDDEN, found

# The longest mapping anybody wrote is a few kilobytes; these only have to stop what is no configuration.
MOST_BYTES = 262_144
MOST_NODES = 10_000
MOST_LEVELS = 16

_TAG = "tag:yaml.org,2002:"
_NAMED = re.compile(r"(alias|anchor|tag handle) '.*'")
_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]{1,30}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
SCALARS = {"null": _NULL, "bool": _BOOL, "int": _INT, "float": _FLOAT}
"""What a plain scalar is, by the first form that fits; a text otherwise."""


class Mistake(NamedTuple):
    """One thing that is wrong: where it was written, the key (empty for the whole file), and what to say."""

    where: str
    key: str
    says: str

    def __str__(self) -> str:
        return ": ".join(part for part in self if part)


class Node(msgspec.Struct):
    """A value and the place it comes from.

    `value` is a scalar, or a list or dict of further nodes. `text` is the untouched text of a
    value that had no way to be quoted (a variable or an override), None for one from a file; `variable` is
    the name of the environment variable it comes from.
    """

    value: Any
    where: str
    text: str | None = None
    variable: str | None = None


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}  # noqa: RUF012 - as in the parent, whose table it replaces


for _name, _form in SCALARS.items():
    _Loader.add_implicit_resolver(_TAG + _name, _form, None)


def read_tree(text: str, where: Callable[[int], str]) -> tuple[Node, list[Mistake]]:
    """The tree of one YAML document, and what is wrong with it; `where` words a line number.

    An empty document is a node with the value None. A text that is no YAML at all gives one mistake.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = where(mark.line + 1) if mark else where(1)
        # PyYAML quotes the name after `&`, `*` or `!`: an unquoted password may begin so.
        problem = _NAMED.sub(r"\1", error.problem or "")
        return Node(None, line), [Mistake(line, "", f"expected YAML; found a mistake: {problem}")]
    except yaml.YAMLError as error:
        problem = str(error).splitlines()[0]
        return Node(None, where(1)), [Mistake(where(1), "", f"expected YAML; found a mistake: {problem}")]
    except (ValueError, OverflowError):
        # PyYAML hands an escape like "\UFFFFFFFF" to chr() unchecked.
        says = "expected YAML; found an escaped character that does not exist"
        return Node(None, where(1)), [Mistake(where(1), "", says)]
    except RecursionError:
        return Node(None, where(1)), [Mistake(where(1), "", _TOO_DEEP)]
    if root is None:
        return Node(None, where(1)), []
    reading = _Reading(where)
    return reading.node(root, "", 0), reading.mistakes


_TOO_DEEP = f"expected at most {MOST_LEVELS} levels"


class _Reading:
    """One walk over PyYAML's nodes, collecting mistakes."""

    def __init__(self, where: Callable[[int], str]) -> None:
        self._where = where
        self._seen = 0
        self.mistakes: list[Mistake] = []

    def node(self, source: yaml.Node, key: str, level: int) -> Node:
        where = self._where(source.start_mark.line + 1)
        self._seen += 1
        if level > MOST_LEVELS:
            return self._wrong(where, key, _TOO_DEEP)
        if self._seen > MOST_NODES:
            if self._seen == MOST_NODES + 1:
                self._wrong(where, key, f"expected at most {MOST_NODES} values, aliases expanded")
            return Node(None, where)
        if isinstance(source, yaml.MappingNode):
            return Node(self._mapping(source, key, level), where)
        if isinstance(source, yaml.SequenceNode):
            items = [self.node(item, f"{key}[{i}]", level + 1) for i, item in enumerate(source.value)]
            return Node(items, where)
        return self._scalar(source, where, key)

    def _mapping(self, source: yaml.MappingNode, key: str, level: int) -> dict[str, Node]:
        built: dict[str, Node] = {}
        for name_node, value_node in source.value:
            where = self._where(name_node.start_mark.line + 1)
            if not isinstance(name_node, yaml.ScalarNode) or not is_unicode(name_node.value):
                self._wrong(where, key, "expected a plain name before the colon")
                continue
            name = str(name_node.value)
            full = f"{key}.{name}" if key else name
            if name in built:
                self._wrong(where, full, f"set twice; the first time at {built[name].where}")
                continue
            value = self.node(value_node, full, level + 1)
            built[name] = Node(value.value, where)
        return built

    def _scalar(self, source: yaml.Node, where: str, key: str) -> Node:
        value = scalar(source.tag.removeprefix(_TAG), source.value)
        if value is not _UNREADABLE:
            return Node(value, where)
        shown, tag = found(key, source.value), source.tag.removeprefix(_TAG)
        # Of a secret written as `!abc`, the tag is a part.
        as_tag = "" if shown == HIDDEN else f" as {tag}"
        return self._wrong(where, key, f"expected a plain finite value; found {shown}{as_tag}")

    def _wrong(self, where: str, key: str, says: str) -> Node:
        self.mistakes.append(Mistake(where, key, says))
        return Node(None, where)


_UNREADABLE = object()


def scalar(kind: str, text: str) -> Any:
    """The value of a scalar of that kind (`str` or a key of SCALARS), or `_UNREADABLE`."""
    if kind == "str":
        return text if text.isascii() or is_unicode(text) else _UNREADABLE
    form = SCALARS.get(kind)
    if form is None or form.match(text) is None:
        return _UNREADABLE
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else _UNREADABLE


def is_unicode(text: str) -> bool:
    """Whether a text can be written: half a surrogate pair, escaped in quotes or a byte that is no UTF-8, cannot."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def plain(node: Node) -> Any:
    """The value without its places."""
    if isinstance(node.value, dict):
        return {name: plain(child) for name, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value
