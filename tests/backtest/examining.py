"""A backtest in which everything is looked at, beside the file and the scores it was made of."""

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from fraudwatch.backtest import BacktestReport, Finding, backtest, span
from fraudwatch.config.settings import Settings
from fraudwatch.decode import read_rows

DAY = 86_400_000
TRAIN = span(date(2024, 3, 8), date(2024, 3, 14), "train")
SCORE = span(date(2024, 3, 16), date(2024, 3, 25), "score")


class Examined(NamedTuple):
    """A run that was looked at case by case, beside the file and the scores it was made of."""

    settings: Settings
    path: Path
    report: BacktestReport
    finding: Finding
    rows: list[dict[str, Any]]
    scores: dict[str, dict[str, str]]


def examined(settings: Settings, path: Path, out: Path) -> Examined:
    finding = Finding(settings, SCORE, is_labelled=settings.source.label is not None)
    report = backtest(settings, path, train_span=TRAIN, score_span=SCORE, scores=out, finding=finding)
    with out.open(encoding="utf-8", newline="") as file:
        scores = {row["transaction_id"]: row for row in csv.DictReader(file)}
    return Examined(settings, path, report, finding, [json.loads(row) for row in read_rows(path)], scores)
