"""`fraudwatch rebuild`."""

from typing import Any

import click

from fraudwatch.broker.rebuilding import Rebuild, carry_out, planned
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import print_json, print_table, progress, quantity, say, table
from fraudwatch.config.settings import Settings


@click.command(
    "rebuild",
    short_help=COMMANDS["rebuild"],
    epilog=example("fraudwatch rebuild --config fraudwatch.yaml --yes"),
)
@configured
@click.option(
    "--silently",
    is_flag=True,
    help="Leave the group where it is: the log is folded anew up to there, and nothing of it is published again.",
)
@click.option("--yes", is_flag=True, help="Do it without asking.")
@as_json
def command(settings: Settings, silently: bool, yes: bool, as_json: bool) -> None:
    """Throw the snapshots away, so that the workers fold the whole log anew.

    The group goes back to the first record that the log still has: every transaction is judged again, by the model of
    today, and its alerts are published again, under the same ids where they are the same. With --silently histories are
    rebuilt, and what was judged stays judged. Either takes as long as the log is long. All workers must be stopped;
    the records of the log, alerts, models and verdicts stay as they are.
    """
    with progress("looking for snapshots"):
        rebuild = planned(settings)
    if as_json:
        if yes:
            carry_out(settings, rebuild, rewind=not silently)
        print_json({"done": yes, **_told(rebuild, silently)})
        return
    _print(settings, rebuild, silently)
    if not (yes or click.confirm("Do it?", err=True)):
        say("nothing was done")
        return
    carry_out(settings, rebuild, rewind=not silently)
    say("done: start the workers again")


def _told(rebuild: Rebuild, silently: bool) -> dict[str, Any]:
    return {
        "group": rebuild.group,
        "topic": rebuild.topic,
        "snapshot_messages": rebuild.messages,
        "published_again": 0 if silently else rebuild.records,
        "partitions": rebuild.partitions,
    }


def _print(settings: Settings, rebuild: Rebuild, silently: bool) -> None:
    shown = table(
        "#partition", "#first record", "#committed", "#snapshot messages", title=f"group {rebuild.group}"
    )
    for at in rebuild.partitions:
        kept = len(rebuild.snapshots.get(at.partition, ()))
        shown.add_row(str(at.partition), quantity(at.begin), quantity(at.committed), quantity(kept))
    print_table(shown)
    say(f"{rebuild.messages:,} messages of {settings.topics.snapshots} are to be removed")
    again = "folded again in silence" if silently else "judged again, and their alerts published again"
    say(f"{rebuild.records:,} records of {rebuild.topic} are to be {again}")
