"""`fraudwatch worker`."""

from pathlib import Path

import click

from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import FILE, configured, example
from fraudwatch.config.settings import Settings
from fraudwatch.stream import run_worker


@click.command(
    "worker", short_help=COMMANDS["worker"], epilog=example("fraudwatch worker --config configs/default.yaml")
)
@configured
@click.option(
    "--model",
    type=FILE,
    metavar="DIRECTORY",
    help="Use this artefact of `fraudwatch train` as it is, and fit nothing on the stream.",
)
@click.option(
    "--shadow",
    is_flag=True,
    help="Do everything but publish: for a first look beside what runs already, in a group of its own.",
)
@click.pass_context
def command(ctx: click.Context, settings: Settings, model: Path | None, shadow: bool) -> None:
    """Read transactions from Kafka, score them, publish alerts.

    Runs until it is asked to end (SIGTERM or Ctrl-C), and acknowledges a transaction only after its alerts are
    acknowledged. Several workers with the same kafka.group share the partitions. Messages go to standard error;
    /metrics, /live and /ready are on metrics.host and metrics.port.

    With --shadow it needs no more than to read its topic: alerts and dead letters are only counted, models are neither
    read nor published but fitted by each shadow worker for itself, and the group is kafka.group with -shadow.
    """
    ctx.exit(run_worker(settings, model=model, shadow=shadow))
