"""`fraudwatch state dump`."""

import hashlib
from collections.abc import Iterator

import click

from fraudwatch.broker.lag import PartitionLag, group_lag
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import counted, print_json, progress, say
from fraudwatch.config.settings import Settings
from fraudwatch.errors import BrokerError
from fraudwatch.pipeline import dumped
from fraudwatch.stream.restored import restored


@click.group(
    "state", short_help=COMMANDS["state"], epilog=example("fraudwatch state dump --partition 0 --from-log")
)
def command() -> None:
    """Print what the workers know of each account, to compare it bit for bit."""


@command.command(
    "dump",
    epilog=example(
        "fraudwatch state dump --config fraudwatch.yaml --partition 3 --json",
        "fraudwatch state dump --config fraudwatch.yaml --partition 3 --json --from-log",
    ),
)
@configured
@click.option(
    "--partition", type=click.IntRange(0), required=True, metavar="N", help="Which partition of the log."
)
@click.option(
    "--until",
    type=click.IntRange(0),
    metavar="OFFSET",
    help="The first record that is not in it; without it the offset that the workers' group has committed.",
)
@click.option(
    "--from-log", is_flag=True, help="Fold the log from its beginning, whatever snapshots there are."
)
@as_json
def dump(settings: Settings, partition: int, until: int | None, from_log: bool, as_json: bool) -> None:
    """Print all that follows from a partition's log: a JSON line for each account, ascending by its hash.

    The state is made as a worker would restore it; nothing is written, and no group is joined. Two last lines are of
    the whole partition and of its training sample. Equal text is equal to the bit: histories that say the same print
    the same, whether they were saved in between and however records were cut into batches. Accounts are told by their
    hash alone. The sha256 of all lines is said at the end; with --json nothing else is printed.
    """
    partitions = group_lag(settings)
    if partition >= len(partitions):
        raise BrokerError(
            f"expected one of the {len(partitions)} partitions of {settings.source.topic}, found {partition}"
        )
    end = _end(settings, partitions[partition], until)
    with progress(f"folding partition {partition}") as show:
        pipeline = restored(
            settings,
            partition,
            end,
            partitions=len(partitions),
            from_log=from_log,
            on_progress=counted(show),
        )
    accounts, digest = _printed(dumped(pipeline), quietly=as_json)
    told = {"partition": partition, "offset": end, "accounts": accounts, "sha256": digest}
    if as_json:
        print_json(told)
    else:
        say(f"partition {partition} up to offset {end:,}: {accounts:,} accounts, sha256 {digest}")


def _end(settings: Settings, partition: PartitionLag, until: int | None) -> int:
    end = (partition.committed or 0) if until is None else until
    if end > partition.end:
        raise BrokerError(
            f"expected an offset up to {partition.end}, the end of partition {partition.partition} of "
            f"{settings.source.topic}, found {end}"
        )
    return end


def _printed(lines: Iterator[bytes], *, quietly: bool) -> tuple[int, str]:
    """How many accounts there were, and the sha256 of what is printed, line breaks included."""
    digest, count = hashlib.sha256(), 0
    for line in lines:
        if not quietly:
            click.echo(line)
        digest.update(line + b"\n")
        count += 1
    return count - 2, digest.hexdigest()
