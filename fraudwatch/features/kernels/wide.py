"""Numbers of narrow arrays in 64 bits."""

import numpy as np

from fraudwatch.compiled import borrowing


@borrowing
def wide(number: int) -> int:
    """An element of a narrow array, before anything is calculated with it.

    Numba would go on with 32 bits here and 64 there, and compile every kernel for both.
    """
    return int(np.int64(number))
