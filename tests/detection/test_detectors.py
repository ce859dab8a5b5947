"""Each detector equals the PyOD model it was fitted as, and the whole contract suite holds for each."""

from typing import Any

import numpy as np
import pytest
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.pca import PCA

from fraudwatch.detection import contract
from fraudwatch.detection.arrays import ArrayReader
from fraudwatch.detection.detectors import (
    DETECTORS,
    Detector,
    HistogramScore,
    IsolationForest,
    PrincipalComponents,
)
from fraudwatch.errors import ArtefactError
from fraudwatch.records import FloatArray

SEED = 11


def training() -> FloatArray:
    rows = np.random.default_rng(5).exponential(0.43, (5_000, 6))
    rows[:, 2] = np.round(rows[:, 2], 1)
    rows[:, 3] = 0.0
    return np.ascontiguousarray(rows)


def asked(edges: FloatArray) -> FloatArray:
    """20,000 rows: at training values, at `edges` float64[k, 6] and a hair beside, and far beyond."""
    random = np.random.default_rng(6)
    at_edges = edges[random.integers(0, edges.shape[0], (5_000, 6)), np.arange(6)]
    beside = np.nextafter(at_edges, np.where(random.random((5_000, 6)) < 0.5, -np.inf, np.inf))
    beyond = random.uniform(-2.0, 20.0, (5_000, 6))
    return np.concatenate([training(), at_edges, beside, beyond])


def assert_equals(detector: Detector, theirs: Any, rows: FloatArray) -> None:
    assert rows.shape[0] == 20_000
    np.testing.assert_allclose(detector.score(rows), theirs.decision_function(rows), rtol=0, atol=1e-9)


def test_isolation_forest_equals_pyod_even_at_its_thresholds() -> None:
    theirs = IForest(n_estimators=100, random_state=SEED, n_jobs=1).fit(training())
    thresholds = [tree.tree_.threshold[tree.tree_.feature >= 0] for tree in theirs.estimators_]
    edges = np.repeat(np.concatenate(thresholds).reshape(-1, 1), 6, axis=1)
    assert_equals(IsolationForest.fit(training(), SEED), theirs, asked(edges))


def test_hbos_equals_pyod_even_at_the_edges_of_its_bins() -> None:
    theirs = HBOS().fit(training())
    reach = 0.5 * np.diff(theirs.bin_edges_, axis=0)
    edges = np.concatenate(
        [theirs.bin_edges_, theirs.bin_edges_[:1] - reach[:1], theirs.bin_edges_[-1:] + reach[-1:]]
    )
    assert_equals(HistogramScore.fit(training(), SEED), theirs, asked(edges))


def test_pca_equals_pyod() -> None:
    theirs = PCA(n_components=5, random_state=SEED).fit(training())
    assert_equals(PrincipalComponents.fit(training(), SEED), theirs, asked(training()))


def test_pca_leaves_out_columns_that_repeat_others() -> None:
    rows = training()[:, [0, 1, 0]]
    assert PrincipalComponents.fit(rows, SEED).shares.size == 2


@pytest.mark.parametrize("kind", DETECTORS.values(), ids=DETECTORS)
def test_a_sample_without_any_variation_can_be_fitted(kind: type[Detector]) -> None:
    detector = kind.fit(np.ones((200, 3)), SEED)
    assert np.isfinite(detector.score(np.array([[1.0, 1.0, 1.0], [0.0, 5.0, 20.0]]))).all()


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", DETECTORS.values(), ids=DETECTORS)
def test_every_detector_keeps_the_contract(kind: type[Detector], check: contract.Check) -> None:
    check(kind)


def test_the_name_of_a_detector_is_that_of_its_reason() -> None:
    assert list(DETECTORS) == [kind.spec.name for kind in DETECTORS.values()]
    assert len({kind.spec.code for kind in DETECTORS.values()}) == len(DETECTORS)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("columns", np.full((100, 255), 6, dtype=np.uint8)),
        ("columns", np.zeros((100, 254), dtype=np.uint8)),
        ("columns", np.zeros((100, 255), dtype=np.int64)),
        ("thresholds", np.zeros((99, 255), dtype=np.float32)),
        ("lengths", np.zeros((100, 255))),
        ("scale", np.array([5.0, 1.0, 0.0])),
        ("scale", np.array([6.0, 0.0, 0.0])),
    ],
)
def test_a_forest_that_a_kernel_could_not_walk_is_refused(name: str, wrong: Any) -> None:
    arrays = IsolationForest.fit(training(), SEED).arrays()
    with pytest.raises(ArtefactError, match=name):
        IsolationForest.load(ArrayReader(arrays | {name: wrong}), 6)
