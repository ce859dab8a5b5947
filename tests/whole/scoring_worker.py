"""The real worker, which also writes the score of each transaction it assesses.

    python scoring_worker.py CONFIGURATION MODEL SCORES

Scores are lines `transaction_id,score` with the score in hexadecimal, so that no bit is lost.
"""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from fraudwatch.config.loading import load
from fraudwatch.pipeline import Batch, Pipeline
from fraudwatch.records import Chunk, TextField
from fraudwatch.stream import run_worker
from fraudwatch.stream.real import real_parts


class WritingPipeline(Pipeline):
    scores: Path

    def fold(self, chunk: Chunk, *, publish: bool = True) -> Batch:
        batch = super().fold(chunk, publish=publish)
        found = batch.assessments
        with self.scores.open("a", encoding="utf-8") as out:
            for row, score in enumerate(found.score.tolist()):
                name = found.transactions.text_of(row, TextField.TRANSACTION_ID)
                out.write(f"{name},{score.hex()}\n")
        return batch


def main() -> int:
    configuration, model, scores = map(Path, sys.argv[1:])
    settings = load(configuration)
    WritingPipeline.scores = scores

    def make_pipeline(partition: int, partitions: int, model: Any | None) -> Pipeline:
        return WritingPipeline(settings, partition=partition, partitions=partitions, model=model)

    parts = replace(real_parts(settings), make_pipeline=make_pipeline)
    return run_worker(settings, model=model, parts=parts)


if __name__ == "__main__":
    sys.exit(main())
