"""What is done to whom and when, drawn from a seed: the same seed gives the same schedule."""

import random
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """Everything that is done to workers, to the broker and to the wire between them."""

    KILL = "SIGKILL at any point"
    KILL_FOLDING = "SIGKILL before a batch is folded"
    KILL_PUBLISHING = "SIGKILL while alerts are sent"
    KILL_PUBLISHED = "SIGKILL between alerts and their commit"
    KILL_COMMITTING = "SIGKILL inside a commit"
    KILL_SNAPSHOT = "SIGKILL inside a snapshot"
    KILL_RESTORING = "SIGKILL inside a restore"
    FREEZE = "SIGSTOP past the session, then SIGCONT"
    TERMINATE = "SIGTERM"
    BROKER_KILL = "broker SIGKILL and restart"
    DELAY = "wire delays"
    RESET = "wire resets every connection"
    BLACKHOLE = "wire swallows everything"
    POISON = "poison, one to three records"


POINTS = {
    Kind.KILL_FOLDING: "folding",
    Kind.KILL_PUBLISHING: "publishing",
    Kind.KILL_PUBLISHED: "published",
    Kind.KILL_COMMITTING: "committing",
    Kind.KILL_SNAPSHOT: "snapshot",
    Kind.KILL_RESTORING: "restoring",
}
"""Where a member kills itself (`member.Points`)."""

SECONDS = {
    Kind.FREEZE: (4.0, 7.0),
    Kind.DELAY: (2.0, 5.0),
    Kind.BLACKHOLE: (2.0, 8.0),
    Kind.BROKER_KILL: (0.2, 2.0),
}
"""How long it lasts, from and to: a session is three seconds, a request five."""

PAUSE_SECONDS = (0.5, 4.0)
"""Between two faults: often shorter than a restart, so that one meets the consequences of another."""

LARGEST_SKIP = 3
MOST_POISON = 3


class Fault(NamedTuple):
    """One of them. `pause` is in seconds after the one before; `member` is modulo the members there are.

    `skip` is how often a point is passed before the member dies there.
    """

    pause: float
    kind: Kind
    member: int
    seconds: float
    skip: int


def drawn(seed: int, faults: int, kinds: Sequence[Kind] = tuple(Kind)) -> list[Fault]:
    """So many faults. Every kind comes before any comes again."""
    random_ = random.Random(seed)
    found: list[Fault] = []
    deck: list[Kind] = []
    while len(found) < faults:
        deck = deck or random_.sample(list(kinds), len(kinds))
        kind = deck.pop()
        seconds = random_.uniform(*SECONDS[kind]) if kind in SECONDS else 0.0
        skip = random_.randint(0, LARGEST_SKIP)
        found.append(Fault(random_.uniform(*PAUSE_SECONDS), kind, random_.randrange(60), seconds, skip))
    return found


def members(seed: int) -> int:
    """How many workers share the partitions: one to three."""
    return seed % 3 + 1
