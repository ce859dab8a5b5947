"""What commands print: JSON, tables, and progress where somebody is watching."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from fraudwatch.errors import ConfigurationError

PLAIN_WIDTH = 120
"""Columns of a table that goes to a file or a pipe."""


def print_json(value: Any) -> None:
    """One JSON object on one line; what is not a finite number is null."""
    click.echo(msgspec.json.encode(value))


def say(message: str) -> None:
    """A message for the person, beside the data."""
    click.echo(message, err=True)


def table(*columns: str, title: str | None = None) -> Table:
    """An empty table in the house style; columns that begin with `#` hold numbers and stand to the right."""
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        show_header=any(column.strip("#") for column in columns),
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for column in columns:
        is_number = column.startswith("#")
        made.add_column(column.removeprefix("#"), justify="right" if is_number else "left", no_wrap=is_number)
    return made


def print_table(made: Table) -> None:
    """To standard output, as wide as the terminal."""
    width = None if sys.stdout.isatty() else PLAIN_WIDTH
    Console(file=sys.stdout, markup=False, highlight=False, width=width).print(made)


@contextmanager
def progress(
    what: str, *, total: float | None = None, unit: str = "records"
) -> Iterator[Callable[[float], None]]:
    """A bar on standard error, only on a terminal. Gives a function that is told how far things are, in `unit`."""
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(what, total=total)
        yield lambda done: shown.update(task, completed=done)


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Turns what an operating system says of a file we write into a ConfigurationError with the remedy."""
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot be written ({error.strerror or error}). "
            "Name a place in a directory that exists and that you may write to."
        ) from error


def check_place(path: Path) -> None:
    """Said before minutes of work, not after: ConfigurationError where no file can be."""
    if path.is_dir() or not path.parent.is_dir():
        raise ConfigurationError(
            f"{path}: expected a file in a directory that exists. Name another one, or make the directory."
        )


def quantity(value: float | None, places: int = 0) -> str:
    """A number for a table: grouped, `–` where there is none."""
    return "–" if value is None else f"{value:,.{places}f}"


def counted(show: Callable[[float], None]) -> Callable[[int], None]:
    """For a library that tells how many are new: adds them up for `show`."""
    done = 0

    def advance(new: int) -> None:
        nonlocal done
        done += new
        show(done)

    return advance
