"""`fraudwatch config check | show | schema`."""

import click

from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import as_json, configured, example
from fraudwatch.cli.output import print_json
from fraudwatch.config import loading
from fraudwatch.config.security import credentials, tls_context
from fraudwatch.config.settings import Settings
from fraudwatch.config.writing import plain_settings
from fraudwatch.decode import Decoder, LabelReader


@click.group(
    "config", short_help=COMMANDS["config"], epilog=example("fraudwatch config check --config my.yaml")
)
def command() -> None:
    """Check, show or describe the configuration."""


@command.command("check", epilog=example("fraudwatch config check --config my.yaml"))
@configured
@as_json
def check(settings: Settings, as_json: bool) -> None:
    """Say whether a configuration can be used; every mistake with its place and the nearest right spelling.

    The files it names (certificates, keys, passwords, clients) are read too.
    """
    fields = sorted(Decoder(settings).fields)
    if settings.source.label is not None:
        LabelReader(settings.source.label)
    tls_context(settings.kafka)
    credentials(settings.kafka)
    configuration = loading.fingerprint(settings)
    if as_json:
        print_json({"configuration": configuration, "fields": fields})
    else:
        click.echo(f"The configuration can be used. It is {configuration}, and fills {', '.join(fields)}.")


@command.command("show", epilog=example("fraudwatch config show --set alerts.alerts_per_day=120"))
@configured
@as_json
def show(settings: Settings, as_json: bool) -> None:
    """Print the settings in effect: defaults, file, environment and --set together, secrets hidden."""
    if as_json:
        print_json(plain_settings(settings))
    else:
        click.echo(loading.dump(settings), nl=False)


@command.command("schema", epilog=example("fraudwatch config schema > fraudwatch.schema.json"))
def schema() -> None:
    """Print the JSON Schema of the configuration file, for an editor."""
    print_json(loading.schema())
