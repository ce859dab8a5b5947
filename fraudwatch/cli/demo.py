"""`fraudwatch demo`."""

from pathlib import Path

import click

from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import FILE, as_json, configured, example
from fraudwatch.cli.output import print_json, say
from fraudwatch.config.settings import Settings
from fraudwatch.demo import Demo
from fraudwatch.demo.lines import Lines


@click.command("demo", short_help=COMMANDS["demo"], epilog=example("fraudwatch demo --for 60"))
@configured
@click.option("--input", "file", type=FILE)
@click.option("--rate", type=float)
@click.option("--for", "seconds", type=float)
@as_json
def command(
    settings: Settings, file: Path | None, rate: float | None, seconds: float | None, as_json: bool
) -> None:
    """Run everything on this machine."""
    demo = Demo(settings, file=file, rate=rate, seconds=seconds, show=Lines(say))
    print_json(demo.run())
