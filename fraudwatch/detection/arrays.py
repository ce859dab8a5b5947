"""Named arrays: what a model consists of, and the checks before a stranger's arrays reach a compiled kernel.

Kernels do not check bounds. Every array that comes from outside passes `ArrayReader.take`, and whoever takes
it checks the indices it holds.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from fraudwatch.errors import ArtefactError
from fraudwatch.records import FloatArray, IntArray

LARGEST_NUMBER = 1e300
"""Of a model, either way: differences and products of what is read stay finite where a kernel needs it."""

AnyArray = npt.NDArray[Any]
Arrays = dict[str, AnyArray]
PlaceArray = npt.NDArray[np.int16]


def frozen(array: npt.ArrayLike, dtype: npt.DTypeLike) -> AnyArray:
    """The array as C-contiguous, read-only and of this dtype.

    Numba compiles read-only arrays apart from writable ones, so all arrays of a model are read-only whether
    they were fitted or loaded: one kernel each.
    """
    result = np.array(array, dtype=dtype, order="C", copy=True)
    result.setflags(write=False)
    return result


def writable_rows(values: FloatArray, width: int) -> FloatArray:
    """`values` as float64[n, width], C-contiguous and writable: the one form kernels are compiled for.

    Raises ValueError for another width, which is always a defect of the caller.
    """
    rows = np.require(values, dtype=np.float64, requirements=["C", "W"])
    if rows.ndim != 2 or rows.shape[1] != width:
        raise ValueError(f"expected rows of {width} columns, found shape {rows.shape}")
    return rows


def by_column(rows: FloatArray, columns: IntArray) -> FloatArray:
    """float64[k, n] of k `columns` of float64[n, c] rows, C-contiguous: kernels go through one column at a time."""
    return np.take(rows.T, columns, axis=0)


def by_row(columns: FloatArray) -> FloatArray:
    """float64[n, k] of float64[k, n], C-contiguous."""
    return np.ascontiguousarray(columns.T)


def prefixed(prefix: str, arrays: Mapping[str, AnyArray]) -> Arrays:
    """The arrays with `prefix.` before each name."""
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def digest(arrays: Mapping[str, AnyArray]) -> bytes:
    """sha256 over names, dtypes, shapes and bytes, whatever the order of the mapping."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        state.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        state.update(array.tobytes())
    return state.digest()


class ArrayReader:
    """Hands out each array once, checked; what nobody asked for is an error in the end."""

    def __init__(self, stock: Arrays, prefix: str = "") -> None:
        """`stock` is emptied by taking from it."""
        self._stock = stock
        self._prefix = prefix

    def under(self, prefix: str) -> "ArrayReader":
        """A reader of the names that begin with `prefix.`; it takes from the same stock."""
        return ArrayReader(self._stock, f"{self._prefix}{prefix}.")

    def holds(self, name: str) -> bool:
        """Whether there is an array of this name, not taken yet."""
        return self._prefix + name in self._stock

    def take(self, name: str, dtype: npt.DTypeLike, shape: tuple[int | None, ...]) -> AnyArray:
        """One array of this dtype and shape (None: any length), numbers of at most 1e300; raises ArtefactError."""
        whole_name = self._prefix + name
        array = self._stock.pop(whole_name, None)
        if array is None:
            raise ArtefactError(f"The model lacks the array {whole_name!r}; train it again.")
        wanted = np.dtype(dtype)
        fits = len(array.shape) == len(shape) and all(
            length is None or length == found for length, found in zip(shape, array.shape, strict=True)
        )
        if array.dtype != wanted or not fits:
            raise ArtefactError(
                f"The model's array {whole_name!r} should be {wanted}{list(shape)}, "
                f"found {array.dtype}{list(array.shape)}; train it again."
            )
        # Not `>`, which is false for NaN; of 64 bits, because a narrower dtype has no such number.
        limit = np.float64(LARGEST_NUMBER)
        if array.dtype.kind == "f" and not (np.abs(array) <= limit).all():
            raise ArtefactError(
                f"The model's array {whole_name!r} holds NaN, infinity or a number past "
                f"{LARGEST_NUMBER:g}; train it again."
            )
        return frozen(array, wanted)

    def finish(self) -> None:
        """Raise ArtefactError when arrays are left that belong to nothing."""
        if self._stock:
            raise ArtefactError(f"The model holds arrays nobody knows: {', '.join(sorted(self._stock))}.")


def reject_unless(condition: bool, name: str, expected: str) -> None:
    """Raise ArtefactError naming what array `name` should have held."""
    if not condition:
        raise ArtefactError(f"The model's array {name!r} should hold {expected}; train it again.")
