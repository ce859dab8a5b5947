"""What every detector must hold, as checks that name themselves (after river's `checks`).

`violations(kind)` runs them all over one detector class and yields the names of those it fails. The checks
know nothing of any detector: a new one passes the same, and a wrong one on purpose must fail (tests do both).
"""

from collections.abc import Callable, Iterator

import numpy as np

from fraudwatch.detection import npz
from fraudwatch.detection.arrays import ArrayReader, digest
from fraudwatch.detection.detectors import Detector
from fraudwatch.errors import ArtefactError
from fraudwatch.records import FloatArray

Check = Callable[[type[Detector]], None]

WIDTH = 5
SEED = 20


class ContractViolationError(AssertionError):
    """A detector does not do what every detector must."""


def violations(kind: type[Detector]) -> Iterator[str]:
    """Names of the checks this detector fails, in order."""
    for check in CHECKS:
        try:
            check(kind)
        except ContractViolationError:
            yield check.__name__


def score_alone_equals_score_in_any_batch(kind: type[Detector]) -> None:
    """A burst of strange rows must not hide in its own batch (ECOD and COPOD fail, FACTS §2)."""
    detector, rows = kind.fit(sample(), SEED), unseen()
    together = detector.score(rows)
    burst = detector.score(np.repeat(rows[-1:], 600, axis=0))
    for size in (1, 2, 7, 64):
        pieces = [detector.score(rows[i : i + size]) for i in range(0, len(rows), size)]
        _require(_same_bits(np.concatenate(pieces), together), f"batches of {size} score differently")
    _require(_same_bits(burst, np.repeat(together[-1:], 600)), "600 equal rows score unlike one of them")


def columns_score_as_rows_do(kind: type[Detector]) -> None:
    """Scoring column by column, which the worker does, gives the bits of `score`."""
    detector = kind.fit(sample(), SEED)
    for rows in (unseen(), unseen()[:1]):
        by_columns = detector.score_columns(np.ascontiguousarray(rows.T))
        _require(_same_bits(by_columns, detector.score(rows)), "columns score unlike rows")


def order_does_not_matter(kind: type[Detector]) -> None:
    """Rows scored in another order have the same scores."""
    detector, rows = kind.fit(sample(), SEED), unseen()
    order = np.random.default_rng(1).permutation(len(rows))
    _require(_same_bits(detector.score(rows[order]), detector.score(rows)[order]), "order changes scores")


def scoring_twice_is_the_same(kind: type[Detector]) -> None:
    """Scoring leaves no trace and draws nothing."""
    detector, rows = kind.fit(sample(), SEED), unseen()
    _require(_same_bits(detector.score(rows), detector.score(rows)), "a second look scores differently")


def nan_is_refused(kind: type[Detector]) -> None:
    """NaN and infinity anywhere in a batch raise ValueError instead of a plausible number."""
    detector = kind.fit(sample(), SEED)
    for hole in (np.nan, np.inf, -np.inf):
        rows = unseen()
        rows[3, WIDTH - 1] = hole
        _require(_raises(ValueError, detector.score, rows), f"{hole} is scored")


def deterministic_for_a_seed(kind: type[Detector]) -> None:
    """The same sample and seed give the same arrays, however often something was drawn in between."""
    first = kind.fit(sample(), SEED)
    second = kind.fit(sample(), SEED)
    _require(digest(first.arrays()) == digest(second.arrays()), "two fits with one seed differ")
    _require(_same_bits(first.score(unseen()), second.score(unseen())), "two fits with one seed score apart")


def saved_and_loaded_is_the_same(kind: type[Detector]) -> None:
    """Through the bytes of an artefact and back: scores and arrays to the bit."""
    detector = kind.fit(sample(), SEED)
    loaded = _loaded(kind, detector, WIDTH)
    _require(
        _same_bits(loaded.score(unseen()), detector.score(unseen())), "a loaded detector scores differently"
    )
    _require(digest(loaded.arrays()) == digest(detector.arrays()), "a loaded detector saves differently")


def another_width_is_refused(kind: type[Detector]) -> None:
    """Rows of more or fewer columns raise ValueError, loading for them ArtefactError."""
    detector = kind.fit(sample(), SEED)
    for width in (WIDTH - 1, WIDTH + 1):
        rows = np.zeros((2, width))
        _require(_raises(ValueError, detector.score, rows), f"{width} columns are scored")
        is_refused = _raises(ArtefactError, _loaded, kind, detector, width)
        _require(is_refused, f"a detector of {WIDTH} columns loads for {width}")


CHECKS: tuple[Check, ...] = (
    score_alone_equals_score_in_any_batch,
    columns_score_as_rows_do,
    order_does_not_matter,
    scoring_twice_is_the_same,
    nan_is_refused,
    deterministic_for_a_seed,
    saved_and_loaded_is_the_same,
    another_width_is_refused,
)


def sample() -> FloatArray:
    """Surprises to fit on: exponential, some tied, one column a copy of others, one almost constant."""
    rows = np.random.default_rng(SEED).exponential(0.43, (1_000, WIDTH))
    rows[:, 1] = np.round(rows[:, 1], 1)
    rows[:, 2] = rows[:, 0] + rows[:, 1]
    rows[:, 3] = np.where(rows[:, 3] > 1.0, rows[:, 3], 0.0)
    return np.ascontiguousarray(rows)


def unseen() -> FloatArray:
    """Surprises to score: training rows, ordinary ones, ones far beyond; more than kernels take at a time."""
    beyond = np.random.default_rng(SEED + 1).uniform(0.0, 20.0, (100, WIDTH))
    return np.concatenate([sample(), beyond / 20.0, beyond])


def _loaded(kind: type[Detector], detector: Detector, width: int) -> Detector:
    reader = ArrayReader(npz.decode(npz.encode(detector.arrays())))
    loaded = kind.load(reader, width)
    reader.finish()
    return loaded


def _same_bits(left: FloatArray, right: FloatArray) -> bool:
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def _raises(error: type[Exception], attempt: Callable[..., object], *arguments: object) -> bool:
    try:
        attempt(*arguments)
    except error:
        return True
    return False


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ContractViolationError(what)
