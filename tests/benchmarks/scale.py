"""How long and how large: for quoting, for a quick look, or so small that a test can run it."""

from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class Scale:
    """`seconds` is the least length of a run, `rounds` how many there are of each; the rest are sizes of the questions.

    `quix_python` is an interpreter that has Quix Streams beside what the ordinary job needs, None where there is none.
    """

    name: str
    rounds: int
    seconds: float
    quix_python: Path | None = None

    log_accounts: int = 10_000
    log_days: int = 160
    partitions: int = 4
    warm_up: int = 40_000

    trained_on: int = 200_000
    states: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    scored_rows: int = 8_192
    batches: tuple[int, ...] = (1, 32, 512, 4_096)
    rates: tuple[int, ...] = (1_000, 5_000, 20_000)
    kept_accounts: int = 1_000_000
    kept_events: int = 20
    histories: tuple[int, ...] = (30, 300, 3_000)

    @property
    def is_for_quoting(self) -> bool:
        """Whether the issue's least numbers are kept."""
        return self.rounds >= 5 and self.seconds >= 10


FULL = Scale("full", rounds=5, seconds=12.0)

QUICK = replace(
    FULL,
    name="quick",
    rounds=2,
    seconds=4.0,
    log_accounts=4_000,
    log_days=120,
    warm_up=8_000,
    trained_on=50_000,
    states=(1_000, 20_000),
    rates=(1_000, 5_000),
    kept_accounts=50_000,
    histories=(30, 300),
)

TINY = replace(
    QUICK,
    name="tiny",
    rounds=1,
    seconds=0.2,
    trained_on=3_000,
    states=(50,),
    scored_rows=600,
    batches=(1, 512),
    kept_accounts=200,
    kept_events=3,
    histories=(5, 10),
)
