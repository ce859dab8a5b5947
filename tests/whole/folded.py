"""What the pipeline says of some records; as a program, it prints that: `python folded.py DIRECTORY`."""

import sys
from pathlib import Path
from typing import NamedTuple

import msgspec

from fraudwatch.config.loading import load
from fraudwatch.records import Chunk, Record
from fraudwatch.stream.real import read_model, real_parts

PART = 70


class Said(NamedTuple):
    """Of every record its outcome and score (null where there is none), and each alert's texts."""

    outcomes: list[int]
    scores: list[float | None]
    alerts: list[str]


def fold(directory: Path) -> Said:
    """What is said of `records.json` with the settings and the model of the directory."""
    parts = real_parts(load(directory / "settings.yaml", {}))
    pipeline = parts.make_pipeline(0, 1, parts.load(read_model(directory / "model")))
    values = msgspec.json.decode((directory / "records.json").read_bytes(), type=list[str])
    said = Said([], [], [])
    for begin in range(0, len(values), PART):
        batch = pipeline.fold(
            Chunk.of(
                [
                    Record("log", 0, offset, -1, None, values[offset].encode())
                    for offset in range(begin, min(begin + PART, len(values)))
                ]
            )
        )
        said.outcomes.extend(batch.assessments.outcome.tolist())
        said.scores.extend(None if score != score else score for score in batch.assessments.score.tolist())
        for alert in batch.alerts:
            reasons = " ".join(reason.sentence.en for reason in alert.reasons)
            said.alerts.append(f"{alert.alert_id} {alert.severity} {alert.headline.en} {reasons}")
    return said


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.encode(fold(Path(sys.argv[1]))).decode())
