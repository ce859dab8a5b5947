"""`fraudwatch simulate`."""

from datetime import datetime
from pathlib import Path

import click

from fraudwatch.cli.entry import COMMANDS
from fraudwatch.cli.options import DATE, FILE, as_json, example
from fraudwatch.cli.output import print_json, progress, say
from fraudwatch.simulate import Plan, write

DEFAULTS = Plan()


@click.command(
    "simulate",
    short_help=COMMANDS["simulate"],
    epilog=example("fraudwatch simulate --accounts 500 --days 30 --seed 7 --out stream.jsonl.gz"),
)
@click.option("--accounts", type=int, default=DEFAULTS.accounts, show_default=True, help="How many accounts.")
@click.option("--days", type=int, default=DEFAULTS.days, show_default=True, help="How many whole days (UTC).")
@click.option(
    "--seed", type=int, default=DEFAULTS.seed, show_default=True, help="The same plan, the same bytes."
)
@click.option(
    "--start",
    type=DATE,
    default=DEFAULTS.start.isoformat(),
    show_default=True,
    metavar="DATE",
    help="First day.",
)
@click.option("--out", type=FILE, required=True, metavar="FILE", help="A name ending in .jsonl or .jsonl.gz.")
@as_json
def command(accounts: int, days: int, seed: int, start: datetime, out: Path, as_json: bool) -> None:
    """Write a labelled stream of our own: accounts with habits, and cases that are not too easy to find.

    One JSON object a line, in event-time order. Its mapping is configs/simulated.yaml; docs/simulator.md says what
    is in it and what is unrealistic about it.
    """
    plan = Plan(accounts=accounts, days=days, seed=seed, start=start.date())
    with progress(f"simulating {accounts:,} accounts", total=days, unit="days") as show:
        rows = write(plan, out, on_progress=lambda done, _: show(done))
    if as_json:
        print_json({"file": str(out), "rows": rows, "accounts": accounts, "days": days, "seed": seed})
    else:
        say(f"{rows:,} transactions of {accounts:,} accounts on {days} days written to {out}")
