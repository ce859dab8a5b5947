"""`fraudwatch diff`."""

from datetime import UTC, datetime

import click

from fraudwatch.alerts.differences import Differences
from fraudwatch.broker.differences import Beside, Told, against, of_trial
from fraudwatch.broker.models import versions
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import counted, print_json, print_table, progress, quantity, say, table
from fraudwatch.config.settings import Settings

SAID = {"newly": "newly alerted", "no_longer": "no longer alerted", "same": "the same"}
EXAMPLES = 3


@click.command(
    "diff",
    short_help=COMMANDS["diff"],
    epilog=example(
        "fraudwatch diff --config fraudwatch.yaml",
        "fraudwatch diff --against fraudwatch.review-next --config fraudwatch.yaml",
    ),
)
@click.argument("version", required=False)
@click.option(
    "--against",
    "other",
    metavar="TOPIC",
    help="Compare the alerts of topics.review with those of this topic instead, over the days that both have.",
)
@configured
@as_json
def command(settings: Settings, version: str | None, other: str | None, as_json: bool) -> None:
    """Show which alerts another model would raise and drop, while it is on trial.

    Each worker reports to topics.models what it sees on the part trial.share of the accounts, every half minute.
    VERSION, or its first letters, shows a trial that is over. Alerts are the same when they are of one account and a
    day apart at most.
    """
    if version is not None and other is not None:
        raise click.UsageError("expected the VERSION of a model or --against, found both")
    with progress("reading the alerts" if other else "reading the models", unit="messages") as show:
        on_progress = counted(show)
        found: Told | Beside = (
            against(settings, other, on_strange=say, on_progress=on_progress)
            if other is not None
            else of_trial(
                versions(settings, on_strange=say, on_progress=on_progress), version, on_strange=say
            )
        )
    if as_json:
        print_json(found)
        return
    click.echo(_of_trial(found) if isinstance(found, Told) else _of_topics(found))
    _print(found.differences)


def _of_trial(told: Told) -> str:
    over = f"{told.partitions_over} of {told.partitions} partitions over"
    span = f", {_day(told.since_ms)} to {_day(told.until_ms)}" if told.since_ms and told.until_ms else ""
    return (
        f"model {told.version} ({told.state}) beside {told.in_use}: "
        f"{told.transactions:,} transactions{span}; {over}"
    )


def _of_topics(beside: Beside) -> str:
    span = f"{_day(beside.since_ms)} to {_day(beside.until_ms)}"
    return f"{beside.second} beside {beside.first}: alerts opened from {span}"


def _print(differences: Differences) -> None:
    shown = table("alerts", "#amount queue", "#typology queue", "#in all")
    for name, kind in differences.kinds.items():
        of = [kind.alerts.get(queue, 0) for queue in ("amount", "typology")]
        shown.add_row(SAID[name], *map(quantity, [*of, sum(of)]))
    print_table(shown)
    examples = table("", "")
    for name, kind in differences.kinds.items():
        if name != "same":
            for alert in kind.examples[:EXAMPLES]:
                examples.add_row(SAID[name], alert.headline)
    if examples.row_count:
        print_table(examples)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
