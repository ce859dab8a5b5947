"""A transaction of a file, folded as a backtest folds it: from the file's beginning, with the model it had by then."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from fraudwatch.backtest.cases import nearest_edge
from fraudwatch.backtest.folding import CHUNK, Folded, Folding
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder, read_rows
from fraudwatch.detection import Model
from fraudwatch.errors import UnusableInputError
from fraudwatch.explain.explaining import explained
from fraudwatch.explain.explanation import Explanation
from fraudwatch.explain.finding import Found, OwnRecords, Wanted, find
from fraudwatch.records import NO_TIMESTAMP, Chunk, Record

OnProgress = Callable[[int], None]


def explain_file(
    settings: Settings,
    path: Path,
    wanted: Wanted,
    *,
    model: Model | None = None,
    strongest: bool = False,
    on_progress: OnProgress = lambda rows: None,
) -> Explanation:
    """Explain a transaction of a file; with `strongest` the account's that came nearest to an edge, or furthest above.

    Without a model one is fitted on the way, where a backtest of the file would. Raises UnusableInputError for the file
    and where there is no such transaction, TrainingError.
    """
    found = find(_chunks(path), Decoder(settings), wanted, path.name)
    if strongest:
        found = _strongest(settings, path, wanted, found, model, on_progress)
    folding = Folding(settings, path.name, model=model)
    own = OwnRecords(found.account)
    whole = found.record.offset // CHUNK * CHUNK
    rows = read_rows(path)
    for folded in folding.fold(islice(rows, whole), on_progress):
        own.add(folded.chunk, folded.batch.assessments.transactions)
    (pipeline,) = folding.pipelines
    rest = list(islice(rows, found.record.offset - whole))
    for folded in folding.fold_up_to(rest, found.record.value or b""):
        own.add(folded.chunk, folded.batch.assessments.transactions)
    return explained(pipeline, found.record, own.before(found.record))


def _strongest(
    settings: Settings, path: Path, wanted: Wanted, found: Found, model: Model | None, on_progress: OnProgress
) -> Found:
    """By the edges at the end of each batch. Raises UnusableInputError where no transaction of it was scored."""
    best: tuple[float, Record] | None = None
    for folded in Folding(settings, path.name, model=model).fold(read_rows(path), on_progress):
        for distance, record in _distances(folded, found.account):
            if best is None or distance > best[0]:
                best = distance, record
    if best is None:
        raise UnusableInputError(
            f"expected a transaction of account {wanted.account_id} with a score in {path.name}, found none: too few "
            "transactions of the account, or none after the first model. Leave out --strongest to see why its latest "
            "has none, or give a model with --model."
        )
    return Found(best[1], found.account)


def _distances(folded: Folded, account: int) -> Iterator[tuple[float, Record]]:
    """Of each scored transaction of the account."""
    assessed = folded.batch.assessments
    is_meant = (assessed.transactions.accounts == account) & ~np.isnan(assessed.score)
    for row in np.flatnonzero(is_meant).tolist():
        said, edge, _ = nearest_edge(folded, row)
        yield said - edge, folded.chunk.record(int(assessed.transactions.rows[row]))


def _chunks(path: Path) -> Iterator[Chunk]:
    rows, first = read_rows(path), 0
    while values := list(islice(rows, CHUNK)):
        yield _chunk(path.name, first, values)
        first += len(values)


def _chunk(name: str, first: int, values: list[bytes]) -> Chunk:
    """As `Folding` makes them."""
    offsets = np.arange(first, first + len(values))
    timestamps = np.full(len(values), NO_TIMESTAMP)
    return Chunk(name, 0, offsets, timestamps, [None] * len(values), values)
