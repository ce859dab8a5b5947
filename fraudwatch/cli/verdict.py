"""`fraudwatch verdict`."""

import click

from fraudwatch.alerts import Alert
from fraudwatch.alerts.alert import Position as AlertPosition
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
from fraudwatch.cli.output import counted, print_json, progress, say
from fraudwatch.cli.places import author, now_ms
from fraudwatch.config.settings import Settings
from fraudwatch.errors import UnusableInputError


@click.command(
    "verdict",
    short_help=COMMANDS["verdict"],
    epilog=example(
        'fraudwatch verdict 5f0c9a7e21b34d6f8a90 confirmed --note "customer did not order it"',
        'fraudwatch verdict 5f0c9a7e21b34d6f8a90 --undo --note "mistook the account"',
    ),
)
@click.argument("alert_id")
@click.argument("verdict", type=click.Choice([str(verdict) for verdict in Verdict]), required=False)
@configured
@click.option("--note", required=True, metavar="TEXT", help="Why, for whoever comes next.")
@click.option(
    "--transactions",
    metavar="ID,ID…",
    help="Only these of the alert's transactions and evidence; without it, all transactions of the episode.",
)
@author
@click.option("--undo", "take_back", is_flag=True, help="Take back the newest verdict on this alert.")
@as_json
def command(
    settings: Settings,
    alert_id: str,
    verdict: str | None,
    note: str,
    transactions: str | None,
    author: str,
    take_back: bool,
    as_json: bool,
) -> None:
    """Say what an alert turned out to be.

    VERDICT is confirmed, suspicious, legitimate or inconclusive. It is given on the alert and on its transactions, and
    written to topics.dispositions; nothing is ever overwritten. Name with --transactions what of the account's day you
    looked at: a verdict on the whole day is worth more than one on the alerting transactions only.
    """
    if take_back:
        if transactions is not None:
            raise click.UsageError("--undo takes a verdict back whole: leave --transactions out")
        disposition = undo(_newest(settings, alert_id, verdict), note=note, who=author, given_at_ms=now_ms())
    elif verdict is None:
        raise click.UsageError(f"expected a verdict ({', '.join(Verdict)}), or --undo")
    else:
        alert = _alert(settings, alert_id)
        disposition = give(
            "verdict",
            Verdict(verdict),
            alert_id=alert.alert_id,
            account_id=alert.entity.account_id,
            transactions=_judged(alert, transactions),
            note=note,
            who=author,
            given_at_ms=now_ms(),
        )
    deliver(settings, disposition, as_json=as_json)


def deliver(settings: Settings, disposition: Disposition, *, as_json: bool) -> None:
    """Writes a disposition, and prints what was written and where."""
    place = dispositions.write(settings, disposition)
    topic = settings.topics.dispositions
    if as_json:
        print_json({"topic": topic, "place": place, "disposition": disposition})
        return
    about = f"alert {disposition.alert_id}" if disposition.alert_id else "a report"
    what = disposition.verdict or f"taken back: {disposition.undoes}"
    count = len(disposition.transactions)
    listed = f"{count} transaction{'' if count == 1 else 's'}"
    click.echo(f"{what} · {about} · account {disposition.account_id} · {listed} · by {disposition.who}")
    say(f"written as {disposition.disposition_id} to {topic}, {place}")


def _alert(settings: Settings, alert_id: str) -> Alert:
    with progress("looking for the alert", unit="messages") as show:
        alert = dispositions.find_alert(settings, alert_id, counted(show))
    if alert is None:
        raise UnusableInputError(
            f"expected an alert {alert_id} on the topic {settings.topics.review}, found none. `fraudwatch alerts` "
            "shows the ids of those that are there; what raised no alert is said with `fraudwatch report`."
        )
    return alert


def _judged(alert: Alert, chosen: str | None) -> list[JudgedTransaction]:
    """The alert's own transactions, or those of it and its evidence that were named."""
    own = {one.transaction_id: one.position for one in alert.episode.transactions}
    if chosen is None:
        return [_judged_at(name, at) for name, at in own.items()]
    listed = {one.transaction_id: one.position for one in alert.evidence if one.transaction_id} | own
    wanted = list(dict.fromkeys(name.strip() for name in chosen.split(",") if name.strip()))
    unknown = [name for name in wanted if name not in listed]
    if unknown or not wanted:
        raise UnusableInputError(
            f"expected transactions that alert {alert.alert_id} lists, found {', '.join(unknown) or 'none'}. "
            f"`fraudwatch report ID --account {alert.entity.account_id}` takes any other."
        )
    return [_judged_at(name, listed[name]) for name in wanted]


def _judged_at(transaction_id: str, at: AlertPosition) -> JudgedTransaction:
    return JudgedTransaction(transaction_id, Position(at.topic, at.partition, at.offset))


def _newest(settings: Settings, alert_id: str, verdict: str | None) -> Disposition:
    """The newest verdict on an alert that stands."""
    with progress("looking for the verdict", unit="messages") as show:
        given = dispositions.given(settings, on_strange=say, on_progress=counted(show))
    found = [one for one in standing(given) if one.kind == "verdict" and one.alert_id == alert_id]
    if not found or verdict not in (None, found[-1].verdict):
        wanted = f"a verdict {verdict}" if verdict else "a verdict"
        what = f"{found[-1].verdict}, given by {found[-1].who}" if found else "none that stands"
        raise UnusableInputError(f"expected {wanted} on alert {alert_id} to take back, found {what}")
    return found[-1]
