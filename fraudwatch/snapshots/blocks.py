"""State as named blocks of named arrays, each block with a version of its own."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np

AnyArray: TypeAlias = np.ndarray[Any, np.dtype[Any]]


class Block(NamedTuple):
    """What one part of the state keeps. A reader that knows another version of it leaves it out and starts anew."""

    version: int
    arrays: dict[str, AnyArray]


Blocks: TypeAlias = dict[str, Block]
