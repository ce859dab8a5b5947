"""From a tree of values to typed settings, with every mistake and not only the first."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from fraudwatch.config.durations import Duration, parse_duration
from fraudwatch.config.settings import Section, Settings
from fraudwatch.config.tree import Mistake, Node, plain
from fraudwatch.config.wording import expected, found, nearest

PREFIX = "FRAUDWATCH_"

_WRONG: Any = object()
"""Stands for a value that could not be built; its mistake has been noted."""


def check(tree: Node) -> tuple[Settings | None, list[Mistake]]:
    """The settings a tree stands for, or None and what is wrong with it."""
    checking = _Checking()
    settings = checking.build(Settings, tree, "")
    return (None if checking.mistakes else settings), checking.mistakes


def variable(key: str) -> str:
    """The environment variable of a dotted key: `kafka.group` is FRAUDWATCH_KAFKA__GROUP."""
    return PREFIX + key.upper().replace(".", "__")


class _Checking:
    """One walk over tree and types together."""

    def __init__(self) -> None:
        self.mistakes: list[Mistake] = []

    def build(self, kind: Any, node: Node, key: str) -> Any:
        bare = _bare(kind)
        if isinstance(node.value, dict) and _is_union(bare):
            # Only one member of any union in the settings is written as a mapping.
            bare = next((m for m in get_args(bare) if _is_section(m) or get_origin(m) is dict), bare)
        if _is_section(bare):
            return self._section(bare, node, key)
        if get_origin(bare) is dict:
            return self._dict(get_args(bare)[1], kind, node, key)
        if get_origin(bare) is tuple and isinstance(node.value, list):
            inner = get_args(bare)[0]
            built = [self.build(inner, item, f"{key}[{i}]") for i, item in enumerate(node.value)]
            if any(item is _WRONG for item in built):
                return _WRONG
        return self._leaf(kind, node, key)

    def _section(self, cls: type[Section], node: Node, key: str) -> Any:
        values = {} if node.value is None else node.value
        if not isinstance(values, dict):
            return self._wrong(node, key, f"expected {expected(cls)}; found {found(key, plain(node))}")
        fields = {field.name: field for field in msgspec.structs.fields(cls)}
        built: dict[str, Any] = {}
        for name, child in values.items():
            full = _join(key, name)
            if name in fields:
                built[name] = self.build(fields[name].type, child, full)
            else:
                built[name] = self._wrong(child, full, _unknown(full, list(fields), child))
        for name, field in fields.items():
            if field.required and name not in built:
                says = f"expected {expected(field.type)}; found nothing: it has no default"
                built[name] = self._wrong(node, _join(key, name), says)
        return _WRONG if any(value is _WRONG for value in built.values()) else cls(**built)

    def _dict(self, value_kind: Any, kind: Any, node: Node, key: str) -> Any:
        values = {} if node.value is None else node.value
        if not isinstance(values, dict):
            return self._wrong(node, key, f"expected {expected(kind)}; found {found(key, plain(node))}")
        built = {name: self.build(value_kind, child, _join(key, name)) for name, child in values.items()}
        return _WRONG if any(value is _WRONG for value in built.values()) else built

    def _leaf(self, kind: Any, node: Node, key: str) -> Any:
        value = plain(node)
        # A variable of the environment cannot be quoted: its untouched text is tried where the value fails.
        for candidate in (value,) if node.text is None else (value, node.text):
            try:
                return msgspec.convert(candidate, kind, dec_hook=_decode)
            except msgspec.ValidationError:
                continue
        return self._wrong(
            node, key, f"expected {expected(kind)}; found {found(key, value)}{_hint(kind, value)}"
        )

    def _wrong(self, node: Node, key: str, says: str) -> Any:
        self.mistakes.append(Mistake(node.where, key, says))
        return _WRONG


def _decode(kind: type, value: Any) -> Any:
    if kind is Duration and isinstance(value, str):
        return parse_duration(value)
    raise ValueError(f"expected {expected(kind)}")


def _hint(kind: Any, value: Any) -> str:
    """The nearest of the words allowed, or a pair of quotes where a text is missing them."""
    members = _members(kind)
    words = [word for member in members for word in get_args(member) if isinstance(word, str)]
    close = nearest(value, words) if isinstance(value, str) else None
    if close:
        return f"; did you mean {close}?"
    if str in members and isinstance(value, int | float):
        return "; put it in quotes to make it a text"
    return ""


def _unknown(key: str, siblings: list[str], node: Node) -> str:
    """What to say of a key that does not exist: its name in another section, else the nearest spelling."""
    parent, _, name = key.rpartition(".")
    if node.variable and not parent:
        close = nearest(node.variable, map(variable, leaf_keys()))
        return "no such setting" + (f"; did you mean {close}?" if close else "")
    elsewhere = {leaf.rpartition(".")[2]: leaf for leaf in leaf_keys()}
    sibling, stranger = nearest(name, siblings), nearest(name, elsewhere)
    if name in elsewhere:
        right = elsewhere[name]
    elif sibling:
        right = _join(parent, sibling)
    elif stranger:
        right = elsewhere[stranger]
    else:
        return f"no such setting; expected one of {', '.join(siblings)}"
    return f"no such setting; did you mean {variable(right) if node.variable else right}?"


def leaf_keys() -> Iterator[str]:
    """The dotted keys of all settings, without those inside a mapping of the user's own names."""
    for field in msgspec.structs.fields(Settings):
        if _is_section(_bare(field.type)):
            yield from (f"{field.name}.{inner.name}" for inner in msgspec.structs.fields(_bare(field.type)))
        else:
            yield field.name


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _is_union(kind: Any) -> bool:
    return get_origin(kind) in (Union, types.UnionType)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _members(kind: Any) -> list[Any]:
    """The types a leaf may have, with lists and unions taken apart."""
    bare = _bare(kind)
    if _is_union(bare):
        return [member for part in get_args(bare) for member in _members(part)]
    return [bare]
