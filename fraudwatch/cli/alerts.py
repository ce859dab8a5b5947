"""`fraudwatch alerts`."""

from collections.abc import Iterator
from contextlib import suppress

import click

from fraudwatch.alerts import Alert, encode, read
from fraudwatch.alerts.written import Language, number
from fraudwatch.broker.tail import Since, tail
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import configured, example
from fraudwatch.cli.output import say
from fraudwatch.config.settings import Settings
from fraudwatch.errors import UnusableInputError
from fraudwatch.records import Text

SEVERITY = {
    "high": Text(en="HIGH", fr="ÉLEVÉE"),
    "medium": Text(en="MEDIUM", fr="MOYENNE"),
    "low": Text(en="LOW", fr="FAIBLE"),
}
UPDATE = Text(en="update {sequence}", fr="mise à jour {sequence}")
SAMPLE = Text(en="sample", fr="échantillon")
RANK = Text(
    en="Alert {id}: score {score}; {rank} alerts of a usual day score higher.",
    fr="Alerte {id} : score {score} ; {rank} alertes d’un jour habituel ont un score plus élevé.",
)
LANE = Text(en="lane {lane}", fr="voie {lane}")
LANE_RANK = Text(
    en="Alert {id}: surprise {score}; {rank} lane alerts of a usual day are more surprising.",
    fr="Alerte {id} : surprise {score} ; {rank} alertes de voies d’un jour habituel sont plus surprenantes.",
)
INNOCENT = Text(en="It may be innocent: ", fr="Explication innocente possible : ")


@click.command(
    "alerts",
    short_help=COMMANDS["alerts"],
    epilog=example("fraudwatch alerts --follow --since end --lang fr"),
)
@configured
@click.option("--follow", is_flag=True, help="Wait for new ones until Ctrl-C.")
@click.option(
    "--since",
    type=click.Choice(["start", "end"]),
    default="start",
    show_default=True,
    help="From the oldest alert that is still there, or only new ones.",
)
@click.option("--lang", type=click.Choice(["en", "fr"]), default="en", show_default=True, help="Language.")
@click.option("--json", "as_json", is_flag=True, help="Print each alert as one line of JSON.")
def command(settings: Settings, follow: bool, since: Since, lang: Language, as_json: bool) -> None:
    """Read the alerts on the review topic, as sentences or JSON lines.

    An update repeats its alert whole: the newest message of an alert id is the alert.
    """
    with suppress(KeyboardInterrupt):
        for alert in _alerts(settings, follow=follow, since=since):
            click.echo(encode(alert) if as_json else in_sentences(alert, lang))


def _alerts(settings: Settings, *, follow: bool, since: Since) -> Iterator[Alert]:
    """What is not an alert is said and passed over: one strange message must not hide the others."""
    for record in tail(settings, settings.topics.review, follow=follow, since=since):
        if record.value is None:
            continue
        try:
            yield read(record.value)
        except UnusableInputError as error:
            say(f"{record.topic}, partition {record.partition}, offset {record.offset}: {error}")


def in_sentences(alert: Alert, language: Language) -> str:
    """An alert as an investigator reads it in a terminal: headline, severity, rank, reasons with their innocents."""

    def of(text: Text) -> str:
        return text.en if language == "en" else text.fr

    marks = [of(SEVERITY[alert.severity])]
    if alert.kind == "update":
        marks.append(of(UPDATE).format(sequence=alert.sequence))
    if alert.sample:
        marks.append(of(SAMPLE))
    if alert.lane is not None:
        marks.append(of(LANE).format(lane=alert.lane))
    rank = of(RANK if alert.lane is None else LANE_RANK)
    lines = [
        f"{' · '.join(marks)}  {of(alert.headline)}",
        "    "
        + rank.format(
            id=alert.alert_id,
            score=number(alert.score, language, 2),
            rank=number(alert.rank, language, 1),
        ),
    ]
    for reason in alert.reasons:
        lines.append(f"  • {of(reason.sentence)}")
        lines.append(f"      {of(INNOCENT)}{of(reason.innocent)}")
    notes = [alert.edge_note, alert.model_note]
    return "\n".join([*lines, *(f"    {of(note)}" for note in notes if note is not None), ""])
