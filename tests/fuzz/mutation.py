"""Inputs without atheris: the seeds, then random changes to them, always the same for a seed."""

import random
from collections.abc import Iterator, Sequence

MOST_CHANGES = 6


def inputs(
    seeds: Sequence[bytes], words: Sequence[bytes], longest: int, runs: int, seed: int
) -> Iterator[bytes]:
    """All seeds, then changed ones until there were `runs` (the seeds at least), each at most `longest` bytes."""
    random_ = random.Random(seed)
    yield from seeds
    stock = [*seeds] or [b""]
    for _ in range(runs - len(seeds)):
        changed = random_.choice(stock)
        for _ in range(random_.randint(1, MOST_CHANGES)):
            changed = _changed(changed, stock, words, random_)
        yield changed[:longest]


def _changed(data: bytes, stock: Sequence[bytes], words: Sequence[bytes], random_: random.Random) -> bytes:
    start = random_.randint(0, len(data))
    end = min(len(data), start + random_.choice([1, 1, 2, 4, 16, 64]))
    match random_.randrange(7):
        case 0:  # a bit
            if start == len(data):
                return data
            return data[:start] + bytes([data[start] ^ 1 << random_.randrange(8)]) + data[start + 1 :]
        case 1:  # random bytes over or between
            put = random_.randbytes(random_.randint(1, 4))
            return data[:start] + put + data[random_.choice([start, end]) :]
        case 2:  # a piece lost
            return data[:start] + data[end:]
        case 3:  # a piece again
            return data[:end] + data[start:end] * random_.randint(1, 3) + data[end:]
        case 4:  # a word over or between
            put = random_.choice(words)
            return data[:start] + put + data[random_.choice([start, end]) :]
        case 5:  # the head of one and the tail of another
            other = random_.choice(stock)
            return data[:start] + other[random_.randint(0, len(other)) :]
        case _:  # cut off
            return data[:start]
