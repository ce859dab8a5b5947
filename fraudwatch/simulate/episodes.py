"""Things that happen to an account over several transactions, innocent or not: the common shape of both."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate import counterparties
from fraudwatch.simulate.accounts import DAY_MS, Accounts
from fraudwatch.simulate.block import NO_CASE, Block, Kind, Status, priced
from fraudwatch.simulate.draws import BoolArray, Draws, Keys
from fraudwatch.simulate.habits import NO_DEVICE, devices, hours

MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Episodes:
    """m episodes of one kind that begin on one day: whose they are, their draws, and their cases."""

    accounts: Accounts
    kind: Kind
    day: int
    who: IntArray
    draws: Draws
    case: IntArray

    @classmethod
    def innocent(cls, accounts: Accounts, kind: Kind, day: int, who: IntArray, draws: Draws) -> "Episodes":
        """Episodes that are no cases; `draws` are those of `who`."""
        return cls(accounts, kind, day, who, draws, np.full(len(who), NO_CASE))

    def __len__(self) -> int:
        return len(self.who)

    def usual(self) -> FloatArray:
        """Usual amount of each account on this day."""
        return self.accounts.usual(self.day, self.who)

    def begin_ms(self) -> IntArray:
        """A time of the first day at the account's usual hours."""
        return self.day * DAY_MS + hours(self.accounts, self.who, self.draws)


@dataclass(frozen=True, slots=True)
class Steps:
    """The n transactions of m episodes: to which episode each belongs, its place in it, its draws."""

    episodes: Episodes
    index: IntArray
    step: IntArray
    who: IntArray
    draws: Draws

    def __len__(self) -> int:
        return len(self.who)

    def own_hours(self, days_later: IntArray | int) -> IntArray:
        """Event time of each at the account's usual hours, so many days after the first day."""
        return (self.episodes.day + days_later) * DAY_MS + hours(self.episodes.accounts, self.who, self.draws)

    def since_first(self, gaps: IntArray | FloatArray) -> IntArray:
        """Sums of the gaps since step 0 of each episode; the gap of step 0 does not count."""
        total = np.cumsum(np.where(self.step == 0, 0, gaps).astype(np.int64))
        first = np.flatnonzero(self.step == 0)
        since: IntArray = total - np.repeat(total[first], np.diff(np.append(first, len(self))))
        return since

    def shares(self, purpose: str, is_part: BoolArray) -> FloatArray:
        """Random shares that add up to 1 over the marked steps of each episode; 0 elsewhere."""
        weight = np.where(is_part, 0.3 + self.draws.exponential(purpose, 1.0), 0.0)
        total = np.bincount(self.index, weight, minlength=len(self.episodes))
        return np.asarray(weight / np.maximum(total, 1e-9)[self.index])

    def declines(self, probability: float) -> IntArray:
        """Status of each: declined with this probability."""
        return np.where(self.draws.happens("declined", probability), Status.DECLINED, Status.APPROVED)

    def block(
        self,
        *,
        time_ms: IntArray,
        amount: FloatArray,
        counterparty: IntArray,
        device: Keys | None = None,
        city: IntArray | None = None,
        is_credit: BoolArray | bool = False,
        is_price: BoolArray | bool = False,
        status: IntArray | None = None,
    ) -> Block:
        """These steps as transactions; by default at home, with the account's own device, approved.

        Money that comes in carries no device of ours.
        """
        accounts, count = self.episodes.accounts, len(self)
        if device is None:
            device = devices(accounts, self.who, counterparty, self.draws, self.episodes.day)
        credit = np.broadcast_to(np.asarray(is_credit), count)
        return Block(
            account=self.who,
            day=np.full(count, self.episodes.day),
            kind=np.full(count, int(self.episodes.kind)),
            step=self.step,
            time_ms=time_ms,
            amount=amount,
            is_price=np.broadcast_to(np.asarray(is_price), count),
            counterparty=counterparty,
            city=accounts.home[self.who] if city is None else city,
            device=np.where(credit, NO_DEVICE, device),
            is_credit=credit,
            status=np.zeros(count, dtype=np.int64) if status is None else status,
            case=self.episodes.case[self.index],
        )


Builder = Callable[[Episodes], Block]


def unfold(episodes: Episodes, counts: IntArray) -> Steps:
    """`counts[i]` steps for episode i."""
    index = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Steps(episodes, index, step, episodes.who[index], episodes.draws.take(index).at("step", step))


def price(amount: FloatArray, counterparty: IntArray, draws: Draws) -> FloatArray:
    """What `amount` is as a price in major units, for a sum that is to be met several times."""
    return priced(amount, counterparties.categories(counterparty), draws) / 100.0
