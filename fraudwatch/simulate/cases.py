"""The cases: labelled episodes, each of a typology of FACTS §6. Which begin when, and in whose account."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from fraudwatch.simulate import case_spending, case_transfers
from fraudwatch.simulate.accounts import Accounts
from fraudwatch.simulate.block import Block, Kind
from fraudwatch.simulate.draws import BoolArray, Draws
from fraudwatch.simulate.episodes import Builder, Episodes
from fraudwatch.simulate.plan import Plan, Typology

YOUNG_DAYS = (3, 60)
SLEPT_DAYS = 25
SEEN_DAYS = 7


def _any(accounts: Accounts, day: int) -> BoolArray:
    """Open and awake: of any age, so that a case may begin before there is a habit to break."""
    return accounts.is_active(day)


def _young(accounts: Accounts, day: int) -> BoolArray:
    age = day - accounts.opened
    return accounts.is_active(day) & (age >= YOUNG_DAYS[0]) & (age <= YOUNG_DAYS[1])


def _asleep(accounts: Accounts, day: int) -> BoolArray:
    """Asleep for some weeks; preferably one that was seen awake before, within the plan."""
    asleep = accounts.asleep_days(day)
    fits = (accounts.opened <= day - asleep) & (asleep > SLEPT_DAYS)
    was_seen = fits & (day - asleep >= accounts.first_day + SEEN_DAYS)
    return was_seen if was_seen.any() else fits


class Shape(NamedTuple):
    """How the cases of a typology are made, and in which accounts."""

    kind: Kind
    build: Builder
    victims: Callable[[Accounts, int], BoolArray] = _any


SHAPES: dict[Typology, Shape] = {
    Typology.LARGE_AMOUNT: Shape(Kind.LARGE_AMOUNT, case_spending.large_amount),
    Typology.BURST: Shape(Kind.BURST, case_spending.burst),
    Typology.CARD_TESTING: Shape(Kind.CARD_TESTING, case_spending.card_testing),
    Typology.TAKE_OVER: Shape(Kind.TAKE_OVER, case_spending.take_over),
    Typology.IMPOSSIBLE_TRAVEL: Shape(Kind.IMPOSSIBLE_TRAVEL, case_spending.impossible_travel),
    Typology.UNUSUAL_HOURS: Shape(Kind.UNUSUAL_HOURS, case_spending.unusual_hours),
    Typology.SLOW_RAMP: Shape(Kind.SLOW_RAMP, case_spending.slow_ramp),
    Typology.DORMANT: Shape(Kind.DORMANT, case_spending.dormant, _asleep),
    Typology.ROUND_AMOUNTS: Shape(Kind.ROUND_AMOUNTS, case_transfers.round_amounts),
    Typology.STRUCTURING: Shape(Kind.STRUCTURING, case_transfers.structuring),
    Typology.PASS_THROUGH: Shape(Kind.PASS_THROUGH, case_transfers.pass_through),
    Typology.YOUNG_MULE: Shape(Kind.YOUNG_MULE, case_transfers.young_mule, _young),
    Typology.COLLECTION: Shape(Kind.COLLECTION, case_transfers.collection),
    Typology.DISPERSAL: Shape(Kind.DISPERSAL, case_transfers.dispersal),
}
TYPOLOGY_OF_KIND = {shape.kind: typology for typology, shape in SHAPES.items()}


def cases(plan: Plan, accounts: Accounts, day: int) -> Iterator[Block]:
    """The cases that begin on this day, a block for each typology.

    Case numbers count on from 1970, so that a plan of more days goes on where a shorter one ends. Two cases of
    one typology never begin in one account on one day; without an account that fits, a case is left out.
    """
    numbers = np.arange(int(day * plan.cases_per_day), int((day + 1) * plan.cases_per_day))
    for place, typology in enumerate(plan.typologies):
        shape = SHAPES[typology]
        mine = numbers[numbers % len(plan.typologies) == place]
        if not len(mine):
            continue
        eligible = np.flatnonzero(shape.victims(accounts, day))
        if not len(eligible):
            continue
        victims = Draws.of(plan.seed, "victim", mine).whole("account", 0, len(eligible) - 1)
        who, first = np.unique(eligible[victims], return_index=True)
        draws = Draws.of(plan.seed, "case", mine[first])
        yield shape.build(Episodes(accounts, shape.kind, day, who, draws, mine[first]))
