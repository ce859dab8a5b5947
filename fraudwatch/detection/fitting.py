"""From a training sample to a model."""

from collections.abc import Mapping

import numpy as np

from fraudwatch.config.settings import Detection
from fraudwatch.detection.arrays import by_column, by_row, frozen
from fraudwatch.detection.combine import COMBINERS, Combiner
from fraudwatch.detection.detectors import DETECTORS, Detector
from fraudwatch.detection.earned import lane_weights
from fraudwatch.detection.model import Model, detector_inputs, episode_tails, raw_scores
from fraudwatch.detection.surprise import TailTables
from fraudwatch.detection.usual import Usual
from fraudwatch.errors import TrainingError
from fraudwatch.records import FeatureSpec, FloatArray, IntArray, LaneSpec, Role

LEAST_ROWS = 100
"""With fewer the .98 quantile, above which an anchor is extreme, is one or two transactions."""

LARGEST = 1e150
"""No feature is this large; beyond it differences of values overflow."""

REFERENCE_EXACT = 2_000
REFERENCE_MOST = 20_000


def fit(
    values: FloatArray,
    specs: tuple[FeatureSpec, ...],
    settings: Detection,
    *,
    population: Mapping[str, float],
    transactions_per_day: float,
    span_ms: tuple[int, int],
    lanes: tuple[LaneSpec, ...] = (),
    maxima: FloatArray | None = None,
    composites: FloatArray | None = None,
    halves: FloatArray | None = None,
) -> Model:
    """Fit a model on a sample of feature values float64[n, f] (NaN: missing) with one spec a column.

    The same rows in any order, with the same seed and libraries, give the same model to the bit: rows are
    sorted before anything random is drawn. `transactions_per_day` is the rate of the stream the sample stands
    for, `span_ms` the event times of its first and last transaction; `maxima` float64[k, l] are the largest composites
    of k account-days, one column for each of the `lanes`. What these earn (`earned`) is told by `composites`
    float64[n, l] and `halves` float64[n] of the sample's rows; without, all have equal shares. Imports PyOD (1.5 s,
    190 MB) when detectors are wanted.

    Raises TrainingError when nothing usable can be learned: fewer than 100 rows, no anchor or one without any
    value, infinite or absurd values.
    """
    rows = np.ascontiguousarray(values, dtype=np.float64)
    _check_sample(rows, specs, settings)
    _check_circumstances(population, transactions_per_day, span_ms)
    given, rows = rows, _sorted_rows(rows)
    tables = TailTables.fit(rows, [spec.side for spec in specs])
    weights = None
    if composites is not None and halves is not None:
        counting = [i for i, spec in enumerate(specs) if spec.role is not Role.DESCRIPTIVE]
        weights = lane_weights(composites, tables.surprises(given)[:, counting], halves)
    surprises = tables.surprises(rows)
    inputs = surprises[:, detector_inputs(specs)]
    detectors = _fit_detectors(inputs, settings)
    raw = by_row(raw_scores(detectors, by_column(inputs, np.arange(inputs.shape[1]))))
    detector_specs = tuple(detector.spec for detector in detectors)
    detector_tables = TailTables.fit(raw, [spec.side for spec in detector_specs])
    reasons = np.hstack([rows, raw])
    reason_surprises = np.hstack([surprises, detector_tables.surprises(raw)])
    combiner: Combiner = COMBINERS[settings.combiner].fit(
        specs + detector_specs, reasons, reason_surprises, len(detectors)
    )
    score = combiner.combine(reasons, reason_surprises)[1]
    kept_scores, kept_positions = _kept_scores(score)
    return Model(
        specs=specs,
        tables=tables,
        detectors=detectors,
        detector_tables=detector_tables,
        combiner=combiner,
        usual=Usual.fit(np.column_stack([rows, score])),
        kept_scores=kept_scores,
        kept_positions=kept_positions,
        rows=rows.shape[0],
        population=dict(population),
        transactions_per_day=float(transactions_per_day),
        span_ms=span_ms,
        seed=settings.seed,
        lanes=lanes,
        lane_tables=episode_tails(np.empty((0, len(lanes))) if maxima is None else maxima),
        lane_weights=None if weights is None or (weights == 1.0).all() else frozen(weights, np.float64),
    )


def _fit_detectors(surprises: FloatArray, settings: Detection) -> tuple[Detector, ...]:
    """Each named detector once, in the order named."""
    return tuple(DETECTORS[name].fit(surprises, settings.seed) for name in dict.fromkeys(settings.detectors))


def _sorted_rows(rows: FloatArray) -> FloatArray:
    """Rows in lexicographic order; −0 becomes 0, so that equal rows are the same bits."""
    rows = rows + 0.0
    return np.ascontiguousarray(rows[np.lexsort(rows.T[::-1])])


def _kept_scores(score: FloatArray) -> tuple[FloatArray, IntArray]:
    """Descending scores and their positions: all of the first 2,000, evenly thinned below to 20,000 in all."""
    descending = np.sort(score)[::-1]
    exact = np.arange(min(REFERENCE_EXACT, descending.size))
    below = np.linspace(exact[-1], descending.size - 1, REFERENCE_MOST - REFERENCE_EXACT)
    kept = np.unique(np.concatenate([exact, below.round().astype(np.int64)]))
    return frozen(descending[kept], np.float64), frozen(kept, np.int64)


def _check_sample(rows: FloatArray, specs: tuple[FeatureSpec, ...], settings: Detection) -> None:
    if rows.ndim != 2 or rows.shape[1] != len(specs):
        raise TrainingError(f"Expected one column for each of {len(specs)} features, found {rows.shape}.")
    if rows.shape[0] < LEAST_ROWS:
        raise TrainingError(
            f"Fitting needs at least {LEAST_ROWS} transactions, found {rows.shape[0]}; "
            "wait for more, or train on a longer span."
        )
    unknown = [name for name in settings.detectors if name not in DETECTORS]
    if unknown:
        raise TrainingError(f"No detector {', '.join(unknown)}: expected some of {', '.join(DETECTORS)}.")
    names = [spec.name for spec in specs]
    if len(set(names) | set(DETECTORS)) != len(names) + len(DETECTORS):
        raise TrainingError(f"Features need names of their own, apart from detectors, found {names}.")
    for i, spec in enumerate(specs):
        if (np.abs(rows[:, i]) > LARGEST).any():
            raise TrainingError(
                f"Feature {spec.name!r} has infinite or absurd values; expected NaN if missing."
            )
        if spec.role is Role.ANCHOR and np.isnan(rows[:, i]).all():
            raise TrainingError(f"Anchor {spec.name!r} has no value in the sample; map the fields it needs.")
    roles = {spec.role for spec in specs}
    needed = {Role.ANCHOR} if settings.combiner == "concordance" else {Role.ANCHOR, Role.CONTEXT}
    if not roles & needed:
        raise TrainingError(
            f"The combiner {settings.combiner!r} needs an {' or '.join(sorted(needed))} feature."
        )


def _check_circumstances(
    population: Mapping[str, float], transactions_per_day: float, span_ms: tuple[int, int]
) -> None:
    absurd = [name for name, value in population.items() if not np.isfinite(value)]
    if absurd:
        raise TrainingError(f"The population's {', '.join(absurd)} should be finite numbers.")
    if not (np.isfinite(transactions_per_day) and transactions_per_day > 0):
        raise TrainingError(
            f"Expected a positive number of transactions a day, found {transactions_per_day}."
        )
    if span_ms[0] > span_ms[1]:
        raise TrainingError(f"The training span ends ({span_ms[1]}) before it begins ({span_ms[0]}).")
