"""Transactions as columns, and the last step that is common to innocent ones and cases."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from fraudwatch.mixing import mix
from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import counterparties
from fraudwatch.simulate.draws import BoolArray, Draws, Keys, salt

NO_CASE = -1
SMALLEST_AMOUNT = 0.05
MOST_STEPS = 256
TIDY = 1 / 3  # prices that end in .00, .50, .90, .95 or .99
ROUND_TRANSFERS = 0.45  # transfers of a round sum
_DAY_BITS, _KIND_BITS, _STEP_BITS = 16, 6, 8

IS_CASH = np.array([category.channel == "atm" for category in counterparties.CATEGORIES])
IS_TRANSFER = np.array([category is counterparties.TRANSFER for category in counterparties.CATEGORIES])


class Kind(IntEnum):
    """What a transaction belongs to, cases from 32 on. An account begins at most one of each kind a day."""

    EVERYDAY = 0
    INCOME = 1
    RENT = 2
    BILLS = 3
    SAVINGS = 4
    PAYROLL = 5
    TAKINGS = 6
    PURCHASE = 7
    SMALL_ONES = 8
    SPREE = 9
    NIGHT_OUT = 10
    TRIED_AGAIN = 11
    TAKEN_BACK = 12
    WORKS = 13
    LESSONS = 14
    KITTY = 15
    GATHERING = 16
    SHARING_OUT = 17
    FORWARDING = 18
    CASH_IN = 19
    INSTALMENTS = 20
    FIRST_STEPS = 21
    WAKING = 22

    LARGE_AMOUNT = 32
    BURST = 33
    CARD_TESTING = 34
    TAKE_OVER = 35
    IMPOSSIBLE_TRAVEL = 36
    UNUSUAL_HOURS = 37
    SLOW_RAMP = 38
    ROUND_AMOUNTS = 39
    STRUCTURING = 40
    PASS_THROUGH = 41
    YOUNG_MULE = 42
    COLLECTION = 43
    DISPERSAL = 44
    DORMANT = 45


class Status(IntEnum):
    """What became of a transaction; a reversed one repeats what it takes back."""

    APPROVED = 0
    DECLINED = 1
    REVERSED = 2


@dataclass(slots=True)
class Block:
    """n transactions, one array element each.

    (account, day, kind, step) names a transaction for good; `day` is the UTC day (since 1970) on which what
    it belongs to began. `city` is where the account holder is. `amount` is in major units, unrounded unless
    `is_price`; `status` holds codes of Status.
    """

    account: IntArray
    day: IntArray
    kind: IntArray
    step: IntArray
    time_ms: IntArray
    amount: FloatArray
    is_price: BoolArray
    counterparty: IntArray
    city: IntArray
    device: Keys
    is_credit: BoolArray
    status: IntArray
    case: IntArray

    def __len__(self) -> int:
        return len(self.account)

    def take(self, index: IntArray | BoolArray) -> "Block":
        """The chosen transactions."""
        return Block(*(getattr(self, column)[index] for column in _COLUMNS))

    def names(self, seed: int) -> Keys:
        """A 64-bit number of each transaction, different for all of one seed, without order or meaning.

        Packed into 64 bits and hashed one to one: two transactions can never share an id.
        """
        packed = self.account << (_DAY_BITS + _KIND_BITS + _STEP_BITS)
        packed |= self.day << (_KIND_BITS + _STEP_BITS)
        packed |= (self.kind << _STEP_BITS) | self.step
        return mix(packed.astype(np.uint64) ^ salt(f"{seed}/transaction"))

    def days(self, day_ms: int) -> Iterator[tuple[int, "Block"]]:
        """The transactions of each day, by the day of their event time."""
        day = self.time_ms // day_ms
        first, last = int(day.min()), int(day.max())
        if first == last:
            yield first, self
            return
        for each in range(first, last + 1):
            chosen = np.flatnonzero(day == each)
            if len(chosen):
                yield each, self.take(chosen)


_COLUMNS = tuple(column.name for column in fields(Block))


def joined(blocks: list[Block]) -> Block:
    """All transactions of the blocks, one after the other."""
    if len(blocks) == 1:
        return blocks[0]
    return Block(*(np.concatenate([getattr(block, column) for block in blocks]) for column in _COLUMNS))


def priced(amount: FloatArray, category: IntArray, draws: Draws) -> IntArray:
    """Amounts in minor units as people meet them, by the category of their counterparty.

    A third end in .00, .50, .90, .95 or .99; nearly half of the transfers are round sums; cash comes in tens.
    Applied to every transaction alike.
    """
    minor = np.maximum(np.rint(amount * 100.0), SMALLEST_AMOUNT * 100.0).astype(np.int64)
    ending = np.array([0, 50, 90, 95, 99])[draws.whole("ending", 0, 4)]
    how = draws.uniform("tidy")
    is_transfer = IS_TRANSFER[category]
    minor = np.where((how < TIDY) & (minor >= 100) & ~is_transfer, minor // 100 * 100 + ending, minor)
    coin = np.where(minor < 10_000, 500, np.where(minor < 100_000, 1_000, 5_000))
    minor = np.where(
        (how < ROUND_TRANSFERS) & is_transfer, np.maximum((minor + coin // 2) // coin, 1) * coin, minor
    )
    return np.where(IS_CASH[category], np.maximum(minor // 1000, 1) * 1000, minor)
