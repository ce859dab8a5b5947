"""Options that several commands share."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from fraudwatch.config import loading
from fraudwatch.errors import ConfigurationError

F = TypeVar("F", bound=Callable[..., Any])

DATE = click.DateTime(formats=["%Y-%m-%d"])
FILE = click.Path(path_type=Path)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program instead.")


def example(*lines: str) -> str:
    """The end of a help text: commands as they are typed."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])


def configured(command: F) -> F:
    """Adds --config and --set; the command receives `settings`."""

    @click.option(
        "--config",
        type=FILE,
        metavar="FILE",
        help="Configuration file; without it the defaults hold (`fraudwatch config show`).",
    )
    @click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_overrides,
        help="One setting on top of the file, such as alerts.alerts_per_day=120. May be repeated.",
    )
    @wraps(command)
    def loaded(*args: Any, config: Path | None, overrides: dict[str, str], **kwargs: Any) -> Any:
        settings = loading.load(config, overrides=overrides)
        try:
            return command(*args, settings=settings, **kwargs)
        except ConfigurationError as error:
            raise ConfigurationError(loading.with_places(str(error), config, overrides=overrides)) from error

    return loaded  # type: ignore[return-value]


def _overrides(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for key, sign, _ in pairs:
        if not (key and sign):
            raise click.BadParameter(f"expected KEY=VALUE such as kafka.group=mine, found {key + sign!r}")
    return {key.strip(): value for key, _, value in pairs}
