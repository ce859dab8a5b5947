"""What comes out of a batch: one assessment or one dead letter for every record that went in."""

import msgspec
import numpy as np

from fraudwatch.alerts import Alert
from fraudwatch.records import ByteArray, DeadLetter, FloatArray, IntArray, Outcome, Transaction


class Assessments(msgspec.Struct, frozen=True):
    """All that was concluded on n transactions, one column a conclusion, in the order they arrived.

    `outcome` is uint8[n] of `Outcome` codes; `score` is float64[n], NaN where there is none; `top_reason` is the
    code of the reason that weighs most, None where nothing speaks for it; `alert_ids` names the alert that a
    transaction opened or belongs to.
    """

    transactions: list[Transaction]
    offsets: IntArray
    outcome: ByteArray
    score: FloatArray
    top_reason: list[str | None]
    alert_ids: list[str | None]

    def count(self, outcome: Outcome) -> int:
        """How many transactions ended so."""
        return int(np.count_nonzero(self.outcome == outcome.value))


class Batch(msgspec.Struct, frozen=True):
    """`records` = dead letters + assessments, always. `alerts` are to be published, in this order.

    `cut` counts transactions above the edge that the day's ceiling kept back; `conflicts` counts duplicates whose
    content differs from the first of their id; `stage_seconds` is measured by the timer the pipeline was given;
    `new_accounts` are those that this partition had never seen before.
    """

    records: int
    assessments: Assessments
    dead_letters: list[DeadLetter]
    alerts: list[Alert]
    cut: int
    conflicts: int
    stage_seconds: dict[str, float]
    new_accounts: tuple[str, ...] = ()
