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
@click.pass_context
def command(ctx: click.Context, settings: Settings, model: Path | None) -> None:
    """Read transactions from Kafka, score them, publish alerts.

    Runs until it is asked to end (SIGTERM or Ctrl-C), and acknowledges a transaction only after its alerts are
    acknowledged. Several workers with the same kafka.group share the partitions. Messages go to standard error;
    /metrics, /live and /ready are on metrics.host and metrics.port.
    """
    ctx.exit(run_worker(settings, model=model))
