"""`fraudwatch source try`."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec

from fraudwatch.alerts.written import decimal_text, instant
from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import FILE, as_json, configured, example
from fraudwatch.cli.output import counted, print_json, progress, say
from fraudwatch.config.settings import Settings, Source
from fraudwatch.config.wording import nearest
from fraudwatch.decode import Decoder, SourceDecoder, Tried, TriedField, canonical, explain, read_records
from fraudwatch.errors import ConfigurationError
from fraudwatch.records import NO_TIMESTAMP, DeadLetter, Record

SHOWN = 10
"""Records shown when nobody says how many: two screens."""


@click.group(
    "source", short_help=COMMANDS["source"], epilog=example("fraudwatch source try rows.csv --config my.yaml")
)
def command() -> None:
    """Try a source's mapping on a file."""


@command.command(
    "try",
    epilog=example(
        "fraudwatch source try tests/decode/examples/cash.csv --config configs/several-sources.yaml \\",
        "    --source cash",
    ),
)
@click.argument("file", type=FILE)
@configured
@click.option("--source", "name", metavar="NAME", help="Which of `sources`, where there are several.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=SHOWN,
    show_default=True,
    metavar="N",
    help="Show so many records at most.",
)
@click.option("--refused", is_flag=True, help="Show only records that are refused.")
@as_json
def try_(file: Path, settings: Settings, name: str | None, limit: int, refused: bool, as_json: bool) -> None:
    """Show what a mapping makes of a file: record by record the canonical transaction, or why there is none.

    FILE holds records as they are in Kafka: one JSON object a line, or the lines of a CSV source; also gzipped. For
    each field: where it was looked for, what was found there, and what became of it. Nothing is sent anywhere. With
    --json each record is one line of JSON, its transactions as intake writes them.
    """
    source, decoder = _decoder(settings, name)
    counts = {True: 0, False: 0}
    with progress(f"reading {file.name}") as show:
        wanted = _tried(decoder, file, source, counts, refused=refused, seen=counted(show))
        for number, tried in islice(wanted, limit):
            if as_json:
                print_json(_as_object(number, tried))
            else:
                click.echo(_in_words(number, tried, settings.currency))
    say(f"{sum(counts.values()):,} records tried: {counts[True]:,} read, {counts[False]:,} refused")


def _decoder(settings: Settings, name: str | None) -> tuple[Source, Decoder | SourceDecoder]:
    """The source that was meant. Raises ConfigurationError when that is unclear, or it cannot be used."""
    if not settings.sources:
        if name is not None:
            raise ConfigurationError(
                f"expected sources by name in the configuration for --source {name}, found only the one `source`: "
                "leave --source out"
            )
        return settings.source, Decoder(settings)
    if name is None and len(settings.sources) == 1:
        (name,) = settings.sources
    names = ", ".join(settings.sources)
    if name is None:
        raise ConfigurationError(
            f"expected --source with one of {names}, found several sources and no choice"
        )
    if name not in settings.sources:
        near = nearest(name, settings.sources)
        hint = f" (did you mean {near}?)" if near else ""
        raise ConfigurationError(f"expected one of the sources {names}, found --source {name}{hint}")
    source = settings.sources[name]
    return source, SourceDecoder(settings, source, name)


def _tried(
    decoder: Decoder | SourceDecoder,
    file: Path,
    source: Source,
    counts: dict[bool, int],
    *,
    refused: bool,
    seen: Any,
) -> Iterator[tuple[int, Tried]]:
    """Number and result of each record that is to be shown; all are counted."""
    for number, value in enumerate(read_records(file, source), start=1):
        tried = explain(decoder, Record(file.name, 0, number - 1, NO_TIMESTAMP, None, value))
        is_read = not isinstance(tried.outcome, DeadLetter)
        counts[is_read] += 1
        seen(1)
        if not (refused and is_read):
            yield number, tried


def _as_object(number: int, tried: Tried) -> dict[str, Any]:
    outcome = tried.outcome
    if isinstance(outcome, DeadLetter):
        became: dict[str, Any] = {"refused": {"reason": outcome.reason, "detail": _whole(outcome.detail)}}
    else:
        became = {"transactions": [msgspec.Raw(canonical(transaction)) for transaction in outcome]}
    return {"record": number, **became, "fields": tried.legs}


def _in_words(number: int, tried: Tried, currency: str) -> str:
    outcome = tried.outcome
    if isinstance(outcome, DeadLetter):
        lines = [f"record {number}: refused, {outcome.reason} – {_whole(outcome.detail)}"]
    else:
        lines = [f"record {number}: {len(outcome)} transaction{'' if len(outcome) == 1 else 's'}"]
    for place, leg in enumerate(tried.legs):
        if len(tried.legs) > 1:
            lines.append(f"  legs[{place}]")
        lines += _table([_row(field, currency) for field in leg])
    return "\n".join([*lines, ""])


def _row(field: TriedField, currency: str) -> tuple[str, str, str, str]:
    path = "(constant)" if field.path is None else field.path
    if field.refusal is not None:
        why = field.refusal.removeprefix(f"{field.field}: ")
        return field.field, path, field.found, f"✗ {field.reason}: {_whole(why)}"
    return field.field, path, field.found, "–" if field.made is None else f"→ {_made(field, currency)}"


def _made(field: TriedField, currency: str) -> str:
    """Times and amounts as a person reads them."""
    if field.field == "event_time" and isinstance(field.made, int):
        return instant(field.made)
    if field.field == "amount" and isinstance(field.made, int):
        return f"{decimal_text(field.made, currency)} {currency}"
    return str(field.made)


def _table(rows: list[tuple[str, str, str, str]]) -> list[str]:
    """Three aligned columns, and the last as long as it likes: a refusal is never cut."""
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "    " + "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]


def _whole(detail: str) -> str:
    """Half a surrogate pair can be written nowhere."""
    return detail.encode("utf-8", "backslashreplace").decode()
