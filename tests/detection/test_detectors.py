"""Each detector equals the PyOD model it was fitted as, and the whole contract suite holds for each."""

from typing import Any

import numpy as np
import pytest
from pyod.models.ecod import ECOD
from pyod.models.hbos import HBOS
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.lof import LOF
from pyod.models.ocsvm import OCSVM
from pyod.models.pca import PCA

from fraudwatch.detection import contract
from fraudwatch.detection.arrays import ArrayReader
from fraudwatch.detection.detectors import (
    DETECTORS,
    UNCOMPILED,
    Detector,
    EmpiricalTails,
    HistogramScore,
    IsolationForest,
    LocalOutlierFactor,
    NearestNeighbours,
    OneClassMachine,
    PrincipalComponents,
)
from fraudwatch.detection.detectors.protocol import drawn
from fraudwatch.errors import ArtefactError
from fraudwatch.records import FloatArray

SEED = 11


def training() -> FloatArray:
    rows = np.random.default_rng(5).exponential(0.43, (5_000, 6))
    rows[:, 2] = np.round(rows[:, 2], 1)
    rows[:, 3] = 0.0
    return np.ascontiguousarray(rows)


def asked(edges: FloatArray) -> FloatArray:
    """100,000 rows: at training values, at `edges` float64[k, 6] and a hair beside, and far beyond."""
    random = np.random.default_rng(6)
    at_edges = edges[random.integers(0, edges.shape[0], (25_000, 6)), np.arange(6)]
    beside = np.nextafter(at_edges, np.where(random.random((25_000, 6)) < 0.5, -np.inf, np.inf))
    beyond = random.uniform(-2.0, 20.0, (45_000, 6))
    return np.concatenate([training(), at_edges, beside, beyond])


def assert_equals(detector: Detector, expected: FloatArray, threshold: float, rows: FloatArray) -> None:
    """Scores within 1e-9 of PyOD's, and on the same side of PyOD's threshold."""
    assert rows.shape[0] == 100_000
    found = detector.score(rows)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    assert ((found > threshold) == (expected > threshold)).all()


def assert_equals_pyod(detector: Detector, theirs: Any, rows: FloatArray) -> None:
    assert_equals(detector, theirs.decision_function(rows), theirs.threshold_, rows)


def test_isolation_forest_equals_pyod_even_at_its_thresholds() -> None:
    theirs = IForest(n_estimators=100, random_state=SEED, n_jobs=1).fit(training())
    thresholds = [tree.tree_.threshold[tree.tree_.feature >= 0] for tree in theirs.estimators_]
    edges = np.repeat(np.concatenate(thresholds).reshape(-1, 1), 6, axis=1)
    assert_equals_pyod(IsolationForest.fit(training(), SEED), theirs, asked(edges))


def walked(forest: IsolationForest, rows: FloatArray) -> FloatArray:
    """One comparison after the other, from the arrays of an artefact."""
    totals = np.zeros(len(rows))
    for columns, thresholds, lengths in zip(forest.columns, forest.thresholds, forest.lengths, strict=True):
        node = np.zeros(len(rows), dtype=np.int64)
        while node[0] < columns.size:
            node = (
                2 * node
                + 1
                + (rows[np.arange(len(rows)), columns[node]].astype(np.float32) > thresholds[node])
            )
        totals += lengths[node - columns.size]
    return 2.0 ** (-totals / forest.scale[1]) + forest.scale[2]


@pytest.mark.parametrize("levels", range(8))
@pytest.mark.parametrize("trees", [1, 3, 100])
def test_a_forest_of_any_depth_is_walked_node_by_node(levels: int, trees: int) -> None:
    random = np.random.default_rng(levels)
    thresholds = random.integers(-4, 5, (trees, 2**levels - 1)) / np.float32(2)
    thresholds[thresholds == 1.0] = -0.0
    forest = IsolationForest(
        columns=random.integers(0, 3, thresholds.shape).astype(np.uint8),
        thresholds=thresholds.astype(np.float32),
        lengths=random.random((trees, 2**levels)),
        scale=np.array([3.0, 5.0 * trees, -0.5]),
    )
    rows = random.integers(-9, 10, (700, 3)) / 4
    np.testing.assert_allclose(forest.score(rows), walked(forest, rows), rtol=0, atol=1e-12)


def test_hbos_equals_pyod_even_at_the_edges_of_its_bins() -> None:
    theirs = HBOS().fit(training())
    reach = 0.5 * np.diff(theirs.bin_edges_, axis=0)
    edges = np.concatenate(
        [theirs.bin_edges_, theirs.bin_edges_[:1] - reach[:1], theirs.bin_edges_[-1:] + reach[-1:]]
    )
    assert_equals_pyod(HistogramScore.fit(training(), SEED), theirs, asked(edges))


def test_pca_equals_pyod() -> None:
    theirs = PCA(n_components=5, random_state=SEED).fit(training())
    assert_equals_pyod(PrincipalComponents.fit(training(), SEED), theirs, asked(training()))


def test_nearest_neighbours_equal_pyod() -> None:
    theirs = KNN(n_neighbors=5, algorithm="ball_tree").fit(drawn(training(), 2_000, SEED))
    assert_equals_pyod(NearestNeighbours.fit(training(), SEED), theirs, asked(training()))


@pytest.mark.parametrize("rows", [5, 63, 64, 65, 300])
def test_nearest_neighbours_of_few_rows_equal_a_look_at_all_of_them(rows: int) -> None:
    few, queries = training()[:rows], asked(training())[::997]
    distances = np.sqrt(((queries[:, None, :] - few[None, :, :]) ** 2).sum(axis=2))
    detector = NearestNeighbours(np.ascontiguousarray(few.T))
    np.testing.assert_allclose(detector.score(queries), np.sort(distances, axis=1)[:, 4], rtol=0, atol=1e-9)


def test_what_has_no_compiled_form_is_pyod_itself_and_says_the_same_of_a_row_alone() -> None:
    rows = asked(training())[::199]
    for kind, theirs in (
        (LocalOutlierFactor, LOF(n_neighbors=20, algorithm="ball_tree")),
        (OneClassMachine, OCSVM()),
    ):
        theirs.fit(drawn(training(), 2_000, SEED))
        found = kind.fit(training(), SEED).score(rows)
        assert found.tobytes() == theirs.decision_function(rows).tobytes()
        assert found[::10].tobytes() == alone(theirs, rows[::10]).tobytes()


@pytest.mark.parametrize("kind", UNCOMPILED.values(), ids=UNCOMPILED)
def test_a_pyod_that_makes_something_else_of_the_same_rows_is_refused(kind: type[Detector]) -> None:
    arrays = kind.fit(training(), SEED).arrays()
    with pytest.raises(ArtefactError, match=f"another {kind.spec.name} .* version its manifest names"):
        kind.load(ArrayReader(arrays | {"told": arrays["told"] + 1e-6}), 6)


def alone(theirs: Any, rows: FloatArray) -> FloatArray:
    return np.array([theirs.decision_function(row.reshape(1, -1))[0] for row in rows])


def from_the_definition(trained: FloatArray, rows: FloatArray) -> FloatArray:
    """Li et al. 2022: both tails of each column with the row counted in, the rarer one."""
    total = np.zeros(rows.shape[0])
    for column, values in zip(trained.T, rows.T, strict=True):
        ascending = np.sort(column)
        at_most = np.searchsorted(ascending, values, side="right")
        at_least = column.size - np.searchsorted(ascending, values, side="left")
        total += -np.log((1 + np.minimum(at_most, at_least)) / (column.size + 1))
    return total


@pytest.mark.filterwarnings("ignore:Precision loss occurred:RuntimeWarning")  # scipy, of the constant column
def test_frozen_ecod_equals_what_pyod_says_of_a_row_alone() -> None:
    trained = training()[:1_000]
    rows = np.concatenate([trained[:50], asked(training())[::700], np.zeros((1, 6)), np.full((1, 6), 20.0)])
    expected = alone(ECOD().fit(trained), rows)
    np.testing.assert_allclose(from_the_definition(trained, rows), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(EmpiricalTails.fit(trained, SEED).score(rows), expected, rtol=0, atol=1e-9)


@pytest.mark.filterwarnings("ignore:Precision loss occurred:RuntimeWarning")
def test_frozen_ecod_equals_its_definition() -> None:
    threshold = ECOD().fit(training()).threshold_
    rows = asked(training())
    assert_equals(
        EmpiricalTails.fit(training(), SEED), from_the_definition(training(), rows), threshold, rows
    )


def test_a_burst_does_not_hide_in_its_own_batch_from_frozen_ecod() -> None:
    detector, strange = EmpiricalTails.fit(training(), SEED), np.full((2_048, 6), 15.0)
    assert (detector.score(strange) == detector.score(strange[:1])).all()


@pytest.mark.parametrize(("kind", "most"), [(NearestNeighbours, 2_000), (EmpiricalTails, 10_000)])
def test_of_a_large_sample_a_bounded_part_is_kept(kind: type[Detector], most: int) -> None:
    rows = np.random.default_rng(2).exponential(0.43, (most + 500, 2))
    arrays = kind.fit(rows, SEED).arrays()
    assert max(array.size for array in arrays.values()) <= 2 * most + 2
    kept = arrays["columns"][0] if kind is NearestNeighbours else arrays["knots"][: arrays["start"][1]]
    assert kept.size == most
    assert np.isin(kept, rows[:, 0]).all()


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
        ("columns", np.zeros((1_001, 1), dtype=np.uint8)),
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


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("columns", np.zeros((6, 4))),
        ("columns", np.zeros((6, 2_001))),
        ("columns", np.zeros((5, 300))),
        ("columns", np.full((6, 300), 1e200)),
        ("columns", np.full((6, 300), np.nan)),
        ("columns", np.zeros((6, 300), dtype=np.float32)),
    ],
)
def test_neighbours_that_a_kernel_could_not_measure_are_refused(name: str, wrong: Any) -> None:
    arrays = NearestNeighbours.fit(training(), SEED).arrays()
    with pytest.raises(ArtefactError, match=name):
        NearestNeighbours.load(ArrayReader(arrays | {name: wrong}), 6)


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("start", lambda array: array[:-1]),
        ("start", lambda array: array - 1),
        ("start", lambda array: array * 2),
        ("start", lambda array: array[[0, 2, 1, 3, 4, 5, 6]]),
        ("start", lambda array: array[[0, 0, 2, 3, 4, 5, 6]]),
        ("knots", lambda array: array[::-1]),
        ("knots", lambda array: array * np.nan),
        ("at", lambda array: array[:-1]),
        ("at", lambda array: array - 9.0),
        ("between", lambda array: array[:-1]),
        ("between", lambda array: array + 1e9),
    ],
)
def test_tails_that_a_kernel_could_not_read_are_refused(name: str, spoil: Any) -> None:
    arrays = EmpiricalTails.fit(training(), SEED).arrays()
    with pytest.raises(ArtefactError, match=name):
        EmpiricalTails.load(ArrayReader(arrays | {name: spoil(arrays[name])}), 6)
