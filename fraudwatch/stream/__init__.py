"""The live worker: records from Kafka through Faust into the pipeline, alerts and dead letters back out."""

from fraudwatch.stream.worker import run_worker

__all__ = ["run_worker"]
