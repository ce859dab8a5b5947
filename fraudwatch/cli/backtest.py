"""`fraudwatch backtest`."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from fraudwatch.backtest import (
    BacktestReport,
    Comparison,
    Finding,
    Page,
    Run,
    Span,
    backtest,
    compare,
    differences,
    load_model,
    written_page,
)
from fraudwatch.cli import backtest_tables as tables
from fraudwatch.cli.dates import whole_days
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import DATE, FILE, as_json, configured, example
from fraudwatch.cli.output import check_place, counted, print_json, progress, say, written
from fraudwatch.config import loading
from fraudwatch.config.settings import Settings
from fraudwatch.detection import DETECTORS


@click.command(
    "backtest",
    short_help=COMMANDS["backtest"],
    epilog=example(
        "fraudwatch backtest handbook.csv.gz --config configs/handbook.yaml \\",
        "    --train-from 2018-07-25 --train-to 2018-07-31 --score-from 2018-08-08 --score-to 2018-08-14",
        "fraudwatch backtest payments.jsonl.gz --config my.yaml --compare changed.yaml --report page.html",
    ),
)
@click.argument("file", type=FILE)
@configured
@click.option(
    "--model", type=FILE, metavar="DIRECTORY", help="Score with this artefact of `fraudwatch train`."
)
@click.option(
    "--feed-lifts",
    is_flag=True,
    help="Let the lifts of --model learn on, as those of a model fitted here do (training.lifts_every).",
)
@click.option("--train-from", type=DATE, metavar="DATE", help="First day to fit on (UTC).")
@click.option("--train-to", type=DATE, metavar="DATE", help="Last day to fit on, itself included.")
@click.option("--score-from", type=DATE, metavar="DATE", help="First day that is measured.")
@click.option("--score-to", type=DATE, metavar="DATE", help="Last day that is measured, itself included.")
@click.option(
    "--partitions",
    type=click.IntRange(1, 1024),
    default=1,
    show_default=True,
    help="Spread the accounts as over so many partitions: scores stay, budgets are shared.",
)
@click.option("--scores", type=FILE, metavar="OUT.csv", help="Write the score of each measured transaction.")
@click.option(
    "--detector",
    "detectors",
    multiple=True,
    type=click.Choice(list(DETECTORS)),
    help="Fit these detectors only, to see what each is worth. May be repeated.",
)
@click.option("--no-detectors", is_flag=True, help="Fit no detector, to see what all of them are worth.")
@click.option(
    "--report",
    type=FILE,
    metavar="OUT.html",
    help="Write one page to decide by: figures with intervals, charts, alerts as sentences, missed cases.",
)
@click.option(
    "--compare",
    "other_config",
    type=FILE,
    metavar="FILE",
    help="Run this configuration over the same stream too, and say what it would change.",
)
@click.option(
    "--compare-model",
    "other_model",
    type=FILE,
    metavar="DIRECTORY",
    help="The same with another artefact of `fraudwatch train`; may go together with --compare.",
)
@as_json
def command(
    file: Path,
    settings: Settings,
    model: Path | None,
    feed_lifts: bool,
    train_from: datetime | None,
    train_to: datetime | None,
    score_from: datetime | None,
    score_to: datetime | None,
    partitions: int,
    scores: Path | None,
    detectors: tuple[str, ...],
    no_detectors: bool,
    report: Path | None,
    other_config: Path | None,
    other_model: Path | None,
    as_json: bool,
) -> None:
    """Fold a file through the live pipeline and measure the scores against its labels.

    FILE is CSV or JSON lines, also gzipped, and is folded from its beginning, so that histories are whole. The
    model is an artefact (--model), or fitted on the days of --train-from to --train-to as soon as they have passed,
    or without both as soon as the stream has what the section `training` of the configuration asks for. Labels
    (`source.label`) measure, and reach no feature and no model.

    With --report, --compare or --compare-model alerts and cases are looked at one by one as well. A second run has
    the days, the labels and, unless it names others, the configuration and the model of the first; of a configuration
    of its own, --set, --detector and --no-detectors leave everything as it is.
    """
    settings = _with_detectors(settings, model, detectors, no_detectors)
    task = Task(
        file=file,
        train_span=_train_span(model, train_from, train_to),
        score_span=whole_days(score_from, score_to, "score-"),
        partitions=partitions,
        feeds=feed_lifts or None,
        is_examined=bool(report or other_config or other_model),
        runs=2 if other_config or other_model else 1,
    )
    config = click.get_current_context().params.get("config")
    if report is not None:
        check_place(report)
    first = task.run(1, _name(config, model), settings, model, scores=scores)
    second = compared = None
    if task.runs == 2:
        others, other_model = _others(settings, other_config), other_model or model
        name = _name(other_config or config, other_model)
        second = task.run(2, name, others, other_model, records=first.report.records)
        compared = compare(
            first.finding.alerts(),
            second.finding.alerts(),
            first.finding.cases(),
            second.finding.cases(),
            differences(settings, others),
        )
    _show(task, settings, first, second, compared, report, as_json=as_json)


class Ran(msgspec.Struct, frozen=True):
    """One run that was made, and how long it took."""

    name: str
    report: BacktestReport
    finding: Finding
    seconds: float

    def shown(self) -> Run:
        """As the page shows it."""
        return Run(self.name, self.report, self.finding.findings())


class Task(msgspec.Struct, frozen=True):
    """What all runs have in common. Only an examined one looks at alerts and cases one by one."""

    file: Path
    train_span: Span | None
    score_span: Span
    partitions: int
    feeds: bool | None
    is_examined: bool
    runs: int

    def run(
        self,
        place: int,
        name: str,
        settings: Settings,
        model: Path | None,
        *,
        scores: Path | None = None,
        records: int | None = None,
    ) -> Ran:
        """The run in this place of all; `records` is how many there will be, where that is known."""
        finding = Finding(settings, self.score_span, is_labelled=settings.source.label is not None)
        started = time.perf_counter()
        of = f" ({place} of {self.runs})" if self.runs > 1 else ""
        with progress(f"folding {self.file.name}{of}", total=records) as show:
            report = backtest(
                settings,
                self.file,
                model=load_model(settings, model) if model is not None else None,
                train_span=self.train_span,
                score_span=self.score_span,
                partitions=self.partitions,
                feeds=self.feeds,
                scores=scores,
                finding=finding if self.is_examined else None,
                on_progress=counted(show),
            )
        return Ran(name, report, finding, time.perf_counter() - started)


def as_object(report: BacktestReport, seconds: float) -> dict[str, Any]:
    """The report with the figures most asked for at its top."""
    ranking, new_cases = report.ranking, report.ranking_new_cases
    return {
        **msgspec.to_builtins(report),
        "average_precision": ranking and ranking.average_precision,
        "auroc": ranking and ranking.auroc,
        "average_precision_new_cases": new_cases and new_cases.average_precision,
        "auroc_new_cases": new_cases and new_cases.auroc,
        "seconds": seconds,
        "records_per_second": report.records / seconds,
    }


def _show(
    task: Task,
    settings: Settings,
    first: Ran,
    second: Ran | None,
    compared: Comparison | None,
    place: Path | None,
    *,
    as_json: bool,
) -> None:
    """On the terminal or as JSON, and as a page where one is asked for."""
    ours = first.shown() if task.is_examined else None
    theirs = second.shown() if second is not None else None
    if place is not None and ours is not None:
        page = Page(task.file.name, settings.currency, ours, theirs, compared)
        with written(place):
            place.write_text(written_page(page), encoding="utf-8")
    if as_json:
        found = as_object(first.report, first.seconds) | {"findings": ours and ours.findings}
        if second is not None and theirs is not None:
            found["second"] = as_object(second.report, second.seconds) | {"findings": theirs.findings}
            found["comparison"] = compared
        print_json(found)
    else:
        tables.print_report(first.report, first.seconds, settings.alerts.alerts_per_day)
        if ours is not None:
            tables.print_findings(ours.findings, settings.currency)
        if ours is not None and theirs is not None and compared is not None:
            tables.print_comparison(ours, theirs, compared)
    if place is not None:
        say(f"{place} is written: open it in a browser")


def _others(settings: Settings, config: Path | None) -> Settings:
    """The settings of the second run: what its file says, with the labels of the first."""
    if config is None:
        return settings
    others = loading.load(config)
    return replace(others, source=replace(others.source, label=settings.source.label))


def _name(config: Path | None, model: Path | None) -> str:
    """What a person calls a run."""
    named = "the defaults" if config is None else config.name
    return named if model is None else f"{named} with {model.name}"


def _train_span(model: Path | None, first: datetime | None, last: datetime | None) -> Span | None:
    if first is None and last is None:
        return None
    if model is not None:
        raise click.UsageError("--model and --train-from/--train-to exclude each other: leave one out")
    if last is None:
        raise click.UsageError("--train-from needs --train-to: the last day to fit on")
    return whole_days(first, last, "train-")


def _with_detectors(
    settings: Settings, model: Path | None, detectors: tuple[str, ...], no_detectors: bool
) -> Settings:
    if detectors and no_detectors:
        raise click.UsageError("--detector and --no-detectors exclude each other: leave one out")
    if not (detectors or no_detectors):
        return settings
    if model is not None:
        raise click.UsageError("--model brings its own detectors: leave out --detector and --no-detectors")
    return replace(settings, detection=replace(settings.detection, detectors=detectors))
