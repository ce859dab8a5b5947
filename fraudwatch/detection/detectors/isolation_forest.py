"""Isolation forest (Liu, Ting & Zhou 2008), fitted by PyOD over scikit-learn, as perfect binary trees.

A tree of depth d is laid out as 2^d − 1 inner nodes, the children of i at 2i + 1 and 2i + 2, and 2^d leaves.
Where the fitted tree ends earlier, the nodes below send everything the same way to copies of its leaf: a walk
is d comparisons without a test for the end. The first four of them are answered for all trees at once: a row's place
among the thresholds of a column says of 15 nodes a tree which of them it is above (after QuickScorer: Lucchese et al.
2015), and the answers of the columns are put together by `or`.

scikit-learn compares float32 inputs with float64 thresholds. A float32 x is ≤ t exactly when it is ≤ t
rounded down to float32, so the thresholds are stored that way and equality with PyOD is exact up to the last
power of two.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from fraudwatch.compiled import compiled
from fraudwatch.detection.arrays import AnyArray, ArrayReader, Arrays, frozen, reject_unless
from fraudwatch.detection.detectors.protocol import checked_columns, profile_reason
from fraudwatch.detection.lookup import count_below
from fraudwatch.errors import TrainingError
from fraudwatch.records import ByteArray, FeatureSpec, FloatArray, IntArray, SmallIntArray, Text

TREES = 100
MOST_COLUMNS = 256
FIRST_LEVELS = 4
"""Their 15 nodes are what 16 bits can answer to."""

ROWS = 128
"""At a time: their nodes after the first levels, 200 bytes a row, stay in the first-level cache."""

MOST_TREES = 1_000
MOST_LEVELS = 16
"""scikit-learn's 256 rows a tree give 8 levels; a stranger's artefact may not ask for gigabytes."""


@dataclass(frozen=True)
class IsolationForest:
    """`columns` uint8 and `thresholds` float32 [trees, 2^d − 1]; `lengths` float64[trees, 2^d] are path lengths.

    `scale` float64[3]: width of a row, trees × expected path length, and scikit-learn's offset.
    """

    columns: ByteArray
    thresholds: AnyArray
    lengths: FloatArray
    scale: FloatArray

    spec: ClassVar[FeatureSpec] = profile_reason(
        "isolation_forest",
        "IFOREST",
        Text(
            en="The combination of signals is unlike what is usual here.",
            fr="La combinaison des signaux sort de l’ordinaire.",
        ),
    )

    @classmethod
    def fit(cls, surprises: FloatArray, seed: int) -> Self:
        """100 trees of 256 rows each, PyOD's defaults. At most 256 columns: their numbers are bytes."""
        if surprises.shape[1] > MOST_COLUMNS:
            raise TrainingError(
                f"The isolation forest takes {MOST_COLUMNS} context features at most, "
                f"found {surprises.shape[1]}; make some of them descriptive."
            )
        from pyod.models.iforest import IForest  # noqa: PLC0415 (1.5 s and 190 MB: only where fitting happens)

        forest = IForest(n_estimators=TREES, random_state=seed, n_jobs=1)
        forest.fit(surprises)
        return cls._export(forest, surprises.shape[1])

    @classmethod
    def _export(cls, forest: Any, width: int) -> Self:
        depth = max(tree.tree_.max_depth for tree in forest.estimators_)
        laid_out = [
            _perfect_tree(tree.tree_, features, depth)
            for tree, features in zip(forest.estimators_, forest.estimators_features_, strict=True)
        ]
        expected = len(laid_out) * float(_average_path_length(np.array([float(forest.max_samples_)]))[0])
        return cls(
            columns=frozen([columns for columns, _, _ in laid_out], np.uint8),
            thresholds=frozen([thresholds for _, thresholds, _ in laid_out], np.float32),
            lengths=frozen([lengths for _, _, lengths in laid_out], np.float64),
            scale=frozen([width, expected, forest.offset_], np.float64),
        )

    def score(self, surprises: FloatArray) -> FloatArray:
        """PyOD's decision_function: 2^(−mean path length / expected) plus the offset."""
        return self.score_columns(checked_columns(surprises, int(self.scale[0])))

    def score_columns(self, columns: FloatArray) -> FloatArray:
        """The same, unchecked, for float64[c, n]."""
        out = np.empty(columns.shape[1])
        keys = _keys(columns.astype(np.float32))
        by_rows = np.ascontiguousarray(keys.T)
        _walk(keys, by_rows, *self._first_answers, self._questions, self.lengths, self.scale, out)
        return out

    @cached_property
    def _first_answers(self) -> tuple[int, IntArray, SmallIntArray, AnyArray]:
        return _answers(self.columns, _keys(self.thresholds), int(self.scale[0]))

    @cached_property
    def _questions(self) -> IntArray:
        """What each inner node asks, int64[trees, 2^d − 1]: the key of its threshold, in the last byte its column."""
        return (_keys(self.thresholds).astype(np.int64) << 32) | self.columns

    def arrays(self) -> Arrays:
        """All there is to it, by name."""
        return {
            "columns": self.columns,
            "thresholds": self.thresholds,
            "lengths": self.lengths,
            "scale": self.scale,
        }

    @classmethod
    def load(cls, reader: ArrayReader, width: int) -> Self:
        """From `arrays()`; raises ArtefactError where they do not fit rows of `width`."""
        columns = reader.take("columns", np.uint8, (None, None))
        trees, inner = columns.shape
        levels = (inner + 1).bit_length() - 1
        reject_unless(inner + 1 == 2**levels and levels <= MOST_LEVELS, "columns", "perfect binary trees")
        reject_unless(trees <= MOST_TREES, "columns", f"at most {MOST_TREES} trees")
        in_range = bool((columns < width).all())
        reject_unless(in_range, "columns", f"columns under {width}")
        scale = reader.take("scale", np.float64, (3,))
        reject_unless(
            scale[0] == width and scale[1] > 0.0, "scale", f"the width {width} and a positive length"
        )
        lengths = reader.take("lengths", np.float64, (trees, inner + 1))
        reject_unless(bool((lengths >= 0.0).all()), "lengths", "path lengths of 0 or more")
        return cls(
            columns=columns,
            thresholds=reader.take("thresholds", np.float32, (trees, inner)),
            lengths=lengths,
            scale=scale,
        )


def _answers(
    columns: ByteArray, keys: SmallIntArray, width: int
) -> tuple[int, IntArray, SmallIntArray, AnyArray]:
    """What a row's place among the thresholds of a column answers to the first nodes of all trees.

    From `columns` and `keys` of the nodes [trees, 2^d − 1]: how many levels that is for; where each column's distinct
    keys begin, int64[width+1], in all of them, int32[k]; and uint16[k+width, trees], one row more a column than it has
    keys: bit i is set where a value that has so many of the keys below it is above the threshold of node i.
    """
    levels = min(FIRST_LEVELS, (columns.shape[1] + 1).bit_length() - 1)
    nodes = 2**levels - 1
    cuts, answers = [], []
    for column in range(width):
        asks = columns[:, :nodes] == column
        cuts.append(np.unique(keys[:, :nodes][asks]))
        places = np.searchsorted(cuts[-1], keys[:, :nodes])
        below = np.arange(cuts[-1].size + 1).reshape(-1, 1)
        answers.append(np.zeros((below.size, len(columns)), np.uint16))
        for node in range(nodes):
            is_above = asks[:, node] & (below > places[:, node])
            answers[-1] |= is_above.astype(np.uint16) << np.uint16(node)
    start = np.cumsum([0, *(own.size for own in cuts)])
    return levels, start, np.concatenate(cuts), np.concatenate(answers)


def _keys(numbers: AnyArray) -> SmallIntArray:
    """The bits of float32 as int32, turned so that they compare as the numbers do (−0 as 0)."""
    bits = (numbers + np.float32(0.0)).view(np.int32)
    return bits ^ ((bits >> 31) & 0x7FFFFFFF)


def _perfect_tree(tree: Any, features: IntArray, depth: int) -> tuple[ByteArray, AnyArray, FloatArray]:
    """One scikit-learn tree as (columns, thresholds, path lengths) of a perfect tree of `depth` levels."""
    inner = 2**depth - 1
    columns = np.zeros(inner, dtype=np.uint8)
    thresholds = np.zeros(inner, dtype=np.float32)
    lengths = np.zeros(inner + 1)
    leaf_lengths = _average_path_length(tree.n_node_samples.astype(np.float64))
    # (fitted node, its place, its depth); a leaf goes on downwards as itself on both sides.
    waiting = [(0, 0, 0)]
    while waiting:
        node, place, level = waiting.pop()
        is_leaf = tree.children_left[node] == -1
        if place >= inner:
            lengths[place - inner] = level + leaf_lengths[node]
            continue
        if is_leaf:
            waiting += [(node, 2 * place + 1, level), (node, 2 * place + 2, level)]
            continue
        columns[place] = features[tree.feature[node]]
        thresholds[place] = _rounded_down(tree.threshold[node])
        waiting.append((tree.children_left[node], 2 * place + 1, level + 1))
        waiting.append((tree.children_right[node], 2 * place + 2, level + 1))
    return columns, thresholds, lengths


def _rounded_down(threshold: float) -> np.float32:
    nearest = np.float32(threshold)
    return np.nextafter(nearest, np.float32(-np.inf)) if float(nearest) > threshold else nearest


def _average_path_length(rows: FloatArray) -> FloatArray:
    """Expected path length of an isolation tree over so many rows (Liu et al. 2008, equation 1)."""
    many = np.maximum(rows, 3.0)
    lengths = 2.0 * (np.log(many - 1.0) + np.euler_gamma) - 2.0 * (many - 1.0) / many
    return np.where(rows <= 1.0, 0.0, np.where(rows == 2.0, 1.0, lengths))


@compiled
def _walk(
    keys: SmallIntArray,
    by_rows: SmallIntArray,
    first_levels: int,
    start: IntArray,
    cuts: SmallIntArray,
    answers: AnyArray,
    questions: IntArray,
    lengths: FloatArray,
    scale: FloatArray,
    out: FloatArray,
) -> None:
    """`keys` int32[c, n] and the same `by_rows` int32[n, c]; the others as `_answers` and `_questions` give them."""
    trees, inner = questions.shape
    places = np.empty((keys.shape[0], ROWS), np.int64)
    told = np.empty(trees, np.uint16)
    first_nodes = np.empty((ROWS, trees), np.uint16)
    nodes = np.empty(ROWS, np.uint64)
    for begin in range(0, keys.shape[1], ROWS):
        asked = by_rows[begin : begin + ROWS]
        totals = out[begin : begin + ROWS]
        totals[:] = 0.0
        for column in range(keys.shape[0]):
            first = start[column]
            count_below(cuts, first, start[column + 1], keys[column, begin : begin + ROWS], places[column])
            places[column] += first + column
        for row in range(totals.shape[0]):
            _descend_at_once(places[:, row], answers, first_levels, told, first_nodes[row])
        for tree in range(trees):
            own_questions = questions[tree]
            own_lengths = lengths[tree]
            for row in range(totals.shape[0]):
                nodes[row] = first_nodes[row, tree]
            # All rows go down together, without branches: their steps do not wait for one another.
            level_end = 2**first_levels - 1
            while level_end < inner:
                for row in range(totals.shape[0]):
                    node = nodes[row]
                    question = own_questions[node]
                    is_above = asked[row, np.uint64(question & 0xFF)] > question >> 32
                    nodes[row] = node + node + np.uint64(1) + np.uint64(is_above)
                level_end = 2 * level_end + 1
            for row in range(totals.shape[0]):
                totals[row] += own_lengths[nodes[row] - np.uint64(inner)]
        for row in range(totals.shape[0]):
            # Of 2.0 ** x LLVM makes exp2, whose last bit is not always that of plain Python's pow.
            totals[row] = math.exp2(-totals[row] / scale[1]) + scale[2]


@compiled
def _descend_at_once(
    places: IntArray, answers: AnyArray, levels: int, told: AnyArray, nodes: AnyArray
) -> None:
    """The node each tree leads one row to, uint16[trees], after so many levels; the same step of all trees at once."""
    told[:] = 0
    nodes[:] = 0
    for column in range(places.shape[0]):
        more = answers[places[column]]
        for tree in range(nodes.shape[0]):
            told[tree] |= more[tree]
    for _ in range(levels):
        for tree in range(nodes.shape[0]):
            node = nodes[tree]
            nodes[tree] = node + node + np.uint16(1) + ((told[tree] >> node) & np.uint16(1))
