"""`fraudwatch report`."""

import click

from fraudwatch.alerts.dispositions import (
    Disposition,
    JudgedTransaction,
    Position,
    Verdict,
    give,
    standing,
    undo,
)
from fraudwatch.broker import dispositions
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import counted, progress, say
from fraudwatch.cli.places import POSITION, author, now_ms
from fraudwatch.cli.verdict import deliver
from fraudwatch.config.settings import Settings
from fraudwatch.errors import UnusableInputError


@click.command(
    "report",
    short_help=COMMANDS["report"],
    epilog=example(
        'fraudwatch report T-20250301-17 --account 596 --verdict confirmed --note "complaint of 3 March"'
    ),
)
@click.argument("transaction_id")
@configured
@click.option("--account", required=True, metavar="ACCOUNT", help="The account of the transaction.")
@click.option(
    "--verdict", type=click.Choice([str(verdict) for verdict in Verdict]), help="What it turned out to be."
)
@click.option("--note", required=True, metavar="TEXT", help="Why, for whoever comes next.")
@click.option(
    "--position",
    type=POSITION,
    metavar="TOPIC/PARTITION/OFFSET",
    help="Where the transaction can be read again, if that is known.",
)
@author
@click.option("--undo", "take_back", is_flag=True, help="Take back the newest report about this transaction.")
@as_json
def command(
    settings: Settings,
    transaction_id: str,
    account: str,
    verdict: str | None,
    note: str,
    position: Position | None,
    author: str,
    take_back: bool,
    as_json: bool,
) -> None:
    """Say what a transaction turned out to be that raised no alert.

    For what becomes known from outside: a customer's complaint, a court, another bank. It is written to
    topics.dispositions, keyed by the account; nothing is ever overwritten.
    """
    if take_back:
        if verdict is not None or position is not None:
            raise click.UsageError("--undo takes a report back whole: leave --verdict and --position out")
        standing_report = _newest(settings, transaction_id, account)
        disposition = undo(standing_report, note=note, who=author, given_at_ms=now_ms())
    elif verdict is None:
        raise click.UsageError(f"expected --verdict ({', '.join(Verdict)}), or --undo")
    else:
        disposition = give(
            "report",
            Verdict(verdict),
            account_id=account,
            transactions=[JudgedTransaction(transaction_id, position)],
            note=note,
            who=author,
            given_at_ms=now_ms(),
        )
    deliver(settings, disposition, as_json=as_json)


def _newest(settings: Settings, transaction_id: str, account: str) -> Disposition:
    """The newest report about a transaction that stands."""
    with progress("looking for the report", unit="messages") as show:
        given = dispositions.given(settings, on_strange=say, on_progress=counted(show))
    for one in reversed(standing(given)):
        is_about = one.transactions[0].transaction_id == transaction_id and one.account_id == account
        if one.kind == "report" and is_about:
            return one
    raise UnusableInputError(
        f"expected a report about transaction {transaction_id} of account {account} to take back, found none "
        "that stands"
    )
