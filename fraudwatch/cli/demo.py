"""`fraudwatch demo`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType

import click
from rich.console import Console

from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import FILE, as_json, configured, example
from fraudwatch.cli.output import print_json, print_table, quantity, say, table
from fraudwatch.config.settings import Settings
from fraudwatch.demo import Demo, Lines, Screen, Summary


@click.command(
    "demo",
    short_help=COMMANDS["demo"],
    epilog=example(
        "fraudwatch demo",
        "fraudwatch demo --input handbook.csv.gz --config configs/handbook.yaml --for 60 --json",
    ),
)
@configured
@click.option(
    "--input", "file", type=FILE, metavar="FILE", help="Feed this file (CSV, JSON lines, also gzipped)."
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Records a second: of a file at most (as fast as the worker takes it), of our stream later on (2,000).",
)
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(1),
    metavar="SECONDS",
    help="End by itself after so long, once all that was fed is handled.",
)
@as_json
def command(
    settings: Settings, file: Path | None, rate: float | None, seconds: float | None, as_json: bool
) -> None:
    """Run everything on this machine: a broker inside, a worker, a feed, and a screen that shows it.

    Without --input a labelled stream of our own is fed, from three months ago on, first as fast as it goes until
    there is a model. Nothing is kept: broker, state and model are gone at the end. Ctrl-C ends it with a summary.
    """
    name = file.name if file else "a simulated stream"
    on_terminal = sys.stdout.isatty() and not as_json
    screen = Screen(Console(), name) if on_terminal else None
    demo = Demo(settings, file=file, rate=rate, seconds=seconds, show=screen or Lines(say))
    with _ended_by_signals(demo), screen or nullcontext():
        summary = demo.run()
    if as_json:
        print_json(summary)
    else:
        _print(summary)


@contextmanager
def _ended_by_signals(demo: Demo) -> Iterator[None]:
    """SIGINT and SIGTERM ask the demo to end; the same again ends it at once."""

    def ask(number: int, frame: FrameType | None) -> None:
        for asked in before:
            signal.signal(asked, signal.default_int_handler)
        demo.ask_to_end()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(summary: Summary) -> None:
    shown = table("", "#", "")
    speed = f"in {summary.seconds:.1f} s, {summary.records_per_second:,.0f} a second"
    shown.add_row("records in", quantity(summary.records_in), speed)
    shown.add_row("  scored", quantity(summary.scored), "")
    shown.add_row("  unscored", quantity(summary.unscored), "no model yet, or too young an account")
    shown.add_row(
        "  duplicates", quantity(summary.duplicates), f"{summary.conflicts:,} with different content"
    )
    shown.add_row("  late", quantity(summary.late), "")
    shown.add_row("  dead letters", quantity(summary.dead_letters), "")
    severities = ", ".join(f"{count:,} {severity}" for severity, count in summary.alerts_by_severity.items())
    budget = f"in {summary.event_days:.1f} event days, {summary.alerts_per_day_budget:g} a day are budgeted"
    shown.add_row("alerts", quantity(summary.alerts), f"{severities}; {budget}")
    shown.add_row("updates", quantity(summary.updates), "of alerts that were open")
    print_table(shown)
    if summary.newest_alerts:
        click.echo("\nThe newest alerts:")
    for alert in summary.newest_alerts:
        lane = f"lane {alert.lane}  " if alert.lane else ""
        click.echo(f"{alert.severity.upper():<6} rank {alert.rank:4.1f}  {lane}{alert.headline}")
        for reason in alert.reasons[1:3]:
            click.echo(f"                  • {reason}")
