"""How a kernel of the hot path (decode, features, detection, alerts) is compiled; the only importer of numba."""

import sys
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.extending import intrinsic

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

CACHE_LINE = 64

_PACKAGE = Path(__file__).parent
_SHARED = (Path(__file__), _PACKAGE / "mixing.py", _PACKAGE / "records.py")
"""What kernels of every package are built with: a change of these makes all machine code stale."""


def compiled(kernel: Kernel) -> Kernel:
    """Compile at the first call, keep the machine code on disk, and run without the GIL.

    No `fastmath`: sums keep their order, so a row has the same bits alone and in any batch. The disk
    cache lies beside the module or where NUMBA_CACHE_DIR says; where neither can be written the kernel is
    compiled afresh by each process (some 50 s of CPU time) instead.
    """
    return _compiled(kernel, makes_arrays=True)


def borrowing(kernel: Kernel) -> Kernel:
    """The same for a kernel that neither makes nor keeps an array: it counts no references to those it is given.

    Counting costs two atomic operations for every array at every call that is not inlined: four fifths of the time
    of a kernel of many functions over a tuple of tables. What it calls must be `borrowing` too; numba refuses to
    compile one that makes an array ("no implementation found"). `_nrt` is not documented by numba.
    """
    return _compiled(kernel, makes_arrays=False)


def _compiled(kernel: Kernel, makes_arrays: bool) -> Kernel:
    dispatcher = numba.njit(nogil=True, _nrt=makes_arrays)(kernel)
    if hasattr(dispatcher, "enable_caching"):  # not with NUMBA_DISABLE_JIT: then it is the function itself
        try:
            dispatcher._cache = _PackageCache(kernel)
        except RuntimeError:  # no directory that can be written
            return cast(Kernel, dispatcher)
    return cast(Kernel, dispatcher)


class _PackageCache(FunctionCache):  # type: ignore[misc]
    """Numba's disk cache, except that a change of any source of the kernel's package makes what it holds stale.

    Numba itself looks at the file a kernel is in, and not at the files of the functions it calls or the
    constants it uses (https://numba.readthedocs.io/en/stable/developer/caching.html, "caching limitations").
    """

    def __init__(self, kernel: Callable[..., Any]) -> None:
        super().__init__(kernel)
        package = kernel.__module__.split(".")[1] if kernel.__module__.startswith("fraudwatch.") else ""
        self._cache_file = IndexDataCacheFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=(self._impl.locator.get_source_stamp(), stamp(_PACKAGE / package)),
        )


@cache
def stamp(package: Path) -> str:
    """A digest of all sources of a package and of what every package's kernels share."""
    digest = sha256()
    for source in (*_SHARED, *sorted(package.rglob("*.py"))):
        content = source.read_bytes()
        digest.update(f"{source.relative_to(_PACKAGE)} {len(content)} ".encode() + content)
    return digest.hexdigest()


def _elements(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return array.reshape(-1)


def _eight_bytes(text: npt.NDArray[np.uint8], place: int) -> np.uint64:
    word = np.uint64(0)
    for step in range(7, -1, -1):
        word = (word << np.uint64(8)) | np.uint64(text[place + step])
    return word


def _zeros_below(number: np.uint64) -> int:
    count = 0
    while number & np.uint64(1) == 0:
        number >>= np.uint64(1)
        count += 1
    return count


def _type_elements(_typing: Any, array: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return numba.types.CPointer(array.dtype)(array), generate


def _type_eight_bytes(_typing: Any, text: Any, place: Any) -> Any:
    def generate(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        word = context.get_value_type(numba.types.uint64)
        address = builder.bitcast(builder.gep(arguments[0], [arguments[1]]), word.as_pointer())
        found = builder.load(address, align=1)
        return found if sys.byteorder == "little" else builder.bswap(found)

    return numba.types.uint64(text, numba.types.intp), generate


def _type_zeros_below(_typing: Any, number: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], cgutils.true_bit)

    return numba.types.int64(numba.types.uint64), generate


def _prefetch(array: npt.NDArray[Any], place: int) -> None:
    """Nothing: only a machine has caches."""


def _type_prefetch(_typing: Any, array: Any, place: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table = context.make_array(signature.args[0])(context, builder, arguments[0])
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        step = builder.mul(arguments[1], builder.extract_value(table.strides, 0))
        address = builder.gep(builder.bitcast(table.data, byte), [step])
        kind = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        instruction = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        for line in range(0, context.get_abi_sizeof(context.get_data_type(array.dtype)), CACHE_LINE):
            builder.call(instruction, [builder.gep(address, [ir.IntType(64)(line)]), *map(word, (0, 3, 1))])
        return context.get_dummy_value()

    return numba.types.void(array, numba.types.intp), generate


def _instruction(plain: Callable[..., Any], typed: Callable[..., Any]) -> Any:
    """What numba has no words for: a function of kernels, and its plain form without numba or with checked bounds."""
    if numba.config.DISABLE_JIT:
        return plain
    return numba.njit(plain) if numba.config.BOUNDSCHECK else intrinsic(typed)


elements = _instruction(_elements, _type_elements)
"""The elements of a contiguous array, flat, without the array: no bounds, and no references to count.

A kernel passes these on to the functions it calls record by record, each of which would otherwise count every array it
is given up and down, atomically: that took three quarters of decoding's time. Only for arrays that came in as
arguments: whoever called holds them.
"""

eight_bytes = _instruction(_eight_bytes, _type_eight_bytes)
"""Of `elements` of bytes the eight from a place on, as a little-endian number. Nothing is checked."""

prefetch = _instruction(_prefetch, _type_prefetch)
"""Have the element (for a table of two dimensions: the first element of the row) at a place of an array brought into
the caches, and do not wait for it. Any place is allowed: nothing is read."""

zeros_below = _instruction(_zeros_below, _type_zeros_below)
"""How many bits are 0 below the lowest that is 1, in a 64-bit number that is not 0."""
