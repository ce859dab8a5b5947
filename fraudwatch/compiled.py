"""How a kernel of the hot path (decode, features, detection, alerts) is compiled; the only importer of numba."""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

_PACKAGE = Path(__file__).parent
_SHARED = (Path(__file__), _PACKAGE / "records.py")
"""What kernels of every package are built with: a change of these makes all machine code stale."""


def compiled(kernel: Kernel) -> Kernel:
    """Compile at the first call, keep the machine code on disk, and run without the GIL.

    No `fastmath`: sums keep their order, so a row has the same bits alone and in any batch. The disk
    cache lies beside the module or where NUMBA_CACHE_DIR says; where neither can be written the kernel is
    compiled afresh by each process (some 10 s) instead.
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
