"""`fraudwatch model`."""

from datetime import UTC, datetime
from typing import Any

import click

from fraudwatch.broker.models import Version, Versions, choose, require_person, versions
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import counted, print_json, print_table, progress, quantity, say, table
from fraudwatch.cli.places import author, now_ms
from fraudwatch.config.settings import Settings
from fraudwatch.detection.versions import TRAINER, Pointer

NOTED = 60
"""Characters of a note in the list; `show` has all of it."""

note = click.option("--note", required=True, metavar="TEXT", help="Why, for whoever comes next.")


@click.group(
    "model",
    short_help=COMMANDS["model"],
    epilog=example("fraudwatch model list --config fraudwatch.yaml"),
)
def command() -> None:
    """Show the models that were fitted and what was decided about them, and put another one in use.

    The trainer decides about a model that it has fitted anew by trying it in shadow. What a person decides here stands
    above that: a trial that was running beside another model does not count, and begins anew.

    Between two fits the lifts of the model in use are learned on, each time as a small version of its own, put in use
    without a trial.
    """


@command.command("list", epilog=example("fraudwatch model list --config fraudwatch.yaml --json"))
@configured
@as_json
def list_(settings: Settings, as_json: bool) -> None:
    """List the versions on the models topic, the latest last, with the decision about each."""
    known = _known(settings)
    if as_json:
        print_json({"topic": settings.topics.models, "models": known.all})
        return
    shown = table("version", "state", "sample until", "#rows", "decided by", "on", "why")
    for one in known.all:
        facts, decision = _trained(one), one.decision
        why = "" if decision is None else decision.note
        shown.add_row(
            one.version,
            one.state,
            facts.get("until", "–"),
            quantity(facts.get("rows")),
            "–" if decision is None else decision.by,
            "–" if decision is None else _day(decision.at_ms),
            why if len(why) <= NOTED else why[: NOTED - 1] + "…",
        )
    print_table(shown)
    if not known.all:
        say(f"there is no model on {settings.topics.models} yet")


@command.command("show", epilog=example("fraudwatch model show 1f0c9a7e21b3 --config fraudwatch.yaml"))
@click.argument("version")
@configured
@as_json
def show(settings: Settings, version: str, as_json: bool) -> None:
    """Show one version: what it was fitted on, how its trial went, who decided what and why.

    VERSION may be shortened to its first letters.
    """
    one = _known(settings).named(version)
    if as_json:
        print_json(one)
        return
    shown = table("", "", title=f"model {one.version}, {one.state}")
    for name, value in _told(one):
        shown.add_row(name, value)
    print_table(shown)


@command.command(
    "promote",
    epilog=example('fraudwatch model promote 1f0c9a7e21b3 --note "the new product is in its sample"'),
)
@click.argument("version")
@configured
@note
@author
@as_json
def promote(settings: Settings, version: str, note: str, author: str, as_json: bool) -> None:
    """Put a version in use, whatever the trainer decided about it; all workers take it at once.

    VERSION may be shortened to its first letters.
    """
    known = _known(settings)
    now, target = known.register.in_use, known.pointer(version)
    before = "" if now is None else now.version
    if before == target.version:  # confirmed: what it has replaced stays what it was
        before = known.replaced_by(target.version)
    _choose(settings, target, before, note=note, who=author, as_json=as_json)


@command.command("rollback", epilog=example('fraudwatch model rollback --note "too many alerts on Mondays"'))
@configured
@note
@author
@as_json
def rollback(settings: Settings, note: str, author: str, as_json: bool) -> None:
    """Go back to the version that the one in use has replaced; once more goes one further back.

    To earlier lifts, too: they stay then as they are until a model fitted anew is put in use, or the latest version of
    the same fit is promoted.
    """
    known = _known(settings)
    target = known.pointer(known.before)
    before = known.replaced_by(target.version)
    _choose(settings, target, before, note=note, who=author, as_json=as_json)


def _choose(settings: Settings, pointer: Pointer, before: str, *, note: str, who: str, as_json: bool) -> None:
    with progress("writing the choice", unit="messages") as show:
        decision = choose(
            settings,
            pointer,
            who=require_person(who),
            note=note,
            at_ms=now_ms(),
            before=before,
            on_progress=counted(show),
        )
    if as_json:
        print_json({"topic": settings.topics.models, "decision": decision})
        return
    click.echo(f"model {decision.version} is put in use · by {decision.by}")
    say(f"written to {settings.topics.models}; each worker takes it within a second or two")


def _known(settings: Settings) -> Versions:
    with progress("reading the models", unit="messages") as show:
        return versions(settings, on_strange=say, on_progress=counted(show))


def _trained(one: Version) -> dict[str, Any]:
    """Of the manifest what a person asks for, as far as it is there."""
    content = one.facts.get("content")
    if not isinstance(content, dict):
        return {}
    span, rows = content.get("span_ms"), content.get("rows")
    known: dict[str, Any] = {"rows": rows} if isinstance(rows, int) else {}
    feeding = content.get("feeding")
    if isinstance(feeding, dict) and isinstance(until := feeding.get("until_ms"), int):
        known |= {"fit": str(feeding.get("fit", "–")), "fed until": _day(until)}
    if isinstance(span, list) and len(span) == 2 and all(isinstance(at, int) for at in span):
        known |= {"since": _day(span[0]), "until": _day(span[1])}
    return known


def _told(one: Version) -> list[tuple[str, str]]:
    facts, decision = _trained(one), one.decision
    lines = [
        ("fitted on", f"{quantity(facts.get('rows'))} transactions"),
        ("of", f"{facts.get('since', '–')} to {facts.get('until', '–')}"),
    ]
    if "fit" in facts:
        lines.append(("lifts", f"those of {facts['fit']}, learned on until {facts['fed until']}"))
    lines += [
        ("size", f"{quantity(one.bytes)} bytes"),
        ("written by", f"fraudwatch {one.facts.get('product', '–')}"),
    ]
    if decision is None:
        return lines
    lines += [
        ("decided", f"{'put in use' if decision.promoted else 'kept out'}, {_day(decision.at_ms)}"),
        ("by", "the trainer" if decision.by == TRAINER else decision.by),
        ("because", decision.note),
        ("in use before", decision.before or "–"),
    ]
    lines += [
        (f"trial: {name}", value if isinstance(value, str) else f"{value:,.6g}")
        for name, value in decision.comparison.items()
    ]
    return lines


def _day(at_ms: int) -> str:
    """A point in time as people write it; times of a foreign manifest may be any number."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
    except (OverflowError, ValueError, OSError):
        return str(at_ms)
