"""What is to be simulated: the whole parameter of a stream. The same plan gives the same bytes."""

import re
from datetime import date
from enum import StrEnum

import msgspec

from fraudwatch.errors import ConfigurationError

EPOCH = date(1970, 1, 1)
LAST_START = date(2099, 1, 1)
MOST_ACCOUNTS = 10_000_000
MOST_CASES_PER_DAY = 20.0
"""Half of the 40 alerts a day that investigators can work by default: a generator that fills every slot with
a case would make any ranking look good."""


class Typology(StrEnum):
    """The kinds of cases that are injected (FACTS §6). Values are the codes in the field `typology`."""

    LARGE_AMOUNT = "AMT"
    BURST = "VEL"
    CARD_TESTING = "CTEST"
    TAKE_OVER = "ATO"
    IMPOSSIBLE_TRAVEL = "GEO"
    UNUSUAL_HOURS = "NIGHT"
    SLOW_RAMP = "RAMP"
    DORMANT = "DORM"
    ROUND_AMOUNTS = "ROUND"
    STRUCTURING = "FRAC"
    PASS_THROUGH = "PASS"
    YOUNG_MULE = "MULE"
    COLLECTION = "FANIN"
    DISPERSAL = "FANOUT"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A stream to simulate: `days` whole UTC days from `start` on.

    `cases_per_day` is an average over all accounts, shared evenly between the typologies; each day begins
    as many as the average allows so far. Raises ConfigurationError for what cannot be simulated.
    """

    accounts: int = 5_000
    days: int = 90
    seed: int = 1
    start: date = date(2024, 1, 1)
    cases_per_day: float = 3.0
    currency: str = "EUR"
    typologies: tuple[Typology, ...] = tuple(Typology)

    def __post_init__(self) -> None:
        _demand("accounts", self.accounts, f"1 to {MOST_ACCOUNTS:,}", 1 <= self.accounts <= MOST_ACCOUNTS)
        _demand("days", self.days, "1 to 3,660", 1 <= self.days <= 3_660)
        _demand("seed", self.seed, "0 to 2^63 − 1", 0 <= self.seed < 2**63)
        _demand("start", self.start, f"{EPOCH} to {LAST_START}", EPOCH <= self.start <= LAST_START)
        _demand(
            "cases_per_day",
            self.cases_per_day,
            f"0 to {MOST_CASES_PER_DAY:g}, half of 40 alert slots",
            0 <= self.cases_per_day <= MOST_CASES_PER_DAY,
        )
        three_letters = re.fullmatch("[A-Z]{3}", self.currency) is not None
        _demand("currency", self.currency, "three capital letters (ISO 4217)", three_letters)
        distinct = len(set(self.typologies)) == len(self.typologies) > 0
        _demand("typologies", self.typologies, "at least one, each once", distinct)

    @property
    def first_day(self) -> int:
        """Days from 1970-01-01 to `start`."""
        return (self.start - EPOCH).days


def _demand(name: str, found: object, expected: str, holds: bool) -> None:
    if not holds:
        raise ConfigurationError(f"plan: {name} must be {expected}; found {found}. Give another {name}.")
