"""The PyOD detectors, each reduced to arrays and a compiled kernel (DESIGN D5)."""

from fraudwatch.detection.detectors.hbos import HistogramScore
from fraudwatch.detection.detectors.isolation_forest import IsolationForest
from fraudwatch.detection.detectors.pca import PrincipalComponents
from fraudwatch.detection.detectors.protocol import Detector

DETECTORS: dict[str, type[Detector]] = {
    detector.spec.name: detector for detector in (IsolationForest, HistogramScore, PrincipalComponents)
}
"""Every detector a configuration may name."""

__all__ = ["DETECTORS", "Detector", "HistogramScore", "IsolationForest", "PrincipalComponents"]
