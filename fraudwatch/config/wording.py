"""How a setting's type, a found value and a near miss are put into words."""

import difflib
import json
from collections.abc import Iterable
from typing import Any

from msgspec import inspect

from fraudwatch.config.durations import Duration

SECRETS: frozenset[str] = frozenset({"kafka.password"})
"""Dotted keys whose values are never printed, by a message or by `dump`."""

HIDDEN = "(hidden)"

_LONGEST = 60


def expected(kind: Any) -> str:
    """What a value of this annotated type is, for a person: `a whole number from 1 to 16`."""
    return _expected(inspect.type_info(kind))


def _expected(info: inspect.Type) -> str:
    match info:
        case inspect.Metadata(type=inner):
            return _expected(inner)
        case inspect.CustomType(cls=cls) if cls is Duration:
            return "a duration such as 90s, 15m, 1h or 30d"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return "a whole number" + _bounds(info)
        case inspect.FloatType():
            return "a number" + _bounds(info)
        case inspect.StrType(pattern=pattern):
            return "a text" if pattern is None else f"a text of the form {pattern}"
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(map(str, values)) if len(values) > 1 else str(values[0])
        case inspect.VarTupleType(item_type=item):
            return f"a list, {_length(info)}each {_expected(item)}"
        case inspect.DictType(value_type=value):
            return f"a mapping of names, each to {_expected(value)}"
        case inspect.StructType(fields=fields):
            return "a mapping of " + ", ".join(field.name for field in fields)
        case inspect.UnionType(types=types):
            return " or ".join(_expected(member) for member in types)
        case inspect.NoneType():
            return "nothing"
    raise TypeError(f"no words for settings of type {info}")


def _bounds(info: inspect.IntType | inspect.FloatType) -> str:
    low, high = info.ge, info.le
    if low is not None and high is not None:
        return f" from {low} to {high}"
    words = (("above", info.gt), ("of at least", low), ("below", info.lt), ("up to", high))
    parts = [f"{word} {bound}" for word, bound in words if bound is not None]
    return " " + " and ".join(parts) if parts else ""


def _length(info: inspect.VarTupleType) -> str:
    if info.min_length is not None and info.max_length is not None:
        return f"{info.min_length} to {info.max_length} long, "
    return ""


def found(key: str, value: Any) -> str:
    """The value as it was written, cut to a readable length; secrets, and what may hold one, are hidden."""
    if key in SECRETS or (value is not None and any(secret.startswith(f"{key}.") for secret in SECRETS)):
        return HIDDEN
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def nearest(wrong: str, right: Iterable[str]) -> str | None:
    """The right spelling closest to a wrong one, None when none is near."""
    by_lower_case = {name.lower(): name for name in right}
    close = difflib.get_close_matches(wrong.lower(), by_lower_case, n=1, cutoff=0.6)
    return by_lower_case[close[0]] if close else None
