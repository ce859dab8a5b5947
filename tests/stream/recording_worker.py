"""A worker around the recording pipeline: python recording_worker.py SETTINGS JOURNAL [shadow]."""

import pickle
import sys
from pathlib import Path
from typing import Any

import msgspec
from recording_pipeline import FakeModel, RecordingPipeline, encode_shorter, fit, load

from fraudwatch.alerts.dispositions import read
from fraudwatch.decode.letters import dead_letter_headers
from fraudwatch.snapshots import Blocks
from fraudwatch.stream import run_worker
from fraudwatch.stream.parts import Parts


def main() -> int:
    settings = pickle.loads(Path(sys.argv[1]).read_bytes())
    journal = Path(sys.argv[2])

    def make_pipeline(partition: int, partitions: int, model: FakeModel | None) -> RecordingPipeline:
        wanted, tried = settings.training.min_transactions, settings.trial.transactions
        return RecordingPipeline(journal, partition, wanted, model, tried)

    def restore_pipeline(
        blocks: Blocks, partition: int, partitions: int, model: FakeModel | None
    ) -> tuple[RecordingPipeline, Any]:
        pipeline = make_pipeline(partition, partitions, model)
        return pipeline, pipeline.restore(blocks)

    parts = Parts(
        make_pipeline,
        fit,
        load,
        msgspec.json.encode,
        encode_shorter,
        dead_letter_headers,
        read,
        ["distance"],
        restore_pipeline=restore_pipeline,
    )
    return run_worker(settings, parts=parts, shadow="shadow" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
