"""Which innocent episodes begin when: how often each, and what sets off the two that need a reason."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from fraudwatch.records import IntArray
from fraudwatch.simulate import innocent_spending, innocent_transfers
from fraudwatch.simulate.accounts import Accounts
from fraudwatch.simulate.block import Block, Kind
from fraudwatch.simulate.draws import Draws
from fraudwatch.simulate.episodes import Builder, Episodes

WAKES_LARGE = 0.4  # accounts that wake with more than everyday transactions
STARTS_WITH_MONEY = 0.7  # new accounts that are filled at once


class Lookalike(NamedTuple):
    """`often`: how many an account at home begins a day at a rate of one transaction a day and more, fewer below.

    `days`: how far back a day must look for those still going on.
    """

    often: float
    days: int
    build: Builder


LOOKALIKES: dict[Kind, Lookalike] = {
    Kind.PURCHASE: Lookalike(1 / 120, 1, innocent_spending.purchase),
    Kind.SMALL_ONES: Lookalike(1 / 60, 2, innocent_spending.small_ones),
    Kind.SPREE: Lookalike(1 / 90, 2, innocent_spending.spree),
    Kind.NIGHT_OUT: Lookalike(1 / 600, 2, innocent_spending.night_out),
    Kind.TRIED_AGAIN: Lookalike(1 / 60, 2, innocent_spending.tried_again),
    Kind.TAKEN_BACK: Lookalike(1 / 70, 8, innocent_spending.taken_back),
    Kind.WORKS: Lookalike(1 / 500, 28, innocent_spending.works),
    Kind.LESSONS: Lookalike(1 / 800, 28, innocent_transfers.lessons),
    Kind.KITTY: Lookalike(1 / 1_200, 8, innocent_transfers.kitty),
    Kind.GATHERING: Lookalike(1 / 600, 7, innocent_transfers.gathering),
    Kind.SHARING_OUT: Lookalike(1 / 1_200, 3, innocent_transfers.sharing_out),
    Kind.FORWARDING: Lookalike(1 / 1_500, 12, innocent_transfers.forwarding),
    Kind.CASH_IN: Lookalike(1 / 800, 10, innocent_transfers.cash_in),
    Kind.INSTALMENTS: Lookalike(1 / 1_500, 14, innocent_transfers.instalments),
}
SET_OFF: dict[Kind, Lookalike] = {
    Kind.FIRST_STEPS: Lookalike(STARTS_WITH_MONEY, 21, innocent_transfers.first_steps),
    Kind.WAKING: Lookalike(WAKES_LARGE, 4, innocent_spending.waking),
}
"""These begin on the day an account is opened or wakes, with the probability `often`."""

LONGEST_DAYS = max(each.days for each in (*LOOKALIKES.values(), *SET_OFF.values()))


def lookalikes(accounts: Accounts, day: int, part: slice, still: int = 0) -> Iterator[Block]:
    """The innocent episodes of these accounts that begin on this day and go on for more than `still` days."""
    everyone = np.arange(len(accounts))[part]
    is_active = accounts.is_active(day, part)
    weight = np.minimum(accounts.rate[part], 1.0) * (is_active & ~accounts.is_away(day, part))
    today = accounts.draws.take(part).at("lookalikes", day)
    for kind, lookalike in LOOKALIKES.items():
        if lookalike.days > still:
            begins = today.happens(kind.name, lookalike.often * weight)
            yield from _begun(accounts, kind, lookalike, day, everyone[begins])
    is_new = accounts.opened[part] == day
    has_woken = is_active & (accounts.asleep_days(day - 1, part) > 0)
    for kind, reason in ((Kind.FIRST_STEPS, is_new), (Kind.WAKING, has_woken)):
        if SET_OFF[kind].days > still:
            begins = reason & today.happens(kind.name, SET_OFF[kind].often)
            yield from _begun(accounts, kind, SET_OFF[kind], day, everyone[begins])


def _begun(accounts: Accounts, kind: Kind, lookalike: Lookalike, day: int, who: IntArray) -> Iterator[Block]:
    if len(who):
        draws: Draws = accounts.draws.take(who).at(kind.name, day)
        yield lookalike.build(Episodes.innocent(accounts, kind, day, who, draws))
