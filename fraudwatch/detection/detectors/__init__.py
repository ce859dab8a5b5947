"""The PyOD detectors, each reduced to arrays; all but two of them scored by a compiled kernel (DESIGN D5)."""

from fraudwatch.detection.detectors.ecod import EmpiricalTails
from fraudwatch.detection.detectors.hbos import HistogramScore
from fraudwatch.detection.detectors.isolation_forest import IsolationForest
from fraudwatch.detection.detectors.knn import NearestNeighbours
from fraudwatch.detection.detectors.pca import PrincipalComponents
from fraudwatch.detection.detectors.protocol import Detector
from fraudwatch.detection.detectors.uncompiled import LocalOutlierFactor, OneClassMachine

COMPILED: dict[str, type[Detector]] = {
    detector.spec.name: detector
    for detector in (IsolationForest, HistogramScore, PrincipalComponents, NearestNeighbours, EmpiricalTails)
}

UNCOMPILED: dict[str, type[Detector]] = {
    detector.spec.name: detector for detector in (LocalOutlierFactor, OneClassMachine)
}
"""Those that PyOD itself scores; a worker says so when it takes one up."""

DETECTORS = COMPILED | UNCOMPILED
"""Every detector a configuration may name."""

__all__ = [
    "COMPILED",
    "DETECTORS",
    "UNCOMPILED",
    "Detector",
    "EmpiricalTails",
    "HistogramScore",
    "IsolationForest",
    "LocalOutlierFactor",
    "NearestNeighbours",
    "OneClassMachine",
    "PrincipalComponents",
]
