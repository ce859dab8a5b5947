"""`fraudwatch lag`."""

import click

from fraudwatch.broker.lag import group_lag
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import print_json, print_table, quantity, table
from fraudwatch.config.settings import Settings


@click.command("lag", short_help=COMMANDS["lag"], epilog=example("fraudwatch lag --config fraudwatch.yaml"))
@configured
@as_json
def command(settings: Settings, as_json: bool) -> None:
    """Show how far the workers are behind the end of the source topic, in records."""
    partitions = group_lag(settings)
    total = sum(partition.lag for partition in partitions)
    group, topic = settings.kafka.group, settings.source.topic
    if as_json:
        print_json({"group": group, "topic": topic, "lag": total, "partitions": partitions})
        return
    shown = table("#partition", "#end", "#committed", "#lag", title=f"group {group} on {topic}")
    for at in partitions:
        shown.add_row(str(at.partition), quantity(at.end), quantity(at.committed), quantity(at.lag))
    shown.add_row("all", "", "", quantity(total))
    print_table(shown)
