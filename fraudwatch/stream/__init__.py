"""The live worker: records from Kafka through Faust into the pipeline, alerts and dead letters back out; and intake."""

from fraudwatch.stream.intake import run_intake
from fraudwatch.stream.worker import run_worker

__all__ = ["run_intake", "run_worker"]
