"""What every question begins with: the simulated stream, the settings, one fitted model for all who are compared.

Everything here that knows the product's inner types is small and in one place: `chunks`, `fitted`, `ordinary_model`.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import joblib
import numpy as np
from ordinary import FEATURES, Cohort

from fraudwatch.config.loading import load
from fraudwatch.config.settings import Settings
from fraudwatch.detection import Model
from fraudwatch.pipeline import Pipeline, TrainingSample, train
from fraudwatch.records import NO_TIMESTAMP, Chunk, Role, TextField, Trait, Transactions
from fraudwatch.simulate import Plan, messages

ROOT = Path(__file__).parents[2]
CONFIGURATION = ROOT / "configs" / "simulated.yaml"

CHUNK = 2_000
"""Records folded at once: what a fetch brings of a partition, roughly."""

TRAINED_ON = 200_000
"""Records at the beginning of the stream that the model is fitted on."""


class Fitted(NamedTuple):
    """A model and the PyOD objects, by the names of their classes, that its detectors were exported from.

    `cohorts` are the mean amounts of its cohorts, by words in the place of hashes.
    """

    model: Model
    pyod: dict[str, Any]
    cohorts: dict[Cohort, float]


PYOD_CLASSES = {"isolation_forest": "IForest", "hbos": "HBOS", "pca": "PCA", "knn": "KNN", "ecod": "ECOD"}


def simulated_settings(overrides: Mapping[str, str] | None = None) -> Settings:
    """The settings for the simulated stream."""
    return load(CONFIGURATION, environ={}, overrides=overrides or {})


def chunks(values: Iterable[bytes], size: int = CHUNK, first_offset: int = 0) -> Iterator[Chunk]:
    """Bytes as one partition would bring them."""
    source, offset = iter(values), first_offset
    while taken := list(islice(source, size)):
        count = len(taken)
        yield Chunk(
            topic="transactions",
            partition=0,
            offsets=np.arange(offset, offset + count, dtype=np.int64),
            timestamps_ms=np.full(count, NO_TIMESTAMP, dtype=np.int64),
            keys=[None] * count,
            values=taken,
        )
        offset += count


def fold(pipeline: Pipeline, chunk: Chunk) -> Any:
    """One chunk into a pipeline; gives its batch."""
    return pipeline.fold(chunk)


def fitted(settings: Settings, values: Iterable[bytes]) -> Fitted:
    """A model fitted on all of these records, as `fraudwatch train` does it."""
    sample = TrainingSample(settings.training)
    pipeline = Pipeline(settings, training=sample)
    seen: dict[str, Cohort] = {}
    for chunk in chunks(values):
        seen |= cohorts_of(fold(pipeline, chunk).assessments.transactions)
    with recorded_fits() as pyod:
        model = train(settings, sample)
    return Fitted(
        model,
        pyod,
        {words: model.population[name] for name, words in seen.items() if name in model.population},
    )


def cohorts_of(transactions: Transactions) -> dict[str, Cohort]:
    """The words of each cohort, by its name in a population."""
    found: dict[str, Cohort] = {}
    for row in np.unique(transactions.cohorts, return_index=True)[1].tolist():
        traits = transactions.traits[row]
        direction = "credit" if traits & Trait.CREDIT else "debit" if traits & Trait.DEBIT else None
        found[f"cohort_{transactions.cohorts[row]:013x}"] = (
            direction,
            transactions.text_of(row, TextField.CHANNEL),
            transactions.text_of(row, TextField.CATEGORY),
        )
    return found


def stream(plan: Plan, records: int | None = None) -> Iterator[bytes]:
    """The values of a simulated stream."""
    return islice((message.value for message in messages(plan)), records)


@contextmanager
def recorded_fits() -> Iterator[dict[str, Any]]:
    """The PyOD objects fitted inside, by the name of their class."""
    from pyod.models.ecod import ECOD  # noqa: PLC0415 (1.5 s: only where fitting happens)
    from pyod.models.hbos import HBOS  # noqa: PLC0415
    from pyod.models.iforest import IForest  # noqa: PLC0415
    from pyod.models.knn import KNN  # noqa: PLC0415
    from pyod.models.pca import PCA  # noqa: PLC0415

    found: dict[str, Any] = {}

    def recording(original: Any) -> Any:
        def fit(self: Any, rows: Any, y: Any = None) -> Any:
            found[type(self).__name__] = self
            return original(self, rows, y)

        return fit

    with ExitStack() as stack:
        for detector in (ECOD, HBOS, IForest, KNN, PCA):
            stack.enter_context(mock.patch.object(detector, "fit", recording(detector.fit)))
        yield found


def ordinary_model(fit: Fitted, records_per_day: float, alerts_per_day: float) -> Any:
    """The same model for `ordinary.Model.read`, as plain arrays and PyOD objects.

    Its edge is the score that so many of the training sample's exceed. Raises ValueError where the product judges by a
    feature that `ordinary` does not have.
    """
    model = fit.model
    judged = {spec.name: i for i, spec in enumerate(model.specs) if spec.role is not Role.DESCRIPTIVE}
    if set(judged) != set(FEATURES):
        raise ValueError(f"ordinary.py computes {sorted(FEATURES)}, the product judges by {sorted(judged)}")
    features = [
        _plain(name, model.tables, judged[name], _lifts(model, judged[name]), None) for name in FEATURES
    ]
    first = len(model.specs)
    detectors = [
        _plain(name, model.detector_tables, i, _lifts(model, first + i), fit.pyod[PYOD_CLASSES[name]])
        for i, name in enumerate(detector.spec.name for detector in model.detectors)
    ]
    edge = float(np.quantile(model.reference, 1.0 - alerts_per_day / records_per_day))
    return features, detectors, dict(model.population), edge, fit.cohorts


def write_ordinary_model(path: Path, plain: Any) -> None:
    """Into a file for `ordinary.Model.read`."""
    joblib.dump(plain, path)


def _plain(name: str, tables: Any, index: int, lifts: Any, pyod: Any) -> Any:
    rows = slice(tables.start[index], tables.start[index + 1])
    side = ("high", "low", "rare")[tables.sides[index]]
    table = (
        side,
        np.array(tables.knots[rows]),
        np.array(tables.levels[rows]),
        float(tables.slopes[index]),
        float(tables.ceilings[index]),
    )
    return name, table, lifts, pyod


def _lifts(model: Model, reason: int) -> Any:
    """Cuts and lifts of a context, None of an anchor."""
    combiner: Any = model.combiner
    if model.reason_specs[reason].role is Role.ANCHOR:
        return None
    begin, end = combiner.start[reason], combiner.start[reason + 1]
    return np.array(combiner.cuts[begin:end]), np.array(combiner.lifts[begin + reason : end + reason + 1])
