"""What comes out of a batch: one assessment or one dead letter for every record that went in."""

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from fraudwatch.alerts import Alert
from fraudwatch.detection import Finding
from fraudwatch.features import Observations
from fraudwatch.records import ByteArray, DeadLetter, FloatArray, IntArray, Outcome, Reason, Transactions

NO_REASON = NO_LANE = -1


class Assessments(msgspec.Struct, frozen=True):
    """All that was concluded on n transactions, one column a conclusion, in the order they arrived.

    `outcome` is uint8[n] of `Outcome` codes; `score` is float64[n], NaN where there is none; `strongest` int16[n]
    is the reason that weighs most, a place in `reasons`, `NO_REASON` where nothing speaks for it; `alert_ids`
    names, by row, the alert that a transaction opened or belongs to.

    `lane_surprises` float64[l, n] is what each of the lanes named in `lanes` says, 0 where nothing; `lane` int16[n] is
    the place of the strongest, `NO_LANE` where all are 0, and `lane_surprise` float64[n] its surprise.
    """

    transactions: Transactions
    outcome: ByteArray
    score: FloatArray
    strongest: npt.NDArray[np.int16]
    reasons: tuple[str, ...]
    alert_ids: dict[int, str]
    lanes: tuple[str, ...] = ()
    lane: npt.NDArray[np.int16] = msgspec.field(default_factory=lambda: np.empty(0, dtype=np.int16))
    lane_surprise: FloatArray = msgspec.field(default_factory=lambda: np.empty(0))
    lane_surprises: FloatArray = msgspec.field(default_factory=lambda: np.empty((0, 0)))

    def count(self, outcome: Outcome) -> int:
        """How many transactions ended so."""
        return int(np.count_nonzero(self.outcome == outcome.value))

    def top_reason(self, row: int) -> str | None:
        """The code of the reason that weighs most."""
        strongest = int(self.strongest[row])
        return None if strongest == NO_REASON else self.reasons[strongest]

    def top_lane(self, row: int) -> str | None:
        """The name of the lane that says most."""
        lane = int(self.lane[row])
        return None if lane == NO_LANE else self.lanes[lane]


def _of_nothing(row: int) -> tuple[Reason, ...]:
    return ()


class Batch(msgspec.Struct, frozen=True):
    """`records` = dead letters + assessments, always. `alerts` are to be published, in this order.

    `cut` counts transactions above the edge that the day's ceiling kept back; `conflicts` counts duplicates whose
    content differs from the first of their id; `stage_seconds` is measured by the timer the pipeline was given;
    `new_accounts` int64[k] are the hashes of those that this partition had never seen before; `evicted` counts
    accounts that were let go of to make room, `returned` those of them that were seen again. `reasons_of` gives all
    reasons of one scored row, alerted or not, in the order of the model. `drift` is what the watch on the model has
    found by the end of the batch. `observations` are what the history said of the transactions.
    """

    records: int
    assessments: Assessments
    dead_letters: list[DeadLetter]
    alerts: list[Alert]
    cut: int
    conflicts: int
    stage_seconds: dict[str, float]
    new_accounts: IntArray
    evicted: int = 0
    returned: int = 0
    reasons_of: Callable[[int], tuple[Reason, ...]] = _of_nothing
    drift: Finding | None = None
    observations: Observations | None = None
