"""`fraudwatch features`."""

from textwrap import fill
from typing import Any

import click

from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import PLAIN_WIDTH, print_json, say
from fraudwatch.config.durations import Duration
from fraudwatch.config.settings import Settings
from fraudwatch.decode import Decoder
from fraudwatch.decode.rules import CANONICAL
from fraudwatch.features import Catalogue
from fraudwatch.records import FeatureSpec


@click.command(
    "features",
    short_help=COMMANDS["features"],
    epilog=example("fraudwatch features --config configs/handbook.yaml"),
)
@configured
@as_json
def command(settings: Settings, as_json: bool) -> None:
    """List the features of this configuration, and those its source cannot feed.

    An anchor is evidence by itself; a context earns its weight from how often it goes together with extreme anchors; a
    descriptive feature is computed and shown, and weighs nothing. docs/features.md explains every one.
    """
    fields = Decoder(settings).fields
    everything = whole_catalogue(settings)
    if as_json:
        print_json([as_object(spec, fields) for spec in everything])
        return
    on = [spec for spec in everything if not _missing(spec, fields)]
    off = [spec for spec in everything if _missing(spec, fields)]
    for spec in on:
        _print(spec)
    if off:
        click.echo("Off, because the source has not the fields they need:\n")
    for spec in off:
        _print(spec)
    say(f"{len(on)} features are on, {len(off)} are off")


def whole_catalogue(settings: Settings) -> tuple[FeatureSpec, ...]:
    """Every feature of these settings, as if the source filled every canonical field."""
    return Catalogue(settings, frozenset(CANONICAL)).specs


def as_object(spec: FeatureSpec, fields: frozenset[str]) -> dict[str, Any]:
    """A feature as `--json` prints it."""
    missing = _missing(spec, fields)
    return {
        "name": spec.name,
        "code": spec.code,
        "theme": spec.theme,
        "side": spec.side,
        "role": spec.role,
        "unit": spec.unit,
        "window": window(spec) or None,
        "fields": spec.fields,
        "doc": spec.doc,
        "on": not missing,
        "missing_fields": missing,
    }


def window(spec: FeatureSpec) -> str:
    """The window as the configuration writes it; empty for a feature without one."""
    return str(Duration(spec.window_ms)) if spec.window_ms is not None else ""


def _print(spec: FeatureSpec) -> None:
    facts = [spec.code, spec.theme, spec.side, spec.role, window(spec), ", ".join(spec.fields)]
    marks = ["code", "theme", "side", "role", "window", "needs"]
    click.echo(
        f"{spec.name}  "
        + " · ".join(f"{mark} {fact}" for mark, fact in zip(marks, facts, strict=True) if fact)
    )
    click.echo(fill(spec.doc, PLAIN_WIDTH, initial_indent="    ", subsequent_indent="    ") + "\n")


def _missing(spec: FeatureSpec, fields: frozenset[str]) -> list[str]:
    return [name for name in spec.fields if name not in fields]
