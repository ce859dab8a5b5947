"""The command `fraudwatch` itself: which commands there are, and what becomes of an error."""

from importlib import import_module
from typing import Any

import click

from fraudwatch import __version__
from fraudwatch.errors import FraudwatchError

COMMANDS = {
    "demo": "Run everything on this machine: a broker inside, a worker, a feed, and a screen that shows it.",
    "worker": "Read transactions from Kafka, score them, publish alerts.",
    "intake": "Bring several sources together into one log, keyed by account, for the workers.",
    "train": "Fit a model on a file, ahead of time.",
    "backtest": "Fold a file through the live pipeline and measure the scores against its labels.",
    "replay": "Feed a file into the source topic.",
    "simulate": "Write a labelled stream of our own.",
    "alerts": "Read the alerts on the review topic, as sentences or JSON lines.",
    "explain": "Say why a transaction raised an alert, or why not.",
    "verdict": "Say what an alert turned out to be.",
    "report": "Say what a transaction turned out to be that raised no alert.",
    "dead-letters": "List, show or send back the records that could not be processed.",
    "diff": "Show which alerts another model would raise and drop, while it is on trial.",
    "model": "Show the models that were fitted, and put another one in use.",
    "features": "List the features of this configuration, and those its source cannot feed.",
    "source": "Try a source's mapping on a file.",
    "topics": "Compare the topics in Kafka with what is needed, and make them so.",
    "lag": "Show how far the workers are behind the end of the source topic.",
    "state": "Print what the workers know of each account, to compare it bit for bit.",
    "rebuild": "Throw the snapshots away, so that the workers fold the whole log anew.",
    "config": "Check, show or describe the configuration.",
}
"""Name and first sentence of each command; module `fraudwatch.cli.<name>` (`_` for `-`) holds it as `command`.

Modules are loaded when they are asked for: the libraries below them take seconds to import, and `--help` needs none.
"""

HIDDEN = {"docs": "pages"}
"""Commands that are not listed, and the modules that hold them."""


class Commands(click.Group):
    """Loads a command on demand, and shows a FraudwatchError as one message without a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS and cmd_name not in HIDDEN:
            return None
        module = HIDDEN.get(cmd_name, cmd_name.replace("-", "_"))
        command: click.Command = import_module(f"fraudwatch.cli.{module}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FraudwatchError as error:
            raise click.ClickException(str(error)) from error


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="\b\nExample:\n  fraudwatch demo --for 60",
)
@click.version_option(__version__, prog_name="fraudwatch")
def main() -> None:
    """Scores every transaction of a Kafka stream for being unusual, and publishes ranked, explained alerts.

    Evidence for a person, never a decision: a score says unusual, only a human verdict says more.
    """
