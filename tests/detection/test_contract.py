"""The contract suite, tried on detectors that are wrong on purpose."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pytest

from fraudwatch.detection import contract
from fraudwatch.detection.arrays import ArrayReader, Arrays
from fraudwatch.detection.detectors import Detector
from fraudwatch.detection.detectors.protocol import checked_columns, profile_reason
from fraudwatch.records import FeatureSpec, FloatArray, Text


@dataclass(frozen=True)
class Distance:
    """Right: distance to the training mean."""

    centre: FloatArray

    spec: ClassVar[FeatureSpec] = profile_reason("distance", "DISTANCE", Text(en="far", fr="loin"))

    @classmethod
    def fit(cls, surprises: FloatArray, seed: int) -> Self:
        return cls(surprises.mean(axis=0) + np.random.default_rng(seed).normal(size=surprises.shape[1]))

    def score(self, surprises: FloatArray) -> FloatArray:
        return self.score_columns(checked_columns(surprises, self.centre.size))

    def score_columns(self, columns: FloatArray) -> FloatArray:
        return np.array([float(np.abs(row - self.centre).sum()) for row in columns.T])

    def arrays(self) -> Arrays:
        return {"centre": self.centre}

    @classmethod
    def load(cls, reader: ArrayReader, width: int) -> Self:
        return cls(reader.take("centre", np.float64, (width,)))


class Transductive(Distance):
    def score(self, surprises: FloatArray) -> FloatArray:
        distances = super().score(surprises)
        return np.argsort(np.argsort(distances)) / distances.size


class LessPreciseAlone(Distance):
    def score(self, surprises: FloatArray) -> FloatArray:
        distances = super().score(surprises)
        return distances if distances.size > 1 else distances.astype(np.float32).astype(np.float64)


class CoarserByColumns(Distance):
    def score_columns(self, columns: FloatArray) -> FloatArray:
        return super().score_columns(columns).round(9)

    def score(self, surprises: FloatArray) -> FloatArray:
        return super().score_columns(checked_columns(surprises, self.centre.size))


class DependsOnOrder(Distance):
    def score(self, surprises: FloatArray) -> FloatArray:
        distances = super().score(surprises)
        return distances if distances.size == 1 else np.maximum.accumulate(distances)


class AcceptsNaN(Distance):
    def score(self, surprises: FloatArray) -> FloatArray:
        if surprises.shape[1] != self.centre.size:
            raise ValueError
        return super().score(np.nan_to_num(surprises))


class Unseeded(Distance):
    @classmethod
    def fit(cls, surprises: FloatArray, seed: int) -> Self:
        return super().fit(surprises, np.random.default_rng().integers(1_000_000))


class DrawsWhileScoring(Distance):
    def score(self, surprises: FloatArray) -> FloatArray:
        return super().score(surprises) + np.random.default_rng().normal(size=surprises.shape[0])


class LosesPrecision(Distance):
    def arrays(self) -> Arrays:
        return {"centre": self.centre.astype(np.float32).astype(np.float64)}


class TakesAnyWidth(Distance):
    def score(self, surprises: FloatArray) -> FloatArray:
        common = min(surprises.shape[1], self.centre.size)
        columns = checked_columns(surprises, surprises.shape[1])[:common]
        return np.array([float(np.abs(row - self.centre[:common]).sum()) for row in columns.T])


class LoadsAnyWidth(Distance):
    @classmethod
    def load(cls, reader: ArrayReader, width: int) -> Self:
        return cls(reader.take("centre", np.float64, (None,)))


def test_a_right_detector_passes() -> None:
    assert list(contract.violations(Distance)) == []


@pytest.mark.parametrize(
    ("kind", "caught_by"),
    [
        (Transductive, contract.score_alone_equals_score_in_any_batch),
        (LessPreciseAlone, contract.score_alone_equals_score_in_any_batch),
        (CoarserByColumns, contract.columns_score_as_rows_do),
        (DependsOnOrder, contract.order_does_not_matter),
        (AcceptsNaN, contract.nan_is_refused),
        (Unseeded, contract.deterministic_for_a_seed),
        (DrawsWhileScoring, contract.scoring_twice_is_the_same),
        (LosesPrecision, contract.saved_and_loaded_is_the_same),
        (TakesAnyWidth, contract.another_width_is_refused),
        (LoadsAnyWidth, contract.another_width_is_refused),
    ],
)
def test_a_wrong_detector_is_caught(kind: type[Detector], caught_by: contract.Check) -> None:
    assert caught_by.__name__ in contract.violations(kind)


@pytest.mark.parametrize("kind", [AcceptsNaN, Unseeded, LosesPrecision, LoadsAnyWidth])
def test_a_detector_wrong_in_one_way_fails_one_check(kind: type[Detector]) -> None:
    assert len(list(contract.violations(kind))) == 1
