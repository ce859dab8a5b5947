"""From feature values to a score with reasons (DESIGN D4 to D6): fit a model, score with it, keep it as data.

Surprises of features, PyOD detectors over them, and a combiner. Scoring imports neither PyOD nor scikit-learn.
"""

from fraudwatch.detection.artefact import Artefact, changed, pack, pack_change, read, unpack, write
from fraudwatch.detection.detectors import COMPILED, DETECTORS
from fraudwatch.detection.drift import Drift, Finding
from fraudwatch.detection.fitting import fit
from fraudwatch.detection.lift_tables import LiftTables
from fraudwatch.detection.model import Judged, Model, warm_up

__all__ = [
    "COMPILED",
    "DETECTORS",
    "Artefact",
    "Drift",
    "Finding",
    "Judged",
    "LiftTables",
    "Model",
    "changed",
    "fit",
    "pack",
    "pack_change",
    "read",
    "unpack",
    "warm_up",
    "write",
]
