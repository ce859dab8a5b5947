"""How a kernel of this package is compiled (detection has its twin: siblings share nothing)."""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

PACKAGE = Path(__file__).parent


def compiled(kernel: Kernel) -> Kernel:
    """Compile at the first call, keep the machine code on disk, and run without the GIL.

    No `fastmath`: sums keep their order, so a row has the same bits alone and in any batch. The disk
    cache lies beside the module or where NUMBA_CACHE_DIR says; where neither can be written the kernel is
    compiled afresh by each process (some 10 s) instead.
    """
    dispatcher = numba.njit(nogil=True)(kernel)
    if hasattr(dispatcher, "enable_caching"):  # not with NUMBA_DISABLE_JIT: then it is the function itself
        try:
            dispatcher._cache = _PackageCache(kernel)
        except RuntimeError:  # no directory that can be written
            return cast(Kernel, dispatcher)
    return cast(Kernel, dispatcher)


class _PackageCache(FunctionCache):  # type: ignore[misc]
    """Numba's disk cache, except that a change of any source of the package makes what it holds stale.

    Numba itself looks at the file a kernel is in, and not at the files of the functions it calls or the
    constants it uses (https://numba.readthedocs.io/en/stable/developer/caching.html, "caching limitations").
    """

    def __init__(self, kernel: Callable[..., Any]) -> None:
        super().__init__(kernel)
        self._cache_file = IndexDataCacheFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=(self._impl.locator.get_source_stamp(), package_stamp()),
        )


@cache
def package_stamp() -> str:
    """A digest of all sources of this package."""
    digest = sha256()
    for source in sorted(PACKAGE.rglob("*.py")):
        content = source.read_bytes()
        digest.update(f"{source.relative_to(PACKAGE)} {len(content)} ".encode() + content)
    return digest.hexdigest()
