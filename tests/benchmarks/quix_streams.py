"""The same job on Quix Streams 3: one worker process, at least once.

    python quix_streams.py BROKER TOPIC REVIEW GROUP MODEL

A sink judges what the checkpoint holds: Quix Streams flushes it, then commits the offsets, so a record is committed
once its alerts are acknowledged by the broker. State in plain objects instead of its own store (RocksDB and a changelog),
which would write for every record. Prints its counts as JSON when it is asked to end.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from ordinary import MICRO_BATCH, Job, Model, Observed
from quixstreams import Application
from quixstreams.sinks.base import BaseSink

COMMIT_SECONDS = 1.0
"""At the latest; otherwise every micro-batch."""


class Judge(BaseSink):  # type: ignore[misc]
    """Scores a checkpoint's transactions, of all partitions together, and sends their alerts."""

    def __init__(self, job: Job, producer: Any, review: str) -> None:
        super().__init__(on_client_connect_success=lambda: None)
        self._job = job
        self._producer = producer
        self._review = review
        self._waiting: list[Observed] = []
        self._failed: list[Any] = []

    def add(self, value: Observed, *position: Any, **named: Any) -> None:
        """One transaction, until the checkpoint."""
        self._waiting.append(value)

    def flush(self) -> None:
        """Everything is delivered when it returns; an exception keeps the offsets from being committed."""
        waiting, self._waiting = self._waiting, []
        for key, value in self._job.alerts(waiting):
            self._producer.produce(self._review, value, key, on_delivery=self._delivered)
        self._producer.flush()
        if self._failed:
            raise RuntimeError(f"alerts were not delivered: {self._failed}")

    def _delivered(self, error: Any, message: Any) -> None:
        if error is not None:
            self._failed.append(error)


def main() -> None:
    broker, topic, review, group, model = sys.argv[1:]
    job = Job(Model.read(Path(model)))
    with tempfile.TemporaryDirectory() as state_dir:
        app = Application(
            broker,
            consumer_group=group,
            auto_offset_reset="earliest",
            commit_interval=COMMIT_SECONDS,
            commit_every=MICRO_BATCH,
            auto_create_topics=False,
            use_changelog_topics=False,
            producer_extra_config={"acks": "all"},
            state_dir=state_dir,
            loglevel="WARNING",
        )
        records = app.dataframe(app.topic(topic, value_deserializer="bytes", key_deserializer="bytes"))
        records = records.apply(job.observe).filter(lambda observed: observed is not None)
        with app.get_producer() as producer:
            records.sink(Judge(job, producer, review))
            app.run()
    print(json.dumps(job.counts), flush=True)


if __name__ == "__main__":
    main()
