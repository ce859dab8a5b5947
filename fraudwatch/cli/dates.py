"""Days as they are given on the command line."""

from datetime import datetime

import click

from fraudwatch.backtest import Span, span


def whole_days(first: datetime | None, last: datetime | None, prefix: str = "") -> Span:
    """The span of two date options, both days included. Raises UsageError when they are the wrong way round."""
    if first is not None and last is not None and last < first:
        raise click.UsageError(
            f"expected --{prefix}to on or after --{prefix}from, found {last:%Y-%m-%d} before {first:%Y-%m-%d}: "
            "exchange the dates"
        )
    return span(first.date() if first else None, last.date() if last else None, prefix.rstrip("-"))
