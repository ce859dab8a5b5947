"""What the labels say of a batch: which of its transactions are cases, of what kind, and of which case."""

import msgspec
import numpy as np

from fraudwatch.backtest.folding import Folded
from fraudwatch.backtest.measures import BoolArray
from fraudwatch.decode import LabelReader


class Labels(msgspec.Struct, frozen=True):
    """`is_case` is bool[n]; `typologies` and `cases` hold, by row, what else is said of those that are."""

    is_case: BoolArray
    typologies: dict[int, str]
    cases: dict[int, str]


def labels_of(folded: Folded, reader: LabelReader | None) -> Labels:
    """Of every assessed transaction; nothing is a case without a reader."""
    rows = folded.batch.assessments.transactions.rows
    labels = Labels(np.zeros(len(rows), dtype=bool), {}, {})
    if reader is None:
        return labels
    for row, record in enumerate(rows.tolist()):
        value = folded.chunk.values[record] or b""
        is_case, typology = reader.read(value)
        if not is_case:
            continue
        labels.is_case[row] = True
        if typology is not None:
            labels.typologies[row] = typology
        if (case := reader.case(value)) is not None:
            labels.cases[row] = case
    return labels
