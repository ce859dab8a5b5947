"""The PyOD detectors, each reduced to arrays and a compiled kernel (DESIGN D5)."""

from fraudwatch.detection.detectors.ecod import EmpiricalTails
from fraudwatch.detection.detectors.hbos import HistogramScore
from fraudwatch.detection.detectors.isolation_forest import IsolationForest
from fraudwatch.detection.detectors.knn import NearestNeighbours
from fraudwatch.detection.detectors.pca import PrincipalComponents
from fraudwatch.detection.detectors.protocol import Detector

DETECTORS: dict[str, type[Detector]] = {
    detector.spec.name: detector
    for detector in (IsolationForest, HistogramScore, PrincipalComponents, NearestNeighbours, EmpiricalTails)
}
"""Every detector a configuration may name: those that have a compiled form.

One without could only be scored by PyOD itself, at milliseconds a row, in a worker that carries PyOD, from a pickle,
which is code and not data (DESIGN D6).
"""

__all__ = [
    "DETECTORS",
    "Detector",
    "EmpiricalTails",
    "HistogramScore",
    "IsolationForest",
    "NearestNeighbours",
    "PrincipalComponents",
]
