"""One mixing of 64-bit integers for every choice by hash; whoever chooses brings a constant of its own.

SplitMix64's finaliser (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators", OOPSLA; the
constants are those of Vigna's reference, https://prng.di.unimi.it/splitmix64.c). It is not for secrets.
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Bits = TypeVar("Bits", np.uint64, npt.NDArray[np.uint64])

_U27, _U30, _U31 = (np.uint64(bits) for bits in (27, 30, 31))
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def mix(values: Bits) -> Bits:
    """Hash 64-bit integers one to one: different values stay different.

    Plain: an array costs NumPy's time, and a kernel compiles it for one number (`compiled(mix)`).
    """
    mixed = values ^ (values >> _U30)
    mixed *= _FIRST
    mixed ^= mixed >> _U27
    mixed *= _SECOND
    mixed ^= mixed >> _U31
    return mixed
