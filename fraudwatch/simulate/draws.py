"""Random numbers that are looked up instead of drawn: each is a hash of whose it is and what it is for.

No generator is advanced, so a number never depends on how many others were taken before it: an account's
transactions are the same among ten accounts and among a million, a day can be made without the days before
it, and a new purpose in a later version leaves the numbers of the others alone. The hash is not for secrets.
"""

from functools import cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from fraudwatch.mixing import mix
from fraudwatch.records import FloatArray, IntArray

Keys = npt.NDArray[np.uint64]
BoolArray = npt.NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MOST_EVENTS = 200
"""A Poisson count is cut here; the largest mean in use is near 20."""


@cache
def salt(text: str) -> np.uint64:
    """A constant of the text, the same in every process."""
    return np.uint64(int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little"))


class Draws:
    """The random numbers of n things. Every method takes a purpose: same purpose, same numbers."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys

    @classmethod
    def of(cls, seed: int, what: str, numbers: IntArray) -> "Draws":
        """The draws of the things `what` with these numbers, in the world of this seed."""
        return cls(mix(numbers.astype(np.uint64) * _GOLDEN ^ salt(f"{seed}/{what}")))

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, index: IntArray | slice) -> "Draws":
        """The draws of these things, repeated where the index repeats."""
        return Draws(self.keys[index])

    def at(self, purpose: str, number: IntArray | int) -> "Draws":
        """Fresh draws for the thing's `number`-th part, such as its day or its step."""
        parts = np.atleast_1d(np.asarray(number, dtype=np.int64)).astype(np.uint64)
        return Draws(mix((self.keys ^ salt(purpose)) + parts * _GOLDEN))

    def uniform(self, purpose: str) -> FloatArray:
        """Uniform in [0, 1)."""
        return np.asarray((mix(self.keys ^ salt(purpose)) >> np.uint64(11)) * 2.0**-53)

    def between(self, purpose: str, low: float, high: float) -> FloatArray:
        """Uniform in [low, high)."""
        return low + (high - low) * self.uniform(purpose)

    def whole(self, purpose: str, low: int, high: int) -> IntArray:
        """Uniform integers from low to high, both included."""
        return low + (self.uniform(purpose) * (high - low + 1)).astype(np.int64)

    def happens(self, purpose: str, probability: FloatArray | float) -> BoolArray:
        """True with the given probability."""
        return self.uniform(purpose) < probability

    def normal(self, purpose: str) -> FloatArray:
        """Standard normal (Box and Muller 1958)."""
        radius = np.sqrt(-2.0 * np.log1p(-self.uniform(purpose)))
        turn = np.cos(2.0 * np.pi * self.uniform(purpose + "/turn"))
        return radius * turn

    def lognormal(self, purpose: str, median: float, sigma: float) -> FloatArray:
        """Log-normal by its median and the standard deviation of its logarithm."""
        return np.asarray(median * np.exp(sigma * self.normal(purpose)))

    def exponential(self, purpose: str, mean: float) -> FloatArray:
        """Exponential waiting times."""
        return -mean * np.log1p(-self.uniform(purpose))

    def poisson(self, purpose: str, mean: FloatArray) -> IntArray:
        """Poisson counts by inversion, `mean` float64[n]."""
        level = self.uniform(purpose)
        term = np.exp(-mean)
        below = term.copy()
        count = np.zeros(len(mean), dtype=np.int64)
        for events in range(1, _MOST_EVENTS + 1):
            above = level >= below
            if not above.any():
                break
            count += above
            term *= mean / events
            below += term
        return count

    def pick(self, purpose: str, weights: FloatArray) -> IntArray:
        """Indexes of `weights`, as often as they weigh."""
        edges = np.cumsum(weights) / np.sum(weights)
        return np.minimum(np.searchsorted(edges, self.uniform(purpose), side="right"), len(weights) - 1)
