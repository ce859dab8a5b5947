"""The alert budget, what was spent of it, and how a debt is repaid."""

import math
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

REPAID_DAYS = 7.0
"""A debt of one week's budget lowers the aim by the factor e: about so many days of it are repaid over as many."""
LARGEST_CORRECTION = 2.0
"""However much was over- or underspent, the aim stays within half and twice the share."""
LEAST_DEBT = 3.0
"""Alerts that are remembered however small the share is: one alert may be worth weeks of it."""


MEDIUM_SHARE, HIGH_SHARE = 0.4, 0.1
"""The part of a budget whose scores suffice for the severities `medium` and `high`."""
LOW_FROM = 2 / 3
"""An edge is low from this part of ordinary scores above it on."""


class Budget(msgspec.Struct, frozen=True):
    """How many alerts a day, over how many partitions, and which share of them explores below the edge."""

    alerts_per_day: float
    explore: float
    partitions: int

    @property
    def share(self) -> float:
        """Alerts a day of one partition."""
        return self.alerts_per_day / self.partitions

    @property
    def ceiling(self) -> int:
        """Most alerts one partition opens on one event day: twice its share, rounded up to a whole alert."""
        return max(1, math.ceil(2.0 * self.share))


class Shares(NamedTuple):
    """One budget in two: that of the amount queue, which draws all samples, and that of the typology queue's lanes."""

    amount: Budget
    typology: Budget

    @classmethod
    def of(cls, budget: Budget, typology_share: float) -> "Shares":
        """What explores is taken from both queues alike. Without a typology share the amount queue has it all."""
        if not typology_share:
            return cls(budget, replace(budget, alerts_per_day=0.0, explore=0.0))
        explored = budget.alerts_per_day * budget.explore
        of_lanes = (budget.alerts_per_day - explored) * typology_share
        of_amounts = budget.alerts_per_day - of_lanes
        return cls(
            replace(budget, alerts_per_day=of_amounts, explore=_part(explored, of_amounts)),
            replace(budget, alerts_per_day=of_lanes, explore=0.0),
        )


def _part(explored: float, of_amounts: float) -> float:
    return min(explored / of_amounts, 1.0) if of_amounts else 0.0


class Spending:
    """Alerts opened in one partition, against what its share allowed.

    An estimate of the edge from the past lags behind a drift and would overspend for as long as that lasts (by
    a sixth where scores rise by 0.01 a day). What was overspent is therefore remembered and aimed below, which is
    the integral part of a controller: under a constant drift the debt settles, and the mean keeps to the budget.
    """

    def __init__(self, budget: Budget, overspent: float = 0.0, lately: float = 0.0) -> None:
        self._share: Final = budget.share
        self._most: Final = max(LEAST_DEBT, budget.share * REPAID_DAYS * math.log(LARGEST_CORRECTION))
        self.overspent = max(overspent, -self._most)
        """Alerts, negative where fewer were opened than the share allowed."""
        self.lately = lately
        """Alerts of the day that lies behind, those longer ago weighing less; of a usual day the share."""

    def opened(self) -> None:
        """One alert more; a sample is one too."""
        self.overspent += 1.0
        self.lately += 1.0

    def passed(self, days: float) -> float:
        """So much observed time allowed its share; how many alerts lapse, being more than can ever be made up for."""
        left = self.overspent - self._share * days
        self.overspent = min(max(left, -self._most), self._most)
        self.lately *= math.exp(-days)
        return max(0.0, -self._most - left)

    def take_over(self, lapsed: float) -> None:
        """Open besides what lapsed of another budget."""
        self.overspent = max(self.overspent - lapsed, -self._most)

    @property
    def correction(self) -> float:
        """What the aim is to be multiplied by."""
        if not self._share:
            return 1.0
        wanted = math.exp(-self.overspent / (self._share * REPAID_DAYS))
        return min(max(wanted, 1.0 / LARGEST_CORRECTION), LARGEST_CORRECTION)

    @property
    def pace(self) -> float:
        """What the aim is to be multiplied by besides: the rest of a day that has cost its share costs less.

        Where a debt is owed to the share, a day may cost what makes up for it.
        """
        of_a_day = self._share * max(1.0, self.correction)
        return math.exp(-max(0.0, self.lately - of_a_day) / max(self._share, LEAST_DEBT))
