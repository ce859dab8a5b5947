"""How a kernel of this package is compiled (detection has its twin: siblings share nothing)."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def compiled(kernel: Kernel) -> Kernel:
    """Compile at the first call, keep the machine code on disk, and run without the GIL.

    No `fastmath`: sums keep their order, so a row has the same bits alone and in any batch. The disk
    cache lies beside the module or where NUMBA_CACHE_DIR says; where neither can be written numba refuses to
    decorate at all, and the kernel is compiled afresh by each process (1 to 3 s) instead.
    """
    try:
        return cast(Kernel, numba.njit(cache=True, nogil=True)(kernel))
    except RuntimeError:
        return cast(Kernel, numba.njit(nogil=True)(kernel))
