"""One table of settings, from the annotated types: the schema and configs/default.yaml derive from here."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from fraudwatch.config.durations import UNITS_MS, Duration
from fraudwatch.config.settings import Csv, FieldMapping, Label, Section, Settings
from fraudwatch.config.wording import expected
from fraudwatch.config.writing import plain_settings, to_yaml

FIELD = "<field>"
"""Stands in a key for a canonical field that the user names."""

_INSIDE: dict[str, tuple[str, type[Section]]] = {
    "source.csv": ("source.csv", Csv),
    "source.mapping": (f"source.mapping.{FIELD}", FieldMapping),
    "source.label": ("source.label", Label),
}


_TYPES_SEEN_FROM_THE_VALUE = ("a text", "a duration", "true or false", "a mapping", "json")


class Setting(NamedTuple):
    """One row: dotted key, type in words, default as it is written in the file, and what it is."""

    key: str
    type: str
    default: str
    sentence: str


def table() -> list[Setting]:
    """Every setting, in the order of the file."""
    return list(_rows(Settings, ""))


def _rows(section: Section | type[Section], prefix: str) -> Iterator[Setting]:
    for field in msgspec.structs.fields(section):
        key = f"{prefix}{field.name}"
        default = _default(field)
        if isinstance(default, Section):
            yield from _rows(default, f"{key}.")
            continue
        yield Setting(key, expected(field.type), _written(field, default), _sentence(field))
        if key in _INSIDE:
            inner_key, inner = _INSIDE[key]
            yield from _rows(inner, f"{inner_key}.")


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default


def _written(field: msgspec.structs.FieldInfo, default: Any) -> str:
    return "" if field.required else _in_yaml(default)


def _in_yaml(value: Any) -> str:
    """A default as one line of the file."""
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(map(str, value)) + "]"
    return to_yaml(value).removesuffix("...\n").strip()


def _sentence(field: msgspec.structs.FieldInfo) -> str:
    info = inspect.type_info(field.type)
    described = info.extra_json_schema if isinstance(info, inspect.Metadata) else None
    return str((described or {}).get("description", ""))


def default_file() -> str:
    """configs/default.yaml: every setting with its default, each under its sentence and its type."""
    lines = [
        "# Every setting of fraudwatch with its default: a file need only hold what differs.",
        "# Durations are a whole number and a unit: 200ms, 90s, 15m, 1h, 30d.",
        "# An environment variable FRAUDWATCH_<SECTION>__<KEY> overrides, as FRAUDWATCH_KAFKA__GROUP does.",
        "# Written by `default_file` of fraudwatch/config/reference.py; tests/config compares.",
    ]
    section = ""
    for setting in table():
        head, dot, rest = setting.key.partition(".")
        if dot and head != section:
            section = head
            lines += ["", f"# {getattr(Settings(), head).__doc__}", f"{head}:"]
        lines += _entry(setting, rest if dot else head, "  " if dot else "")
    return "\n".join(lines) + "\n"


def _entry(setting: Setting, name: str, indent: str) -> list[str]:
    types = [] if setting.type.startswith(_TYPES_SEEN_FROM_THE_VALUE) else [f"{indent}#   {setting.type}"]
    if "." in name:
        # What stands inside a mapping has no value until somebody writes the mapping.
        return [f"{indent}#   {name}: {setting.sentence}"]
    above = [] if indent else [""]
    return [*above, f"{indent}# {setting.sentence}", *types, f"{indent}{name}: {setting.default}"]


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the configuration file.

    Written from msgspec.inspect: msgspec.json.schema refuses defaults of an own type, as durations are.
    """
    definition = _struct_schema(inspect.type_info(Settings), plain_settings(Settings()))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "fraudwatch configuration",
        **definition,
    }


def _schema(info: inspect.Type, default: Any = None) -> dict[str, Any]:
    match info:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            return {**_schema(inner, default), **(extra or {})}
        case inspect.CustomType(cls=cls) if cls is Duration:
            return {"type": "string", "pattern": rf"^\s*\d{{1,9}}\s*({'|'.join(UNITS_MS)})\s*$"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType():
            return {"type": "integer", **_bounds(info)}
        case inspect.FloatType():
            return {"type": "number", **_bounds(info)}
        case inspect.StrType(pattern=pattern):
            return {"type": "string"} | ({"pattern": pattern} if pattern else {})
        case inspect.LiteralType(values=values):
            return {"enum": list(values)}
        case inspect.VarTupleType(item_type=item, min_length=least, max_length=most):
            bounds = {"minItems": least, "maxItems": most}
            return {"type": "array", "items": _schema(item), **_without_none(bounds)}
        case inspect.DictType(value_type=value):
            return {"type": ["object", "null"], "additionalProperties": _schema(value)}
        case inspect.StructType():
            return _struct_schema(info, default)
        case inspect.UnionType(types=types):
            return {"anyOf": [_schema(member) for member in types]}
        case inspect.NoneType():
            return {"type": "null"}
    raise TypeError(f"no schema for settings of type {info}")


def _struct_schema(info: Any, defaults: dict[str, Any] | None) -> dict[str, Any]:
    properties = {}
    for field in info.fields:
        default = (defaults or {}).get(field.name)
        properties[field.name] = _schema(field.type, default)
        if default is not None and not isinstance(field.type, inspect.StructType):
            properties[field.name]["default"] = default
    required = [field.name for field in info.fields if field.required]
    return {
        "description": info.cls.__doc__,
        # A section written without anything in it is an empty one.
        "type": "object" if required else ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _bounds(info: inspect.IntType | inspect.FloatType) -> dict[str, Any]:
    return _without_none(
        {"minimum": info.ge, "exclusiveMinimum": info.gt, "maximum": info.le, "exclusiveMaximum": info.lt}
    )


def _without_none(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
