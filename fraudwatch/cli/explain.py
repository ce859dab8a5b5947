"""`fraudwatch explain`."""

from pathlib import Path

import click
import msgspec

from fraudwatch.alerts import written
from fraudwatch.alerts.written import Language
from fraudwatch.backtest import load_model
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import FILE, as_json, configured, example
from fraudwatch.cli.output import counted, print_json, print_table, progress, say, table
from fraudwatch.config.settings import Settings
from fraudwatch.explain import ExplainedReason, Explanation, Wanted, explain_file, explain_log, words
from fraudwatch.records import Text

COLUMNS = Text(
    "reason,value,usual,#surprise,#adds,#single change",
    "motif,valeur,habituel,#surprise,#ajoute,#autre valeur",
)
REASONS = Text("All reasons", "Tous les motifs")


@click.command(
    "explain",
    short_help=COMMANDS["explain"],
    epilog=example(
        "fraudwatch explain T1009 --input stream.jsonl.gz --config fraudwatch.yaml --model model",
        "fraudwatch explain --account A17 --strongest --input stream.jsonl.gz --lang fr",
        "fraudwatch explain T1009 --config fraudwatch.yaml",
    ),
)
@click.argument("transaction", required=False)
@configured
@click.option(
    "--account",
    metavar="ID",
    help="The account it belongs to; without a TRANSACTION the latest of the account is explained.",
)
@click.option(
    "--strongest",
    is_flag=True,
    help="Of the account the one that came nearest to an edge or lay furthest above; of a file.",
)
@click.option(
    "--input", "file", type=FILE, metavar="FILE", help="A file; without it the log on the broker is read."
)
@click.option(
    "--model",
    type=FILE,
    metavar="DIRECTORY",
    help="An artefact of `fraudwatch train`; without it the one in use on the broker, or one fitted on the way.",
)
@click.option(
    "--from-log", is_flag=True, help="Of the broker: fold the log from its beginning, without snapshots."
)
@click.option("--lang", type=click.Choice(["en", "fr"]), default="en", show_default=True, help="Language.")
@as_json
def command(
    settings: Settings,
    transaction: str | None,
    account: str | None,
    strongest: bool,
    file: Path | None,
    model: Path | None,
    from_log: bool,
    lang: Language,
    as_json: bool,
) -> None:
    """Say why a transaction raised an alert, or why not.

    Every reason with its value, the usual one, its surprise and what it adds to the score; how far the score was from
    the edge at that moment, and how many alerts of a usual day score higher; and the nearest change of a single value
    that would have led to the other side: `no alert if the amount had been ≤ 410 € (was 812 €)`.

    The transaction is folded as it was, from the beginning of a file (--input) as in a backtest, or from the newest
    snapshot and the log of the broker as a worker restores it.
    """
    if transaction is None and account is None:
        raise click.UsageError(
            "expected the id of a TRANSACTION, or --account ID for the latest of an account"
        )
    if strongest and (transaction is not None or file is None):
        raise click.UsageError(
            "--strongest goes with --account and --input: leave the TRANSACTION out, name a file"
        )
    if from_log and file is not None:
        raise click.UsageError("--from-log is of the broker, --input of a file: leave one out")
    wanted, artefact = (
        Wanted(transaction, account),
        load_model(settings, model) if model is not None else None,
    )
    with progress(f"reading {settings.source.topic if file is None else file.name}") as show:
        if file is None:
            found = explain_log(
                settings, wanted, model=artefact, from_log=from_log, on_progress=counted(show)
            )
        else:
            found = explain_file(
                settings, file, wanted, model=artefact, strongest=strongest, on_progress=counted(show)
            )
    chosen = "named" if transaction is not None else "strongest" if strongest else "latest"
    if as_json:
        print_json({"chosen": chosen, **msgspec.structs.asdict(found)})
        return
    if transaction is None:
        say(f"the {chosen} transaction of account {account}")
    _print(found, lang)


def _print(found: Explanation, language: Language) -> None:
    """Sentences first, then every reason."""

    def tell(text: Text, indent: str = "") -> None:
        click.echo(indent + words.of(text, language))

    tell(found.headline)
    tell(found.verdict)
    for one in found.standings:
        if one.lane is None or one.score > 0.0:
            tell(words.standing(one), "  ")
    if not found.reasons:
        return
    tell(found.nearest.sentence if found.nearest is not None else words.NO_CHANGE)
    said = [one.sentence for one in found.standings] + [one.sentence for one in found.reasons]
    for sentence in filter(None, said):
        tell(sentence, "  • ")
    shown = table(*words.of(COLUMNS, language).split(","), title=words.of(REASONS, language))
    for reason in found.reasons:
        shown.add_row(*_row(reason, found.currency, language))
    print_table(shown)
    silent = {one.lane for one in found.standings if not one.score}
    for change in found.lanes:
        if change.of not in silent and change is not found.nearest:
            tell(change.sentence)


def _row(reason: ExplainedReason, currency: str, language: Language) -> tuple[str, ...]:
    value, usual = (
        written.by_unit(number, reason.unit, currency, language) or "–"
        for number in (reason.value, reason.usual)
    )
    change = reason.change
    return (
        reason.code,
        value,
        usual,
        written.number(reason.surprise, language, 2),
        written.number(reason.lift, language, 2),
        "–" if change is None else words.figure(change.form, change.stated, change.unit, currency, language),
    )
