"""The one mixing behind every choice by hash gives the bits that its authors give."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fraudwatch.compiled import compiled
from fraudwatch.mixing import mix

WORD = 2**64
GOLDEN = 0x9E3779B97F4A7C15
FROM_THE_REFERENCE = {
    0: [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC],
    1234567: [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431],
}
"""By seed the first numbers of https://prng.di.unimi.it/splitmix64.c, which mixes seed + GOLDEN, + 2 · GOLDEN, …"""

words = st.lists(st.integers(0, WORD - 1), unique=True, max_size=200)


@pytest.mark.parametrize("seed", FROM_THE_REFERENCE)
def test_numbers_are_those_of_the_reference(seed: int) -> None:
    expected = FROM_THE_REFERENCE[seed]
    states = [(seed + step * GOLDEN) % WORD for step in range(1, len(expected) + 1)]
    assert mix(np.array(states, dtype=np.uint64)).tolist() == expected


@given(words)
def test_different_numbers_never_get_the_same_hash(numbers: list[int]) -> None:
    assert len(set(mix(np.array(numbers, dtype=np.uint64)).tolist())) == len(numbers)


@given(words)
def test_a_kernel_mixes_one_number_to_the_bits_of_an_array(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.uint64)
    with np.errstate(over="ignore"):
        one_by_one = [int(in_a_kernel(number)) for number in array]
    assert one_by_one == mix(array).tolist()


def test_what_is_mixed_stays_as_it_is() -> None:
    array = np.arange(5, dtype=np.uint64)
    mix(array)
    assert array.tolist() == [0, 1, 2, 3, 4]


in_a_kernel = compiled(mix)
