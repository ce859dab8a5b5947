"""A file through the pipeline, measured against its labels where it has any."""

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TextIO

from fraudwatch import detection
from fraudwatch.backtest.comparison import Comparison, compare, differences
from fraudwatch.backtest.findings import Finding, Findings
from fraudwatch.backtest.folding import Folding, OnProgress
from fraudwatch.backtest.measures import Share
from fraudwatch.backtest.page import Page, Run, summary, written_page
from fraudwatch.backtest.report import SCORE_COLUMNS, BacktestReport, Collector
from fraudwatch.backtest.spans import Span, span
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder, read_rows
from fraudwatch.detection import Model
from fraudwatch.errors import ConfigurationError
from fraudwatch.features import Catalogue

__all__ = [
    "SCORE_COLUMNS",
    "BacktestReport",
    "Comparison",
    "Finding",
    "Findings",
    "Page",
    "Run",
    "Share",
    "Span",
    "backtest",
    "compare",
    "differences",
    "load_model",
    "span",
    "summary",
    "train_file",
    "written_page",
]


def backtest(
    settings: Settings,
    path: Path,
    *,
    model: Model | None = None,
    train_span: Span | None = None,
    score_span: Span | None = None,
    partitions: int = 1,
    feeds: bool | None = None,
    scores: Path | None = None,
    finding: Finding | None = None,
    on_progress: OnProgress = lambda rows: None,
) -> BacktestReport:
    """Fold a file from its beginning, score the span, write `scores` as CSV, and measure; `finding` is told all.

    With `feeds` the lifts of a given model are fed, too (`Folding`); the version reported is that before any feeding.

    Raises UnusableInputError for the file, ConfigurationError for the mapping or an output that cannot be written,
    TrainingError for the training span.
    """
    folding = Folding(
        settings, path.name, partitions=partitions, model=model, train_span=train_span, feeds=feeds
    )
    rows = read_rows(path)
    with _opened(scores) as out:
        collector = Collector(settings, score_span or Span(), train_span, out, finding)
        for folded in folding.fold(rows, on_progress):
            collector.add(folded)
    return collector.report(folding.began_with.version if folding.began_with is not None else None)


def train_file(
    settings: Settings,
    path: Path,
    *,
    train_span: Span | None = None,
    on_progress: OnProgress = lambda rows: None,
) -> Model:
    """Fold a file from its beginning and fit on the span. Raises as `backtest` does."""
    folding = Folding(settings, path.name, train_span=train_span or Span(), feeds=False)
    for _ in folding.fold(read_rows(path), on_progress):
        if folding.model is not None:
            break
    return folding.model or folding.train()


def load_model(settings: Settings, directory: Path) -> Model:
    """A model artefact for these settings. Raises ArtefactError when it is damaged or made for others."""
    catalogue = Catalogue(settings, Decoder(settings).fields)
    model = detection.unpack(detection.read(directory), catalogue.judged, catalogue.lanes)
    catalogue.check_population(model.population)
    return model


def _opened(scores: Path | None) -> AbstractContextManager[TextIO | None]:
    if scores is None:
        return nullcontext()
    try:
        return scores.open("w", newline="", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"{scores}: expected a file that can be written, found: {error.strerror}. Name another one."
        ) from error
