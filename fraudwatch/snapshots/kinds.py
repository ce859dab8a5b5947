"""What the elements of an array are, as text: plain numbers, or named fields of them at fixed places."""

from typing import Any

import msgspec
import numpy as np

from fraudwatch.errors import SnapshotError

NUMBERS = frozenset(
    [
        "|i1",
        "|u1",
        "<i2",
        "<u2",
        "<i4",
        "<u4",
        "<i8",
        "<u8",
        "<f2",
        "<f4",
        "<f8",
    ]  # little-endian, as all we run on
)

MOST_FIELDS, LARGEST_ELEMENT = 256, 65_536
"""The accounts of `fraudwatch.features` have about thirty fields and 320 bytes."""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """One of an element's fields: numbers of a kind, `shape` of them, at so many bytes from its beginning."""

    name: str
    kind: str
    offset: int
    shape: tuple[int, ...] = ()


class Fields(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An element of named fields, in so many bytes."""

    bytes: int
    fields: list[Field]


Kind = str | Fields


def kind_of(dtype: "np.dtype[Any]") -> Kind:
    """The text of a dtype. Raises SnapshotError for one that is neither numbers nor fields of numbers."""
    if dtype.names is None:
        return _number(dtype.str)
    fields = []
    for name in dtype.names:
        of, offset = dtype.fields[name][:2]  # type: ignore[index] # a dtype with names has fields
        fields.append(Field(name, _number(of.base.str), offset, of.shape))
    return Fields(dtype.itemsize, fields)


def dtype_of(kind: Kind) -> "np.dtype[Any]":
    """The dtype of a text. Raises SnapshotError where fields overlap, repeat, or do not fit into the element."""
    if isinstance(kind, str):
        return np.dtype(_number(kind))
    if not (0 < kind.bytes <= LARGEST_ELEMENT and 0 < len(kind.fields) <= MOST_FIELDS):
        raise SnapshotError(
            f"expected an element of 1 to {MOST_FIELDS} fields in at most {LARGEST_ELEMENT} bytes, "
            f"found {len(kind.fields)} in {kind.bytes}"
        )
    end = 0
    for field in kind.fields:
        if not field.name.isidentifier() or field.offset < end:
            raise SnapshotError(f"expected a field of its own name and place, found {field.name[:80]!r}")
        end = field.offset + _weight(field, kind.bytes)
    names = [field.name for field in kind.fields]
    if end > kind.bytes or len(set(names)) != len(names):
        raise SnapshotError(
            f"expected fields of different names within {kind.bytes} bytes, found {names[:3]}"
        )
    return np.dtype(
        {
            "names": names,
            "formats": [(field.kind, field.shape) for field in kind.fields],
            "offsets": [field.offset for field in kind.fields],
            "itemsize": kind.bytes,
        }
    )


def _weight(field: Field, most: int) -> int:
    """The bytes of a field, of which each axis is no longer than the element."""
    weight = np.dtype(_number(field.kind)).itemsize
    if len(field.shape) > 2 or any(not 0 < length <= most for length in field.shape):
        raise SnapshotError(
            f"expected a field of at most {most} bytes, found {field.name!r} of shape {field.shape}"
        )
    for length in field.shape:
        weight *= length
    return weight


def _number(text: str) -> str:
    if text not in NUMBERS:
        raise SnapshotError(f"expected one of {', '.join(sorted(NUMBERS))}, found {text[:80]!r}")
    return text
