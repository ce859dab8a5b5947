"""`fraudwatch intake`."""

import click

from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import configured, example
from fraudwatch.config.settings import Settings
from fraudwatch.stream import run_intake


@click.command(
    "intake",
    short_help=COMMANDS["intake"],
    epilog=example("fraudwatch intake --config configs/several-sources.yaml"),
)
@configured
@click.pass_context
def command(ctx: click.Context, settings: Settings) -> None:
    """Bring several sources together into one log, keyed by account, for the workers.

    Reads the topics of all `sources` side by side and writes canonical transactions to topics.transactions, and what
    cannot be read to topics.dead_letters. Runs until it is asked to end (SIGTERM or Ctrl-C), and acknowledges a
    record only after what came of it is acknowledged. Several with the same kafka.group share the partitions.
    Messages go to standard error; /metrics, /live and /ready are on metrics.host and metrics.port.
    """
    ctx.exit(run_intake(settings))
