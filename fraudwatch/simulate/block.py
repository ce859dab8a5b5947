"""Transactions as columns, and the last step that is common to innocent ones and cases."""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate.draws import BoolArray, Draws, Keys, mix, salt

NO_CASE = -1
SMALLEST_AMOUNT = 0.05
MOST_STEPS = 256
_DAY_BITS, _KIND_BITS, _STEP_BITS = 16, 5, 8


class Kind(IntEnum):
    """What a transaction belongs to. An account begins at most one of each kind a day."""

    EVERYDAY = 0
    PURCHASE = 1
    SMALL_ONES = 2
    SPREE = 3
    TRAVEL = 4
    INCOME = 5
    CARD_TESTING = 6
    BURST = 7
    TAKE_OVER = 8


@dataclass(slots=True)
class Block:
    """n transactions, one array element each.

    (account, day, kind, step) names a transaction for good; `day` is the UTC day (since 1970) on which what
    it belongs to began. `city` is where the account holder is; `amount` is in major units, unrounded.
    """

    account: IntArray
    day: IntArray
    kind: IntArray
    step: IntArray
    time_ms: IntArray
    amount: FloatArray
    counterparty: IntArray
    city: IntArray
    device: Keys
    is_credit: BoolArray
    case: IntArray

    def __len__(self) -> int:
        return len(self.account)

    def take(self, index: IntArray | BoolArray) -> "Block":
        """The chosen transactions."""
        return Block(*(getattr(self, column.name)[index] for column in fields(self)))

    def names(self, seed: int) -> Keys:
        """A 64-bit number of each transaction, different for all of one seed, without order or meaning.

        Packed into 64 bits and hashed one to one: two transactions can never share an id.
        """
        packed = self.account << (_DAY_BITS + _KIND_BITS + _STEP_BITS)
        packed |= self.day << (_KIND_BITS + _STEP_BITS)
        packed |= (self.kind << _STEP_BITS) | self.step
        return mix(packed.astype(np.uint64) ^ salt(f"{seed}/transaction"))


def joined(blocks: list[Block]) -> Block:
    """All transactions of the blocks, one after the other."""
    return Block(*(np.concatenate([getattr(block, c.name) for block in blocks]) for c in fields(Block)))


def priced(amount: FloatArray, is_cash: BoolArray, draws: Draws) -> IntArray:
    """Amounts in minor units as people meet them.

    A third end in .00, .50, .90, .95 or .99; cash comes in tens. Applied to every transaction alike.
    """
    minor = np.maximum(np.rint(amount * 100.0), SMALLEST_AMOUNT * 100.0).astype(np.int64)
    ending = np.array([0, 50, 90, 95, 99])[draws.whole("ending", 0, 4)]
    is_tidy = draws.happens("tidy", 1 / 3) & (minor >= 100)
    minor = np.where(is_tidy, minor // 100 * 100 + ending, minor)
    return np.where(is_cash, np.maximum(minor // 1000, 1) * 1000, minor)
