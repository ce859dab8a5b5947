"""Things that happen to an account over several transactions, innocent or not: the common shape of both.

What begins on one day may go on for two more; `LASTS_DAYS` is how far back a day must look.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fraudwatch.records import FloatArray, IntArray
from fraudwatch.simulate.accounts import DAY_MS, Accounts, hours
from fraudwatch.simulate.block import Block, Kind
from fraudwatch.simulate.draws import Draws, Keys

LASTS_DAYS = 3
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


@dataclass(frozen=True, slots=True)
class Steps:
    """The n transactions of m episodes: to which episode each belongs, its place in it, its draws."""

    episodes: Episodes
    index: IntArray
    step: IntArray
    who: IntArray
    draws: Draws

    def own_hours(self, days_later: IntArray) -> IntArray:
        """Event time of each at the account's usual hours, so many days after the first day."""
        return (self.episodes.day + days_later) * DAY_MS + hours(self.episodes.accounts, self.who, self.draws)

    def block(
        self,
        *,
        time_ms: IntArray,
        amount: FloatArray,
        counterparty: IntArray,
        device: Keys,
        city: IntArray | None = None,
        is_credit: bool = False,
    ) -> Block:
        """These steps as transactions; by default at home."""
        count = len(self.who)
        return Block(
            account=self.who,
            day=np.full(count, self.episodes.day),
            kind=np.full(count, int(self.episodes.kind)),
            step=self.step,
            time_ms=time_ms,
            amount=amount,
            counterparty=counterparty,
            city=self.episodes.accounts.home[self.who] if city is None else city,
            device=device,
            is_credit=np.full(count, is_credit),
            case=self.episodes.case[self.index],
        )


Builder = Callable[[Episodes], Block]


def unfold(episodes: Episodes, counts: IntArray) -> Steps:
    """`counts[i]` steps for episode i."""
    index = np.repeat(np.arange(len(counts)), counts)
    step = np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Steps(episodes, index, step, episodes.who[index], episodes.draws.take(index).at("step", step))


def since_first(step: IntArray, gaps: IntArray) -> IntArray:
    """Sums of the gaps since step 0 of each episode; the gap of step 0 does not count."""
    total = np.cumsum(np.where(step == 0, 0, gaps))
    first = np.flatnonzero(step == 0)
    since: IntArray = total - np.repeat(total[first], np.diff(np.append(first, len(step))))
    return since
