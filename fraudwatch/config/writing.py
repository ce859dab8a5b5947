"""Settings as text: for a person to read, and as a fingerprint of what decides the scores."""

import hashlib
import json
from typing import Any

import msgspec
import yaml

from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Section, Settings
from fraudwatch.config.tree import SCALARS
from fraudwatch.config.wording import HIDDEN, SECRETS

# Where Kafka is, what topics are called and how fast the worker goes changes no score and no reason.
_NO_INFLUENCE = ("kafka", "topics", "trial", "stream", "snapshots", "metrics")
_NO_INFLUENCE_IN_SOURCE = ("topic", "label", "silent_after")


class _Dumper(yaml.SafeDumper):
    """Quotes whatever YAML 1.1 or 1.2 would not read back as the text it is; lists stay on one line."""


for _name, _form in SCALARS.items():
    _Dumper.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", _form, None)
# PyYAML reads the other line breaks of Unicode back as \n unless they are escaped.
_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style='"' if set(text) & set("\n\r\x85\u2028\u2029") else None
    ),
)
_Dumper.add_representer(
    list, lambda dumper, items: dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)
)


def dump(settings: Settings) -> str:
    """Effective settings as a file that loads to the same: durations as people write them, secrets hidden.

    With several sources the one source follows from them and may not be written (fraudwatch.config.log).
    """
    plain = plain_settings(settings)
    if settings.sources:
        del plain["source"]
    return to_yaml(plain)


def to_yaml(value: Any) -> str:
    """YAML in the order of the settings, sections as blocks."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )
    return text


def plain_settings(settings: Settings) -> dict[str, Any]:
    """The settings as dicts, lists and scalars; the one place where secrets are hidden."""
    return {name: _plain(getattr(settings, name), name) for name in settings.__struct_fields__}


def _plain(value: Any, key: str) -> Any:
    if key in SECRETS and value is not None:
        return HIDDEN
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, Section):
        is_top = "." not in key
        return {
            name: _plain(part, f"{key}.{name}")
            for name, part in msgspec.structs.asdict(value).items()
            if is_top or part is not None  # inside a mapping, what was left out stays out
        }
    if isinstance(value, dict):
        return {name: _plain(part, f"{key}.{name}") for name, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part, key) for part in value]
    return value


def fingerprint(settings: Settings) -> str:
    """12 hex digits of sha256 over what influences detection; equal means the same scores and reasons."""
    influence = {name: value for name, value in plain_settings(settings).items() if name not in _NO_INFLUENCE}
    influence["source"] = _influence_of(influence["source"])
    if settings.sources:
        # They reach the log in no particular order, and without their names.
        sources = map(_influence_of, influence["sources"].values())
        influence["sources"] = sorted(sources, key=lambda source: json.dumps(source, sort_keys=True))
    canonical = json.dumps(influence, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _influence_of(source: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in source.items() if name not in _NO_INFLUENCE_IN_SOURCE}
