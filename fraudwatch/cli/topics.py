"""`fraudwatch topics`."""

import click

from fraudwatch.broker import topics
from fraudwatch.broker.embedded import PARTITIONS
from fraudwatch.broker.topics import Difference
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import print_json, print_table, say, table
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError


@click.command(
    "topics",
    short_help=COMMANDS["topics"],
    epilog=example("fraudwatch topics --config fraudwatch.yaml --apply"),
)
@configured
@click.option("--apply", is_flag=True, help="Make missing topics, add partitions, set what must hold.")
@click.option(
    "--partitions",
    type=click.IntRange(1, 10_000),
    default=PARTITIONS,
    show_default=True,
    help="Partitions of a source topic, or of the log of intake, should it be missing.",
)
@as_json
def command(settings: Settings, apply: bool, partitions: int, as_json: bool) -> None:
    """Compare the topics in Kafka with what is needed, and make them so.

    A source topic that exists is left alone. Ends with 1 while something is not as it should be, so that a script
    can ask.
    """
    mended = topics.apply(settings, partitions=partitions) if apply else []
    left = topics.compare(settings, partitions=partitions)
    if as_json:
        print_json({"mended": mended, "differences": left})
    else:
        _print(mended, left)
    if left:
        remedy = "`fraudwatch topics --apply` mends" if _can_mend(left) else "mend by hand"
        raise BrokerError(
            f"expected the topics as they are needed, found {len(left)} differences: {remedy} them"
        )
    say("the topics are as they should be")


def _can_mend(left: list[Difference]) -> bool:
    return all(difference.applicable for difference in left)


def _print(mended: list[Difference], left: list[Difference]) -> None:
    if not (mended or left):
        return
    shown = table("topic", "", "expected", "found")
    for differences, what in ((mended, "mended"), (left, "differs")):
        for difference in differences:
            shown.add_row(difference.topic, what, difference.expected, difference.found)
    print_table(shown)
