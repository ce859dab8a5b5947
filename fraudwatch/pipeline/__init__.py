"""The way of a transaction, pure and in batches; it passes them along and computes nothing itself."""

from fraudwatch.pipeline.batch import Assessments, Batch
from fraudwatch.pipeline.dump import dumped
from fraudwatch.pipeline.pipeline import Pipeline
from fraudwatch.pipeline.saved import Loaded
from fraudwatch.pipeline.training import TrainingSample, train, train_artefact
from fraudwatch.pipeline.warming import warm_up

__all__ = [
    "Assessments",
    "Batch",
    "Loaded",
    "Pipeline",
    "TrainingSample",
    "dumped",
    "train",
    "train_artefact",
    "warm_up",
]
