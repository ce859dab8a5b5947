"""What an account usually pays at a time: what a lane measures payments against that come in heaps.

The own mean of the whole history is above most of what an account pays, because incomes and rents are in it.
"""

import math

from fraudwatch.compiled import borrowing
from fraudwatch.features.arrays import Element, State
from fraudwatch.features.kernels.event import CREDIT
from fraudwatch.features.kernels.packed import asked_in, bits_in
from fraudwatch.features.kernels.ring import place_of

LEAST_PAYMENTS = 3
ROOM = 100.0
"""Minor units added inside logarithms: below one major unit, differences of amounts say nothing."""


LARGE = 2.0**900
"""One amount more, which is below 2^40, and a product is still a number."""


@borrowing
def size(asked: int) -> float:
    """Logarithm of an amount."""
    return math.log(asked + ROOM)


@borrowing
def habit(state: State, account: Element, begin: int, end: int) -> float:
    """Mean size of the outgoing payments, as asked for, from one logical number up to another; NaN of fewer than three.

    Amounts are multiplied before their logarithm is taken: it is most of the cost.
    """
    count, total, product = 0, 0.0, 1.0
    for number in range(begin, end):
        kept = state.events[place_of(account, number)]
        if not bits_in(kept) & CREDIT:
            count += 1
            product *= asked_in(kept) + ROOM
            if product > LARGE:
                total += math.log(product)
                product = 1.0
    return (total + math.log(product)) / count if count >= LEAST_PAYMENTS else math.nan
