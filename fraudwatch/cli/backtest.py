"""`fraudwatch backtest`."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from fraudwatch.backtest import BacktestReport, Span, backtest, load_model
from fraudwatch.cli.dates import whole_days
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import DATE, FILE, as_json, configured, example
from fraudwatch.cli.output import counted, print_json, print_table, progress, quantity, table
from fraudwatch.config.settings import Settings
from fraudwatch.detection import DETECTORS


@click.command(
    "backtest",
    short_help=COMMANDS["backtest"],
    epilog=example(
        "fraudwatch backtest handbook.csv.gz --config configs/handbook.yaml \\",
        "    --train-from 2018-07-25 --train-to 2018-07-31 --score-from 2018-08-08 --score-to 2018-08-14",
    ),
)
@click.argument("file", type=FILE)
@configured
@click.option(
    "--model", type=FILE, metavar="DIRECTORY", help="Score with this artefact of `fraudwatch train`."
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
@as_json
def command(
    file: Path,
    settings: Settings,
    model: Path | None,
    train_from: datetime | None,
    train_to: datetime | None,
    score_from: datetime | None,
    score_to: datetime | None,
    partitions: int,
    scores: Path | None,
    detectors: tuple[str, ...],
    no_detectors: bool,
    as_json: bool,
) -> None:
    """Fold a file through the live pipeline and measure the scores against its labels.

    FILE is CSV or JSON lines, also gzipped, and is folded from its beginning, so that histories are whole. The
    model is an artefact (--model), or fitted on the days of --train-from to --train-to as soon as they have passed,
    or without both as soon as the stream has what the section `training` of the configuration asks for. Labels
    (`source.label`) measure, and reach no feature and no model.
    """
    train_span = _train_span(model, train_from, train_to)
    score_span = whole_days(score_from, score_to, "score-")
    settings = _with_detectors(settings, model, detectors, no_detectors)
    started = time.perf_counter()
    with progress(f"folding {file.name}") as show:
        report = backtest(
            settings,
            file,
            model=load_model(settings, model) if model is not None else None,
            train_span=train_span,
            score_span=score_span,
            partitions=partitions,
            scores=scores,
            on_progress=counted(show),
        )
    seconds = time.perf_counter() - started
    if as_json:
        print_json(as_object(report, seconds))
    else:
        _print(report, seconds, settings.alerts.alerts_per_day)


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


def _print(report: BacktestReport, seconds: float, alerts_per_day: float) -> None:
    shown = table("", "#", "")
    shown.add_row(
        "records", quantity(report.records), f"in {seconds:.1f} s, {report.records / seconds:,.0f} a second"
    )
    shown.add_row("  scored", quantity(report.scored), "")
    shown.add_row("  unscored", quantity(report.unscored), "no model yet, or too young an account")
    shown.add_row("  duplicates", quantity(report.duplicates), f"{report.conflicts:,} with different content")
    shown.add_row("  late", quantity(report.late), "past the grace: judged, not remembered")
    letters = ", ".join(f"{count:,} {reason}" for reason, count in report.dead_letters.items())
    shown.add_row("  dead letters", quantity(sum(report.dead_letters.values())), letters)
    detectors = ", ".join(report.detectors) or "none"
    shown.add_row("model", report.model_version or "none", f"{report.combiner}, detectors: {detectors}")
    shown.add_section()
    span = " to ".join(report.span) if report.span else "no transaction in it"
    shown.add_row("measured", quantity(report.transactions), f"transactions on {report.days} days, {span}")
    shown.add_row(
        "alerts", quantity(report.alerts), f"and {report.alerts_cut:,} cut off by the ceiling of the day"
    )
    shown.add_row("alerts a day", quantity(report.alerts_per_day, 1), f"the budget is {alerts_per_day:g}")
    if report.ranking is None:
        shown.add_row("labels", "none", "name source.label in the configuration to measure")
    else:
        _add_measures(shown, report)
    print_table(shown)


def _add_measures(shown: Any, report: BacktestReport) -> None:
    for ranking, whose in (
        (report.ranking, "all transactions"),
        (report.ranking_new_cases, "without accounts whose case was known before"),
    ):
        if ranking is None:
            continue
        share = ranking.cases / max(1, ranking.transactions)
        shown.add_section()
        shown.add_row("cases", quantity(ranking.cases), f"of {ranking.transactions:,}: {whose}")
        precision = quantity(ranking.average_precision, 3)
        shown.add_row("average precision", precision, f"drawing at random: {share:.3f}")
        shown.add_row(
            "AUROC", quantity(ranking.auroc, 3), "chance that a case scores above another; at random: 0.5"
        )
    shown.add_section()
    shown.add_row(
        "precision at budget",
        quantity(report.precision_at_budget, 3),
        "share of the day's highest-scoring accounts that have a case",
    )
    shown.add_row(
        "alert precision", quantity(report.alert_precision, 3), "share of the alerts that touch a case"
    )
