"""What is said of one transaction, as a program reads it: `fraudwatch explain --json` prints this."""

from enum import StrEnum

import msgspec

from fraudwatch.alerts.alert import Position
from fraudwatch.explain.crossing import Form
from fraudwatch.records import Role, Text, Theme, Unit


class Decided(StrEnum):
    """What became of it. The first three are alerts; `unreadable` reached an edge by nothing a person could check."""

    OPENED = "opened"
    UPDATED = "updated"
    JOINED = "joined"
    SAMPLE = "sample"
    CUT = "cut"
    UNREADABLE = "unreadable"
    BELOW = "below"
    UNSCORED = "unscored"


class Standing(msgspec.Struct, frozen=True):
    """In one queue, or one lane of the typology queue: the score or lane surprise, and the edge at that moment.

    `rank` is how many alerts of a usual day are stranger, over all partitions. `sentence` is what a lane says where its
    edge is reached.
    """

    queue: str
    lane: str | None
    score: float
    edge: float
    distance: float
    rank: float
    sentence: Text | None

    @property
    def is_reached(self) -> bool:
        """Whether it lies at the edge or above."""
        return self.distance >= 0.0


class Change(msgspec.Struct, frozen=True):
    """A change of one value that would have led to the other side of an edge.

    `of` names the value, `reasons` the codes of what follows from it. `at` is the first value that crosses, `stated` a
    round one beyond it that crosses too; `moved` is how far in surprise. With `suffices` the policy would have decided
    otherwise: an alert would have been none, or the other way round.
    """

    of: str
    reasons: tuple[str, ...]
    unit: Unit
    was: float
    at: float
    stated: float
    form: Form
    moved: float
    suffices: bool
    sentence: Text


class ExplainedReason(msgspec.Struct, frozen=True):
    """One reason. `lift` is what it adds to the score; `sentence` is there where it is unusual.

    `change` is of the value alone: None where none crosses, and for a detector, which has no value to be changed.
    """

    code: str
    name: str
    theme: Theme
    role: Role
    unit: Unit
    value: float | None
    usual: float | None
    surprise: float
    lift: float
    sentence: Text | None
    change: Change | None


class Explanation(msgspec.Struct, frozen=True):
    """Why, and why not. `lanes` are changes of the measures of lanes; `nearest` is the least of all that suffice.

    Without a score (`outcome` says why) there are neither standings nor reasons. `is_whole` is false where the records
    of the account before it are not all there: then another amount leaves what the lanes say as it was.
    """

    transaction_id: str
    account_id: str
    event_time: str
    amount: str
    amount_minor: int
    currency: str
    position: Position
    outcome: str
    decided: Decided
    alert_id: str | None
    severity: str | None
    model_version: str | None
    is_whole: bool
    standings: tuple[Standing, ...]
    reasons: tuple[ExplainedReason, ...]
    lanes: tuple[Change, ...]
    nearest: Change | None
    headline: Text
    verdict: Text
