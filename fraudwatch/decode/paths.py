"""Where a value is in a source record: `merchant.address.country`, `items.0.code`."""

import re
from typing import TypeAlias

Step: TypeAlias = str | int
Path: TypeAlias = tuple[Step, ...]

_DOT = re.compile(r"(?<!\\)\.")
_INDEX = re.compile(r"[0-9]{1,4}")


def parse_path(text: str) -> Path:
    r"""Names separated by dots; a number after the first name is an index; `\.` is a dot inside a name.

    Raises ValueError for an empty name.
    """
    names = [name.replace("\\.", ".") for name in _DOT.split(text)]
    if not all(names):
        raise ValueError(f"expected names separated by dots; found {text!r}")
    first, *rest = names
    return first, *(int(name) if _INDEX.fullmatch(name) else name for name in rest)


def written(path: Path) -> str:
    """The path as it is written in a configuration."""
    return ".".join(str(step).replace(".", "\\.") for step in path)
